#include <fmt/core.h>

#include <set>
#include <stdexcept>

#include "core/attention/call.h"
#include "core/parallel.h"

/// \file
/// Expands relative tables from buckets to distances, and folds their gradients back.
namespace yonder::fused {
namespace {

// Bands that contain those of all heads, each of which begins or ends at the query or contains it.
Visibility seen_by_some(const AttentionCall& call) {
  Visibility all = call.visibility.front();
  for (const Visibility& head : call.visibility)
    for (Band Visibility::*band : {&Visibility::near, &Visibility::sinks})
      all.*band = {std::min((all.*band).least, (head.*band).least),
                   std::max((all.*band).most, (head.*band).most)};
  return all;
}

// Range of the distances of visible pairs, both ends included. Positions that are not consecutive
// are scanned pair by pair.
IndexRange visible_distances(const AttentionCall& call) {
  IndexRange seen{Band::unlimited, -Band::unlimited};
  if (call.consecutive) {
    for (int b = 0; b < call.B; ++b) {
      const int shift = call.distance(b, 0, 0);
      seen.begin = std::min(seen.begin, shift + std::max(1 - call.Tk, call.band.least));
      seen.end = std::max(seen.end, shift + std::min(call.Tq - 1, call.band.most));
    }
    return seen;
  }
  const Visibility visibility = seen_by_some(call);
  for (int b = 0; b < call.B; ++b)
    for (int i = 0; i < call.queries_of(b); ++i) {
      const int keys = call.keys_of(b);
      for (const IndexRange& j : {visibility.near.keys({i, i + 1}, keys),
                                  visibility.sinks.keys({i, i + 1}, std::min(call.sinks, keys))})
        for (int key = j.begin; key < j.end; ++key) {
          const int d = call.distance(b, i, key);
          seen = {std::min(seen.begin, d), std::max(seen.end, d)};
        }
    }
  return seen;
}

// Calls f(place, row) for each distance that a term covers.
template <class F>
void each_distance(const ByDistance& tables, const Buckets& bucket, F&& f) {
  const int first = std::max(tables.least, bucket.least);
  const int end = std::min(tables.least + tables.count, bucket.least + int(bucket.row.size()));
  for (int d = first; d < end; ++d) f(tables.place(d), bucket(d));
}

// One kind of table, as a member of a term.
using Kind = Var RelativeTerm::*;

// A term's table by distance. A one-row B is the same at every distance and belongs to `u`.
const Var& table_of(const RelativeTerm& term, Kind kind) {
  static const Var none;
  return kind == &RelativeTerm::B && term.bucket.rows == 1 ? none : term.*kind;
}
bool one_row(const RelativeTerm& term) { return term.B && term.bucket.rows == 1; }

// Index of head h of row r in a table [R, H or 1, d].
std::int64_t entry(const Var& table, int r, int h) {
  return (std::int64_t(r) * table.dim(1) + h % table.dim(1)) * table.dim(2);
}

DistanceTable expand(const AttentionCall& call, const ByDistance& tables, Kind kind, real factor) {
  DistanceTable table;
  int d = 0;
  for (const RelativeTerm& term : call.scores.relative)
    if (const Var& x = table_of(term, kind))
      table.heads = std::max(table.heads, x.dim(1)), d = x.dim(2);
  if (!table) return table;
  table.rows = Tensor::uninitialized({table.heads, tables.stride, wide(d)});
  table.transposed = Tensor::uninitialized({table.heads, d, tables.stride});
  parallel_for(table.heads, [&](std::int64_t h) {
    real* rows = &table.rows[h * tables.stride * wide(d)];
    real* transposed = &table.transposed[h * tables.stride * d];
    std::fill_n(rows, std::int64_t(tables.stride) * wide(d), real(0));
    for (const RelativeTerm& term : call.scores.relative)
      if (const Var& x = table_of(term, kind))
        each_distance(tables, term.bucket, [&](std::ptrdiff_t place, int row) {
          const real* from = &x.value()[entry(x, row, int(h))];
          for (int c = 0; c < d; ++c) rows[place * wide(d) + c] += factor * from[c];
        });
    for (int c = 0; c < d; ++c)
      for (int i = 0; i < tables.stride; ++i)
        transposed[c * tables.stride + i] = rows[i * wide(d) + c];
  });
  return table;
}

// Σ of the one-row tables B, times scale: [H, wide(dk)].
Tensor expand_one_row(const AttentionCall& call) {
  Tensor u;
  for (const RelativeTerm& term : call.scores.relative) {
    if (!one_row(term)) continue;
    if (!u) u = Tensor({call.H, wide(call.dk)});
    for (int h = 0; h < call.H; ++h)
      for (int c = 0; c < call.dk; ++c)
        u[h * u.dim(1) + c] += call.scores.scale * term.B.value()[entry(term.B, 0, h) + c];
  }
  return u;
}

// Beyond the largest bucket, and within wide ones, all distances share a row.
std::vector<int> count_changes(const AttentionCall& call, const ByDistance& tables) {
  std::vector<int> change_count(tables.count, 0);
  const auto row = [](const Buckets& bucket, int d) {
    const int i = d - bucket.least;
    return i >= 0 && i < int(bucket.row.size()) ? bucket.row[i] : -1;
  };
  for (int i = 1; i < tables.count; ++i) {
    const int d = tables.least + i;
    const auto changed = [&](const RelativeTerm& term) {
      return (term.A || term.B || term.V) && row(term.bucket, d) != row(term.bucket, d - 1);
    };
    const auto& terms = call.scores.relative;
    change_count[i] = change_count[i - 1] + std::any_of(terms.begin(), terms.end(), changed);
  }
  return change_count;
}

}  // namespace

// Never throws for tables sized by Attention::least() and most().
void require_rows(const Buckets& bucket, IndexRange seen) {
  const int end = bucket.least + int(bucket.row.size());
  if (bucket.least <= seen.begin && seen.end < end) return;
  throw std::out_of_range(
      fmt::format("attention: a relative term has rows for distances {} to {}, and the sequence "
                  "has {} to {}; size its bucket by the attention's least() and most()",
                  bucket.least, end - 1, seen.begin, seen.end));
}

int rows_read(const AttentionCall& call, const Buckets& bucket) {
  const IndexRange seen = visible_distances(call);
  std::set<int> rows;
  for (int d = seen.begin; d <= seen.end; ++d) rows.insert(bucket(d));
  return int(rows.size());
}

ByDistance by_distance(const AttentionCall& call) {
  ByDistance tables;
  if (call.scores.relative.empty()) return tables;
  const IndexRange seen = visible_distances(call);
  tables.least = seen.begin;
  tables.count = std::max(seen.end - seen.begin + 1, 1);
  // An odd number of cache lines, so that rows of a transposed table don't share a cache set.
  tables.stride = tile::up_to(16, tables.count + 2 * ByDistance::margin);
  if (tables.stride % 32 == 0) tables.stride += 16;
  for (const RelativeTerm& term : call.scores.relative) {
    require_rows(term.bucket, seen);
    if (term.f) {
      if (!tables.f) {
        tables.f = Tensor({tables.stride});
        std::fill_n(&tables.f[ByDistance::margin], tables.count, real(1));
      }
      each_distance(tables, term.bucket,
                    [&](std::ptrdiff_t place, int row) { tables.f[place] *= term.f[row]; });
    }
    if (!term.c) continue;
    if (!tables.c) tables.c = Tensor({call.H, tables.stride});
    each_distance(tables, term.bucket, [&](std::ptrdiff_t place, int row) {
      for (int h = 0; h < call.H; ++h)
        tables.c[h * tables.stride + place] += term.c.value()[row * call.H + h];
    });
  }
  tables.A = expand(call, tables, &RelativeTerm::A, 1);
  tables.B = expand(call, tables, &RelativeTerm::B, call.scores.scale);
  tables.V = expand(call, tables, &RelativeTerm::V, 1);
  tables.u = expand_one_row(call);
  tables.change_count = count_changes(call, tables);
  return tables;
}

TableSums::TableSums(const AttentionCall& call, const ByDistance& tables, int parts) {
  const auto tracked = [&](Kind kind) {
    return std::any_of(call.scores.relative.begin(), call.scores.relative.end(),
                       [kind](const RelativeTerm& term) { return table_of(term, kind).tracked(); });
  };
  const auto sum = [&](Kind kind, int d) {
    return tracked(kind) ? Tensor::uninitialized({parts, call.H, tables.stride, wide(d)})
                         : Tensor();
  };
  if (tracked(&RelativeTerm::c)) c = Tensor::uninitialized({parts, call.H, tables.stride});
  A = sum(&RelativeTerm::A, call.dk);
  B = sum(&RelativeTerm::B, call.dk);
  V = sum(&RelativeTerm::V, call.dv);
  for (const RelativeTerm& term : call.scores.relative)
    if (one_row(term) && term.B.tracked())
      u = Tensor::uninitialized({parts, call.H, 1, wide(call.dk)});
}

void TableSums::clear(int part, int h) const {
  for (const Tensor& sum : {c, A, B, V, u})
    if (sum) std::fill_n(of(sum, part, h), sum.size() / (sum.dim(0) * sum.dim(1)), real(0));
}

namespace {

// Adds all parts to the first one, a head and some distances at a time.
void add_parts(const Tensor& sum, const ByDistance& tables) {
  constexpr int piece = 64;
  const int H = sum.dim(1), width = sum.shape.size() == 4 ? sum.dim(3) : 1;
  const std::int64_t part = sum.size() / sum.dim(0);
  const int pieces = (tables.count + piece - 1) / piece;
  parallel_for(std::int64_t(H) * pieces, [&](std::int64_t n) {
    const int first = int(n % pieces) * piece, count = std::min(piece, tables.count - first);
    real* to = TableSums::of(sum, 0, int(n / pieces)) + (ByDistance::margin + first) * width;
    for (int p = 1; p < sum.dim(0); ++p)
      for (int i = 0; i < count * width; ++i) to[i] += to[p * part + i];
  });
}

void fold_table(const AttentionCall& call, const ByDistance& tables, const Tensor& sum, Kind kind,
                real factor) {
  if (!sum) return;
  add_parts(sum, tables);
  for (const RelativeTerm& term : call.scores.relative) {
    const Var& x = table_of(term, kind);
    if (!x.tracked()) continue;
    for (int h = 0; h < call.H; ++h)
      each_distance(tables, term.bucket, [&](std::ptrdiff_t place, int row) {
        const real* from = TableSums::of(sum, 0, h) + place * sum.dim(3);
        real* to = &x.grad()[entry(x, row, h)];
        for (int c = 0; c < x.dim(2); ++c) to[c] += factor * from[c];
      });
  }
}

void fold_one_row(const AttentionCall& call, const Tensor& sum) {
  for (const RelativeTerm& term : call.scores.relative)
    if (sum && one_row(term) && term.B.tracked())
      for (int p = 0; p < sum.dim(0); ++p)
        for (int h = 0; h < call.H; ++h)
          for (int c = 0; c < call.dk; ++c)
            term.B.grad()[entry(term.B, 0, h) + c] +=
                call.scores.scale * TableSums::of(sum, p, h)[c];
}

}  // namespace

void TableSums::fold(const AttentionCall& call, const ByDistance& tables) const {
  if (c) {
    add_parts(c, tables);
    for (const RelativeTerm& term : call.scores.relative)
      if (term.c.tracked())
        each_distance(tables, term.bucket, [&](std::ptrdiff_t place, int row) {
          for (int h = 0; h < call.H; ++h) term.c.grad()[row * call.H + h] += of(c, 0, h)[place];
        });
  }
  fold_table(call, tables, A, &RelativeTerm::A, 1);
  fold_table(call, tables, B, &RelativeTerm::B, call.scores.scale);
  fold_table(call, tables, V, &RelativeTerm::V, 1);
  fold_one_row(call, u);
}

}  // namespace yonder::fused
