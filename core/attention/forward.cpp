#include <cmath>
#include <limits>

#include "core/attention/bias_strip.h"
#include "core/attention/row_state.h"
#include "core/parallel.h"

/// \file
/// Softmax over keys one tile at a time: a running maximum m and sum l per row, and z rescaled
/// whenever m grows.
///   m' = max(m, max_j s_ij)   l' = l e^(m−m') + Σ_j e^(s_ij−m')
///   z' = z e^(m−m') + Σ_j e^(s_ij−m') v_j
/// A sink adds a term to l at the end. Stick-breaking needs no m or l: see stick_breaking.h.
/// Milakov & Gimelshein 2018, arXiv:1805.02867; Dao et al. 2022, arXiv:2205.14135.
namespace yonder::fused {
namespace {

using tile::lanes;
using tile::Vector;

// Running state of the rows of a tile.
struct Running {
  real *row_max, *sum, *shrink;  // [side] m, l and e^(m−m') of the last step
  real* z;                       // [side, wide(dv)]
  real *z_transposed, *spare;    // in bf16 [wide(dv), side], and a factor buffer; else null
};

// s becomes e^(s−m'); updates m and l.
void exponentiate(const TilePair& pair, Square s, const Running& state) {
  for (int i = 0; i < side; i += lanes) {
    const IndexRange j = pair.rows_of(i);
    const Vector before = tile::load(state.row_max + i);
    Vector row_max = before;
    for (int r = j.begin; r < j.end; ++r)
      row_max = tile::hn::Max(row_max, tile::load(s.row(r) + i));
    const Vector shrink = tile::exp(before - row_max);
    Vector sum = tile::load(state.sum + i) * shrink;
    by_fours(
        j.begin, j.end, 1, [&](int r) { return tile::exp(tile::load(s.row(r) + i) - row_max); },
        [&](int r, Vector p) {
          tile::store(p, s.row(r) + i);
          sum = sum + p;
        });
    tile::store(row_max, state.row_max + i);
    tile::store(shrink, state.shrink + i);
    tile::store(sum, state.sum + i);
  }
}

// z = z·shrink + P V, for transposed z.
void gather_values_transposed(const TilePair& pair, Square p, const Running& state) {
  const int width = wide(pair.call.dv);
  for (int i = 0; i < side; i += lanes) {
    const Vector shrink = tile::load(state.shrink + i);
    for (int c = 0; c < width; ++c) {
      real* z = state.z_transposed + c * side + i;
      tile::store(tile::load(z) * shrink, z);
    }
  }
  pair.clear_hidden(p);
  pair.add_over_keys(p, pair.keys.v_transposed, width, state.z_transposed, state.spare);
}

// z = z·shrink + P (V + V[r])
void gather_values(const TilePair& pair, Square p, const Running& state) {
  const int width = wide(pair.call.dv);
  if (state.z_transposed) {
    gather_values_transposed(pair, p, state);
    if (!pair.tables.V) return;
  }
  for (int i = 0; i < side; ++i)
    for (int c = 0; c < width; c += lanes) {
      real* z = state.z + i * width + c;
      tile::store(tile::load(z) * tile::all(state.shrink[i]), z);
    }
  if (state.z_transposed) pair.add_table_values(p, state.z);
  else pair.add_values(p, state.z);
}

// Adds e^sink to the sum of each row that sees a key.
void add_sink(const QueryTile& queries, const Running& state) {
  const real sink = queries.call.scores.sink.value()[queries.h];
  for (int i = 0; i < queries.count; ++i) {
    if (state.sum[i] == 0) continue;
    const real row_max = std::max(state.row_max[i], sink),
               shrink = std::exp(state.row_max[i] - row_max);
    state.sum[i] = state.sum[i] * shrink + std::exp(sink - row_max);
    state.row_max[i] = row_max;
    for (int c = 0; c < queries.call.dv; ++c) {
      state.z[i * wide(queries.call.dv) + c] *= shrink;
      if (state.z_transposed) state.z_transposed[c * side + i] *= shrink;
    }
  }
}

// Writes z times `factor`, and zeros for padding.
void write(const QueryTile& queries, const Running& state, const Tensor& z, const real* factor) {
  if (state.z_transposed) add_transposed(state.z_transposed, wide(queries.call.dv), state.z);
  const Rows rows{z, queries.b, queries.first, queries.count, queries.h};
  rows.put(state.z, false, factor);
  rows.clear_below();
}

// Writes z/l and m + ln l; zeros and +∞ if no key was visible.
void finish(const QueryTile& queries, const Running& state, const Tensor& z, real* log_sum_exp) {
  if (queries.call.scores.sink) add_sink(queries, state);
  real share[side];
  for (int i = 0; i < queries.count; ++i) {
    const bool nothing = state.sum[i] == 0;
    log_sum_exp[i] =
        nothing ? std::numeric_limits<real>::infinity() : state.row_max[i] + std::log(state.sum[i]);
    share[i] = nothing ? 0 : 1 / state.sum[i];
  }
  write(queries, state, z, share);
}

// For stick-breaking: writes z and the remainder, which may weight the query's own value.
void finish_stick_breaking(const QueryTile& queries, const StickBreaking& stick_breaking,
                           const Running& state, const Tensor& z, real* left) {
  const AttentionCall& call = queries.call;
  std::copy_n(stick_breaking.remainder(), queries.count, left);
  write(queries, state, z, nullptr);
  if (call.scores.weights != Weights::stick_breaking_remainder_to_own) return;
  for (int i = 0; i < queries.count; ++i) {
    const int own = call.own_key(queries.first + i);
    if (own >= call.keys_of(queries.b)) continue;
    const real* v = &call.v.value()[AttentionCall::at(call.v.value(), queries.b, own, queries.h)];
    real* to = &z[AttentionCall::at(z, queries.b, queries.first + i, queries.h)];
    for (int c = 0; c < call.dv; ++c) to[c] += left[i] * v[c];
  }
}

struct ForwardPass {
  const AttentionCall& call;
  const ByDistance& tables;
  const Packed& packed;
  const PackedProducts& products;
  const Tensor &z, &log_sum_exp;

  void query_tile(TileOrigin, const real* bias) const;
};

void ForwardPass::query_tile(TileOrigin place, const real* bias) const {
  const int width = wide(call.dv);
  const std::size_t rounded = call.bf16 ? side * width + packed_reals(side, side) : 0;
  Workspace memory(QueryTile::reals(call) + side * (width + 3) + 2 * Square::size +
                   Carried::reals(call) + rounded);
  const QueryTile queries(call, tables, place, bias, memory);
  const bool rim = tables.any();
  const Square s(memory, rim), spare = call.pairings.size() > 1 ? Square(memory, rim) : s;
  const Running state{.row_max = memory.take(side),
                      .sum = memory.zeros(side),
                      .shrink = memory.take(side),
                      .z = memory.zeros(side * width),
                      .z_transposed = call.bf16 ? memory.zeros(side * width) : nullptr,
                      .spare = call.bf16 ? memory.take(packed_reals(side, side)) : nullptr};
  std::fill_n(state.row_max, side, std::numeric_limits<real>::lowest());
  std::fill_n(state.shrink, side, real(1));  // stick-breaking never rescales
  Carried carried(queries, products, memory);

  each_key_tile(queries, packed, [&](const TilePair& pair) {
    carried.scores(pair, s, spare);
    if (carried.stick_breaking) carried.stick_breaking->write_weights(pair, s);
    else exponentiate(pair, s, state);
    gather_values(pair, s, state);
  });
  const std::int64_t row = (std::int64_t(place.b) * call.H + place.h) * call.Tq + place.first;
  if (carried.stick_breaking)
    finish_stick_breaking(queries, *carried.stick_breaking, state, z, &log_sum_exp[row]);
  else finish(queries, state, z, &log_sum_exp[row]);
}

}  // namespace

void forward(const AttentionCall& call, const Tensor& z, const Tensor& log_sum_exp) {
  const ByDistance tables = by_distance(call);
  const Packed packed(call, Packed::Pass::forward);
  const PackedProducts products(call);
  const ForwardPass pass{call, tables, packed, products, z, log_sum_exp};
  each_query_tile(call, [&](TileOrigin place, const real* bias) { pass.query_tile(place, bias); });
}

}  // namespace yonder::fused
