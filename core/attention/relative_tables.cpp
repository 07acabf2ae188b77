#include <stdexcept>

#include "core/attention/plan.h"
#include "core/parallel.h"

/// \file
/// Relative tables from buckets to distances, and their gradients back.
namespace yonder::fused {
namespace {

// Bands around what each head sees. All heads' begin or end at the query, or lie around it.
Sight seen_by_some(const Plan& plan) {
  Sight all = plan.sights.front();
  for (const Sight& head : plan.sights)
    for (Band Sight::*band : {&Sight::near, &Sight::sinks})
      all.*band = {std::min((all.*band).least, (head.*band).least),
                   std::max((all.*band).most, (head.*band).most)};
  return all;
}

// Distances that a visible pair has, both ends counted. Positions that are not consecutive are
// looked at pair by pair, once a call.
Range visible_distances(const Plan& plan) {
  Range seen{Band::unlimited, -Band::unlimited};
  if (plan.consecutive) {
    for (int b = 0; b < plan.B; ++b) {
      const int shift = plan.distance(b, 0, 0);
      seen.begin = std::min(seen.begin, shift + std::max(1 - plan.Tk, plan.band.least));
      seen.end = std::max(seen.end, shift + std::min(plan.Tq - 1, plan.band.most));
    }
    return seen;
  }
  const Sight sight = seen_by_some(plan);
  for (int b = 0; b < plan.B; ++b)
    for (int i = 0; i < plan.queries_of(b); ++i) {
      const int keys = plan.keys_of(b);
      for (const Range& j : {sight.near.keys({i, i + 1}, keys),
                             sight.sinks.keys({i, i + 1}, std::min(plan.sinks, keys))})
        for (int key = j.begin; key < j.end; ++key) {
          const int d = plan.distance(b, i, key);
          seen = {std::min(seen.begin, d), std::max(seen.end, d)};
        }
    }
  return seen;
}

// Calls f(place, row) for each distance that a term knows.
template <class F>
void each_distance(const ByDistance& tables, const Buckets& bucket, F&& f) {
  const int first = std::max(tables.least, bucket.least);
  const int end = std::min(tables.least + tables.count, bucket.least + int(bucket.row.size()));
  for (int d = first; d < end; ++d) f(tables.place(d), bucket(d));
}

// One kind of table, named by its place in a term.
using Kind = Var RelativeTerm::*;

// A term's table by distance. A B with one row is the same at every distance and left to `u`.
const Var& table_of(const RelativeTerm& term, Kind kind) {
  static const Var none;
  return kind == &RelativeTerm::B && term.bucket.rows == 1 ? none : term.*kind;
}
bool one_row(const RelativeTerm& term) { return term.B && term.bucket.rows == 1; }

// Head h of row r of a table [R, H or 1, d].
std::int64_t entry(const Var& table, int r, int h) {
  return (std::int64_t(r) * table.dim(1) + h % table.dim(1)) * table.dim(2);
}

Table expand(const Plan& plan, const ByDistance& tables, Kind kind, real factor) {
  Table table;
  int d = 0;
  for (const RelativeTerm& term : plan.scores.relative)
    if (const Var& x = table_of(term, kind))
      table.heads = std::max(table.heads, x.dim(1)), d = x.dim(2);
  if (!table) return table;
  table.rows = Tensor::uninitialized({table.heads, tables.stride, wide(d)});
  table.turned = Tensor::uninitialized({table.heads, d, tables.stride});
  parallel_for(table.heads, [&](std::int64_t h) {
    real* rows = &table.rows[h * tables.stride * wide(d)];
    real* turned = &table.turned[h * tables.stride * d];
    std::fill_n(rows, std::int64_t(tables.stride) * wide(d), real(0));
    for (const RelativeTerm& term : plan.scores.relative)
      if (const Var& x = table_of(term, kind))
        each_distance(tables, term.bucket, [&](std::ptrdiff_t place, int row) {
          const real* from = &x.value()[entry(x, row, int(h))];
          for (int c = 0; c < d; ++c) rows[place * wide(d) + c] += factor * from[c];
        });
    for (int c = 0; c < d; ++c)
      for (int i = 0; i < tables.stride; ++i) turned[c * tables.stride + i] = rows[i * wide(d) + c];
  });
  return table;
}

// Σ of the Bs that are one row, times scale: [H, wide(dk)].
Tensor expand_one_row(const Plan& plan) {
  Tensor u;
  for (const RelativeTerm& term : plan.scores.relative) {
    if (!one_row(term)) continue;
    if (!u) u = Tensor({plan.H, wide(plan.dk)});
    for (int h = 0; h < plan.H; ++h)
      for (int c = 0; c < plan.dk; ++c)
        u[h * u.dim(1) + c] += plan.scores.scale * term.B.value()[entry(term.B, 0, h) + c];
  }
  return u;
}

// Beyond the largest bucket, and within wide ones, all distances are one row.
std::vector<int> count_changes(const Plan& plan, const ByDistance& tables) {
  std::vector<int> changes(tables.count, 0);
  const auto row = [](const Buckets& bucket, int d) {
    const int i = d - bucket.least;
    return i >= 0 && i < int(bucket.row.size()) ? bucket.row[i] : -1;
  };
  for (int i = 1; i < tables.count; ++i) {
    const int d = tables.least + i;
    const auto changed = [&](const RelativeTerm& term) {
      return (term.A || term.B || term.V) && row(term.bucket, d) != row(term.bucket, d - 1);
    };
    const auto& terms = plan.scores.relative;
    changes[i] = changes[i - 1] + std::any_of(terms.begin(), terms.end(), changed);
  }
  return changes;
}

}  // namespace

// Never reached by tables that are sized by Attention::least() and most().
void require_rows(const Buckets& bucket, Range seen) {
  const int end = bucket.least + int(bucket.row.size());
  if (bucket.least <= seen.begin && seen.end < end) return;
  throw std::out_of_range(
      "attention: a relative term has rows for distances " + std::to_string(bucket.least) + " to " +
      std::to_string(end - 1) + ", and the sequence has " + std::to_string(seen.begin) + " to " +
      std::to_string(seen.end) + "; size its bucket by the attention's least() and most()");
}

ByDistance by_distance(const Plan& plan) {
  ByDistance tables;
  if (plan.scores.relative.empty()) return tables;
  const Range seen = visible_distances(plan);
  tables.least = seen.begin;
  tables.count = std::max(seen.end - seen.begin + 1, 1);
  // An odd number of cache lines, so that the rows of a turned table don't share a set.
  tables.stride = tile::up_to(16, tables.count + 2 * ByDistance::margin);
  if (tables.stride % 32 == 0) tables.stride += 16;
  for (const RelativeTerm& term : plan.scores.relative) {
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
    if (!tables.c) tables.c = Tensor({plan.H, tables.stride});
    each_distance(tables, term.bucket, [&](std::ptrdiff_t place, int row) {
      for (int h = 0; h < plan.H; ++h)
        tables.c[h * tables.stride + place] += term.c.value()[row * plan.H + h];
    });
  }
  tables.A = expand(plan, tables, &RelativeTerm::A, 1);
  tables.B = expand(plan, tables, &RelativeTerm::B, plan.scores.scale);
  tables.V = expand(plan, tables, &RelativeTerm::V, 1);
  tables.u = expand_one_row(plan);
  tables.changes = count_changes(plan, tables);
  return tables;
}

TableSums::TableSums(const Plan& plan, const ByDistance& tables, int parts) {
  const auto tracked = [&](Kind kind) {
    return std::any_of(plan.scores.relative.begin(), plan.scores.relative.end(),
                       [kind](const RelativeTerm& term) { return table_of(term, kind).tracked(); });
  };
  const auto sum = [&](Kind kind, int d) {
    return tracked(kind) ? Tensor::uninitialized({parts, plan.H, tables.stride, wide(d)})
                         : Tensor();
  };
  if (tracked(&RelativeTerm::c)) c = Tensor::uninitialized({parts, plan.H, tables.stride});
  A = sum(&RelativeTerm::A, plan.dk);
  B = sum(&RelativeTerm::B, plan.dk);
  V = sum(&RelativeTerm::V, plan.dv);
  for (const RelativeTerm& term : plan.scores.relative)
    if (one_row(term) && term.B.tracked())
      u = Tensor::uninitialized({parts, plan.H, 1, wide(plan.dk)});
}

void TableSums::clear(int part, int h) const {
  for (const Tensor& sum : {c, A, B, V, u})
    if (sum) std::fill_n(of(sum, part, h), sum.size() / (sum.dim(0) * sum.dim(1)), real(0));
}

namespace {

// The parts added up into the first one, a head and some distances at a time.
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

void fold_table(const Plan& plan, const ByDistance& tables, const Tensor& sum, Kind kind,
                real factor) {
  if (!sum) return;
  add_parts(sum, tables);
  for (const RelativeTerm& term : plan.scores.relative) {
    const Var& x = table_of(term, kind);
    if (!x.tracked()) continue;
    for (int h = 0; h < plan.H; ++h)
      each_distance(tables, term.bucket, [&](std::ptrdiff_t place, int row) {
        const real* from = TableSums::of(sum, 0, h) + place * sum.dim(3);
        real* to = &x.grad()[entry(x, row, h)];
        for (int c = 0; c < x.dim(2); ++c) to[c] += factor * from[c];
      });
  }
}

void fold_one_row(const Plan& plan, const Tensor& sum) {
  for (const RelativeTerm& term : plan.scores.relative)
    if (sum && one_row(term) && term.B.tracked())
      for (int p = 0; p < sum.dim(0); ++p)
        for (int h = 0; h < plan.H; ++h)
          for (int c = 0; c < plan.dk; ++c)
            term.B.grad()[entry(term.B, 0, h) + c] +=
                plan.scores.scale * TableSums::of(sum, p, h)[c];
}

}  // namespace

void TableSums::fold(const Plan& plan, const ByDistance& tables) const {
  if (c) {
    add_parts(c, tables);
    for (const RelativeTerm& term : plan.scores.relative)
      if (term.c.tracked())
        each_distance(tables, term.bucket, [&](std::ptrdiff_t place, int row) {
          for (int h = 0; h < plan.H; ++h) term.c.grad()[row * plan.H + h] += of(c, 0, h)[place];
        });
  }
  fold_table(plan, tables, A, &RelativeTerm::A, 1);
  fold_table(plan, tables, B, &RelativeTerm::B, plan.scores.scale);
  fold_table(plan, tables, V, &RelativeTerm::V, 1);
  fold_one_row(plan, u);
}

}  // namespace yonder::fused
