#include "core/attention/tile_pair.h"

#include <limits>

#include "core/parallel.h"
#include "core/simd/simd_loops.h"

namespace yonder::fused {

using tile::lanes;
using tile::stripe;
using tile::Vector;

void Rows::copy(real* to, const real* factor) const {
  const int d = x.dim(3), width = wide(d), whole = tile::down_to(lanes, d);
  const std::int64_t step = std::int64_t(x.dim(2)) * d;
  const real* from = count ? &x[AttentionCall::at(x, b, first, h)] : nullptr;
  for (int t = 0; t < count; ++t, from += step, to += width) {
    const real by = factor ? factor[t] : real(1);
    for (int c = 0; c < whole; c += lanes)
      tile::store(tile::load(from + c) * tile::all(by), to + c);
    for (int c = whole; c < width; ++c) to[c] = c < d ? by * from[c] : 0;
  }
  std::fill_n(to, (side - count) * width, real(0));
}

void Rows::put(const real* from, bool add, const real* factor) const {
  const int d = x.dim(3), width = wide(d);
  const std::int64_t step = std::int64_t(x.dim(2)) * d;
  real* to = count ? &x[AttentionCall::at(x, b, first, h)] : nullptr;
  for (int t = 0; t < count; ++t, from += width, to += step) {
    const real by = factor ? factor[t] : real(1);
    if (add)
      for (int c = 0; c < d; ++c) to[c] += by * from[c];
    else
      for (int c = 0; c < d; ++c) to[c] = by * from[c];
  }
}

void Rows::clear_below() const {
  for (int t = first + count; t < std::min(first + side, x.dim(1)); ++t)
    std::fill_n(&x[AttentionCall::at(x, b, t, h)], x.dim(3), real(0));
}

namespace {

// Transposes [rows, columns] to [columns, rows], or adds to it, in blocks of 128 bits: interleaves
// two rows, then two such results.
template <bool add>
void transpose_blocks(const real* from, int rows, int columns, real* to) {
  const tile::hn::Full128<real> part;
  constexpr int n = tile::hn::MaxLanes(part);
  const auto row = [&](int i, int c) { return tile::hn::LoadU(part, from + i * columns + c); };
  const auto put = [&](auto x, int i, int c) {
    real* const at = to + c * rows + i;
    tile::hn::StoreU(add ? tile::hn::Add(x, tile::hn::LoadU(part, at)) : x, part, at);
  };
  const auto lower = [&](auto x, auto y) { return tile::hn::InterleaveLower(part, x, y); };
  const auto upper = [&](auto x, auto y) { return tile::hn::InterleaveUpper(part, x, y); };
  for (int i = 0; i < rows; i += n)
    for (int c = 0; c < columns; c += n) {
      if constexpr (n == 2) {
        put(lower(row(i, c), row(i + 1, c)), i, c);
        put(upper(row(i, c), row(i + 1, c)), i, c + 1);
      } else {
        const auto even = lower(row(i, c), row(i + 2, c)),
                   odd = lower(row(i + 1, c), row(i + 3, c));
        put(lower(even, odd), i, c);
        put(upper(even, odd), i, c + 1);
        const auto even2 = upper(row(i, c), row(i + 2, c)),
                   odd2 = upper(row(i + 1, c), row(i + 3, c));
        put(lower(even2, odd2), i, c + 2);
        put(upper(even2, odd2), i, c + 3);
      }
    }
}

}  // namespace

void transpose(const real* from, int columns, real* to) {
  transpose_blocks<false>(from, side, columns, to);
}
void add_transposed(const real* from, int width, real* to) {
  transpose_blocks<true>(from, width, side, to);
}

Packed::Packed(const AttentionCall& call, Pass pass) {
  const int tiles = (call.Tk + side - 1) / side;
  const auto copy = [&](const Tensor& x, RoundedRows& rounded, bool rows, bool transposed) {
    const int d = x.dim(3), width = wide(d);
    const auto tensor = [&](bool wanted, int count, int K) {
      return call.bf16 && wanted
                 ? Tensor::uninitialized({call.B * call.H * tiles, int(packed_reals(count, K))})
                 : Tensor();
    };
    rounded = {tensor(rows, side, d), tensor(transposed, d, side)};
    const Tensor to =
        call.bf16_only ? Tensor() : Tensor::uninitialized({call.B, call.H, tiles * side, width});
    parallel_for(std::int64_t(call.B) * call.H * tiles, [&](std::int64_t n) {
      const int head = int(n / tiles), first = int(n % tiles) * side, b = head / call.H;
      const int count = std::clamp(call.keys_of(b) - first, 0, side);
      if (to) Rows{x, b, first, count, head % call.H}.copy(&to[n * side * width]);
      const Matrix m{&x[AttentionCall::at(x, b, first, head % call.H)], x.dim(2) * d};
      if (const Tensor& t = rounded.rows; t)
        bf16::pack({bf16::Side::left, m, count, d}, &t[n * t.dim(1)]);
      if (const Tensor& t = rounded.transposed; t)
        bf16::pack({bf16::Side::left, {m.data, m.stride, true}, d, count, side}, &t[n * t.dim(1)]);
    });
    return to;
  };
  const bool backward = pass == Pass::backward;
  k[0] = copy(call.dots.k.value(), k_rounded[0], true, backward);
  if (call.dots.far_k) k[1] = copy(call.dots.far_k.value(), k_rounded[1], true, backward);
  v = copy(call.v.value(), v_rounded, backward, !backward);
}

KeyTile::KeyTile(const AttentionCall& call, const Packed& packed, int b, int h, int begin)
    : first(begin), count(std::min(side, call.keys_of(b) - begin)) {
  const auto rows = [&](const Tensor& x) {
    return x ? &x[((std::int64_t(b) * call.H + h) * x.dim(2) + begin) * x.dim(3)] : nullptr;
  };
  k[0] = rows(packed.k[0]), k[1] = rows(packed.k[1]), v = rows(packed.v);
  if (call.bf16) {
    const int tiles = (call.Tk + side - 1) / side;
    const std::int64_t n = (std::int64_t(b) * call.H + h) * tiles + begin / side;
    const auto factor = [n](const Tensor& x, int K) {
      return x ? bf16::packed_in(&x[n * x.dim(1)], K) : bf16::Packed();
    };
    for (int which : {0, 1}) {
      k_rows[which] = factor(packed.k_rounded[which].rows, call.dk);
      k_transposed[which] = factor(packed.k_rounded[which].transposed, side);
    }
    v_rows = factor(packed.v_rounded.rows, call.dv);
    v_transposed = factor(packed.v_rounded.transposed, side);
  }
  for (int j = 0; j < count; ++j) at[j] = call.keys(b, first + j);
}

QueryTile::QueryTile(const AttentionCall& p, const ByDistance& t, TileOrigin place,
                     const real* strip, Workspace& memory)
    : call(p),
      tables(t),
      b(place.b),
      h(place.h),
      first(place.first),
      bias(strip),
      visibility(p.visibility[place.h]) {
  count = std::clamp(call.queries_of(b) - first, 0, side);
  near = visibility.near.keys({first, first + count}, call.keys_of(b));
  factor = memory.take(side);
  for (int i = 0; i < count; ++i) {
    factor[i] = call.factor(b, first + i);
    at[i] = call.queries(b, first + i);
  }
  for (std::size_t n = 0; n < call.pairings.size(); ++n) {
    q[n] = memory.take(side * wide(call.dk));
    q_transposed[n] = memory.take(wide(call.dk) * side);
    Rows{call.pairings[n].q.value(), b, first, count, h}.copy(q[n], factor);
    if (!call.bf16_only) transpose(q[n], wide(call.dk), q_transposed[n]);
    if (call.bf16)
      q_rounded[n] = bf16::pack({bf16::Side::right, {q[n], wide(call.dk), true}, side, call.dk},
                                memory.take(packed_reals(side, call.dk)));
  }
}

IndexRange QueryTile::keys() const {
  IndexRange seen = near;
  if (const IndexRange all = visibility.sinks.keys({first, first + count}, call.keys_of(b));
      all.begin < call.sinks)
    seen = {all.begin, std::max(near.end, std::min(all.end, call.sinks))};
  return {tile::down_to(side, seen.begin), count ? seen.end : 0};
}

TilePair::TilePair(const QueryTile& i, const KeyTile& j)
    : queries(i),
      keys(j),
      call(i.call),
      tables(i.tables),
      band((j.first < call.sinks ? i.visibility.sinks : i.visibility.near).from(i.first, j.first)),
      near(i.visibility.near.from(i.first, j.first)) {
  if (call.consecutive) {
    const int shift = distance(0, 0);
    reach = {shift + std::max(1 - side, band.least), shift + std::min(side - 1, band.most)};
    // With several pairings, or with f, q·A would have to be kept apart from the dot products.
    const bool may = (tables.A || tables.B || tables.V) && !tables.f && call.pairings.size() == 1;
    if (may && tables.constant_bias(reach.begin, reach.end))
      constant_bias =
          tables.place(std::clamp(reach.begin, tables.least, tables.least + tables.count - 1));
  } else {  // positions don't tell which pairs are in the band
    const auto [low_i, high_i] = std::minmax_element(i.at, i.at + i.count);
    const auto [low_j, high_j] = std::minmax_element(j.at, j.at + j.count);
    reach = {*low_i - *high_j, *high_i - *low_j};
  }
  apart = reach;
  if (const int chunk = call.dots.chunk; chunk > 0) {
    const auto [low_i, high_i] = std::minmax_element(i.at, i.at + i.count);
    const auto [low_j, high_j] = std::minmax_element(j.at, j.at + j.count);
    apart = {*low_i / chunk - *high_j / chunk, *high_i / chunk - *low_j / chunk};
  }
}

void TilePair::products(const real* x, int width, const real* y, int depth, const real* start,
                        Square s) const {
  for (int j = 0; j < keys.rows(); j += stripe) {
    const IndexRange seen = queries_of(j, stripe);
    const IndexRange i =
        seen.empty() ? IndexRange{0, 0}
                     : IndexRange{tile::down_to(lanes, seen.begin), tile::up_to(lanes, seen.end)};
    for (int r = j; r < j + stripe; ++r) {
      std::copy(start, start + i.begin, s.row(r));
      std::copy(start + i.end, start + side, s.row(r) + i.end);
    }
    tile::multiply({x + j * width, width, 1}, {y + i.begin, side}, i.size(), depth,
                   {start + i.begin, 0}, {s.row(j) + i.begin, Square::stride});
  }
}

void TilePair::products(const bf16::Packed& x, const bf16::Packed& y, int depth, const real* start,
                        Square s) const {
  const std::int64_t groups = bf16::tiles(keys.rows(), bf16::lines);
  for (int j = 0; start && j < groups * bf16::lines; ++j) std::copy_n(start, side, s.row(j));
  bf16::multiply({.a = x,
                  .b = y,
                  .rows = groups,
                  .columns = side / bf16::lines,
                  .pieces = bf16::tiles(depth, bf16::depth),
                  .c = s.at,
                  .c_stride = Square::stride,
                  .add = start != nullptr});
}

void TilePair::add_over_queries(Square w, const bf16::Packed& x, int width, real* sums,
                                real* memory) const {
  bf16::multiply(
      {.a = bf16::pack({bf16::Side::left, {w.at, Square::stride}, keys.rows(), side}, memory),
       .b = x,
       .rows = bf16::tiles(keys.rows(), bf16::lines),
       .columns = width / bf16::lines,
       .pieces = side / bf16::depth,
       .c = sums,
       .c_stride = width,
       .add = true});
}

void TilePair::add_over_keys(Square w, const bf16::Packed& x, int width, real* sums,
                             real* memory) const {
  const bf16::Packed b =
      bf16::pack({bf16::Side::right, {w.at, Square::stride}, side, keys.rows()}, memory);
  bf16::multiply({.a = x,
                  .b = b,
                  .rows = width / bf16::lines,
                  .columns = side / bf16::lines,
                  .pieces = bf16::tiles(keys.rows(), bf16::depth),
                  .c = sums,
                  .c_stride = side,
                  .add = true});
}

void TilePair::clear_hidden(Square s) const {
  if (band.full()) return;
  for (int i = 0; i < side; i += lanes) {
    const IndexRange j = rows_of(i);
    for (int r = 0; r < keys.rows(); ++r)
      if (r < j.begin || r >= j.end) tile::store(tile::all(0), s.row(r) + i);
  }
}

void TilePair::add_over_queries(Square w, const real* x, int width, real* sums) const {
  tile::each_tall(keys.rows(), [&](int j, auto rows) {
    if (const IndexRange i = queries_of(j, rows); !i.empty())
      tile::multiply<rows>({w.row(j) + i.begin, Square::stride, 1}, {x + i.begin * width, width},
                           width, i.size(), {sums + j * width, width});
  });
}

void TilePair::add_over_keys(Square w, const real* x, int width, real* sums) const {
  tile::each_tall(side, [&](int i, auto rows) {
    if (const IndexRange j = keys_of(i, rows); !j.empty())
      tile::multiply<rows>({w.row(j.begin) + i, 1, Square::stride}, {x + j.begin * width, width},
                           width, j.size(), {sums + i * width, width});
  });
}

void TilePair::select(const Pairing& pairing, Square w, Square to) const {
  const int chunk = call.dots.chunk;
  const auto serves = [&](int i, int j) {
    const int d = chunk > 0 ? queries.at[i] / chunk - keys.at[j] / chunk : distance(i, j);
    return d >= pairing.least && d <= pairing.most;
  };
  for (int j = 0; j < keys.rows(); ++j)
    for (int i = 0; i < side; ++i) {
      const bool exists = i < queries.count && j < keys.count;
      to.row(j)[i] = exists && serves(i, j) ? w.row(j)[i] : 0;
    }
}

void TilePair::dot_products(Square s, Square spare) const {
  real start[side] = {};
  if (constant_bias && tables.A) {
    const real* row = tables.A.rows_of(queries.h) + *constant_bias * wide(call.dk);
    for (int c = 0; c < call.dk; ++c)
      for (int i = 0; i < side; ++i) start[i] += row[c] * queries.q_transposed[0][c * side + i];
  }
  bool started = false;
  for (std::size_t n = 0; n < call.pairings.size(); ++n) {
    const Pairing& pairing = call.pairings[n];
    if (!uses(pairing)) continue;
    const Square to = started ? spare : s;
    const int which = pairing.far_k ? 1 : 0;
    if (call.bf16)
      products(keys.k_rows[which], queries.q_rounded[n], call.dk,
               constant_bias && tables.A ? start : nullptr, to);
    else products(keys.k[which], wide(call.dk), queries.q_transposed[n], call.dk, start, to);
    if (!uses_only(pairing)) select(pairing, to, to);
    if (started)
      for (int i = 0; i < keys.rows() * Square::stride; i += lanes)
        tile::store(tile::load(s.at + i) + tile::load(spare.at + i), s.at + i);
    started = true;
  }
  if (!started) std::fill_n(s.at, keys.rows() * Square::stride, real(0));
  if (tables.f) relative(call).stretch(*this, s);
}

void TilePair::add_terms(Square s) const {
  if (queries.bias)
    for (int j = 0; j < keys.count; ++j)
      for (int i = 0; i < side; i += lanes) {
        const real* bias = queries.bias + std::int64_t(keys.first + j) * side + i;
        tile::store(tile::load(s.row(j) + i) + tile::load(bias), s.row(j) + i);
      }
  if (tables.any()) relative(call).add_scores(*this, s);
  if (constant_bias && tables.B)
    add_by_key(tables.B.rows_of(queries.h) + *constant_bias * wide(call.dk), s);
  if (tables.u) add_by_key(queries.u(), s);
}

void TilePair::add_by_key(const real* b, Square s) const {
  for (int j = 0; j < keys.count; ++j) {
    const Vector score = tile::all(total(call.dk, times, keys.k[0] + j * wide(call.dk), b));
    for (int i = 0; i < side; i += lanes)
      tile::store(tile::load(s.row(j) + i) + score, s.row(j) + i);
  }
}

void TilePair::add_to_u(Square ds, real* du, real* dk) const {
  const real* u = queries.u();
  for (int j = 0; j < keys.count; ++j) {
    const IndexRange seen = queries_of(j, 1);
    const real sum = total(
        seen.size(), [](Vec d) { return d; }, ds.row(j) + seen.begin);
    const auto add = [by = vec(sum)](Vec to, Vec x) { return hn::MulAdd(by, x, to); };
    const real* k = keys.k[0] + j * wide(call.dk);
    if (du) map(call.dk, du, add, du, k);
    if (real* to = dk ? dk + j * wide(call.dk) : nullptr) map(call.dk, to, add, to, u);
  }
}

namespace {

// z_i += (Σ_j p_ij) V[r], with one r for the whole tile
void add_value_of_all(const TilePair& pair, Square p, real* z) {
  const int width = wide(pair.call.dv);
  const real* value = pair.tables.V.rows_of(pair.queries.h) + *pair.constant_bias * width;
  for (int i = 0; i < side; i += lanes) {
    const IndexRange j = pair.keys_of(i, lanes);
    Vector sum = tile::all(0);
    for (int r = j.begin; r < j.end; ++r) sum = sum + tile::load(p.row(r) + i);
    real sums[lanes];
    tile::store(sum, sums);
    for (int n = 0; n < lanes; ++n)
      for (int c = 0; c < width; ++c) z[(i + n) * width + c] += sums[n] * value[c];
  }
}

}  // namespace

void TilePair::add_values(Square p, real* z) const {
  add_over_keys(p, keys.v, wide(call.dv), z);
  add_table_values(p, z);
}

void TilePair::add_table_values(Square p, real* z) const {
  if (tables.V && constant_bias) return add_value_of_all(*this, p, z);
  if (tables.V) relative(call).add_values(*this, p, z);
}

void TilePair::hide(Square s) const {
  constexpr real nothing = -std::numeric_limits<real>::infinity();
  if (!near.full())
    for (int j = 0; j < keys.count; ++j) {
      const IndexRange seen = seen_by(j);
      std::fill(s.row(j), s.row(j) + seen.begin, nothing);
      std::fill(s.row(j) + std::max(seen.begin, seen.end), s.row(j) + side, nothing);
    }
  for (int j = keys.count; j < keys.rows(); ++j) std::fill_n(s.row(j), side, nothing);
  s.clear_from(keys.rows());
}

}  // namespace yonder::fused
