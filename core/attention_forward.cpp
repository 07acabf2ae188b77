#include <cmath>
#include <limits>

#include "core/attention_plan.h"
#include "core/parallel.h"

/// \file
/// Softmax over keys that come a tile at a time: a running maximum m and sum l of each row, and z
/// rescaled whenever m grows.
///   m' = max(m, max_j s_ij)   l' = l e^(m−m') + Σ_j e^(s_ij−m')   z' = z e^(m−m') + Σ_j
///   e^(s_ij−m') v_j
/// Milakov & Gimelshein 2018, arXiv:1805.02867; Dao et al. 2022, arXiv:2205.14135.
namespace yonder::fused {
namespace {

using tile::lanes;
using tile::stripe;
using tile::Vector;

// The state of the rows of a tile.
struct Running {
  real *most, *sum, *shrink;  // [side] m, l and e^(m−m') of the last step
  real* z;                    // [side, wide(dv)]
};

// s becomes e^(s−m'), m and l move on.
void exponentiate(const Band& band, int rows, Square s, const Running& state) {
  for (int i = 0; i < side; i += lanes) {
    const Range j = rows_of(band, i, rows);
    const Vector before = tile::load(state.most + i);
    Vector most = before;
    for (int r = j.begin; r < j.end; ++r) most = tile::hn::Max(most, tile::load(s.row(r) + i));
    const Vector shrink = tile::exp(before - most);
    Vector sum = tile::load(state.sum + i) * shrink;
    for (int r = j.begin; r < j.end; ++r) {
      const Vector p = tile::exp(tile::load(s.row(r) + i) - most);
      tile::store(p, s.row(r) + i);
      sum = sum + p;
    }
    tile::store(most, state.most + i);
    tile::store(shrink, state.shrink + i);
    tile::store(sum, state.sum + i);
  }
}

// z = z·shrink + P V
void gather_values(const Band& band, const KeyTile& keys, int width, Square p,
                   const Running& state) {
  for (int i = 0; i < side; ++i)
    for (int c = 0; c < width; c += lanes) {
      real* z = state.z + i * width + c;
      tile::store(tile::load(z) * tile::all(state.shrink[i]), z);
    }
  for (int i = 0; i < side; i += stripe) {
    const Range j = band.keys({i, i + stripe}, keys.rows());
    if (!j.empty())
      tile::multiply({p.row(j.begin) + i, 1, Square::stride}, {keys.v + j.begin * width, width},
                     width, j.size(), {state.z + i * width, width});
  }
}

// z/l and m + ln l; zeros and +∞ where nothing was visible.
void finish(const QueryTile& queries, const Running& state, const Tensor& z, real* log_sums) {
  const int d = queries.plan.dv;
  for (int i = 0; i < queries.count; ++i) {
    const bool nothing = state.sum[i] == 0;
    log_sums[i] =
        nothing ? std::numeric_limits<real>::infinity() : state.most[i] + std::log(state.sum[i]);
    const real share = nothing ? 0 : 1 / state.sum[i];
    real* out = &z[Plan::at(z, queries.b, queries.first + i, queries.h)];
    for (int c = 0; c < d; ++c) out[c] = share * state.z[i * wide(d) + c];
  }
}

void forward_tile(const Plan& plan, const ByDistance& tables, QueryTile::Place place,
                  const Tensor& z, const Tensor& log_sums) {
  const int width = wide(plan.dv);
  Workspace memory(QueryTile::reals(plan) + side * (wide(plan.dk) + 2 * width + 4) + Square::size);
  const QueryTile queries(plan, tables, place, memory);
  KeyTile keys(plan, memory);
  const Square s{memory.take(Square::size)};
  const Running state{.most = memory.take(side),
                      .sum = memory.zeros(side),
                      .shrink = memory.take(side),
                      .z = memory.zeros(side * width)};
  std::fill_n(state.most, side, std::numeric_limits<real>::lowest());

  const Range seen = queries.keys();
  for (int j = seen.begin; j < seen.end; j += side) {
    keys.load(plan, place.b, place.h, j);
    queries.scores(keys, s);
    const Band band = queries.band(keys);
    exponentiate(band, keys.rows(), s, state);
    gather_values(band, keys, width, s, state);
  }
  const std::int64_t row = (std::int64_t(place.b) * plan.H + place.h) * plan.Tq + place.first;
  finish(queries, state, z, &log_sums[row]);
}

}  // namespace

void forward(const Plan& plan, const ByDistance& tables, const Tensor& z, const Tensor& log_sums) {
  const int tiles = plan.query_tiles(), heads = plan.B * plan.H;
  parallel_for(std::int64_t(tiles) * heads, [&](std::int64_t n) {
    // The longest rows first, so that no thread is left with them at the end.
    const int head = int(n % heads), t = tiles - 1 - int(n / heads);
    forward_tile(plan, tables, {head / plan.H, head % plan.H, t * side}, z, log_sums);
  });
}

}  // namespace yonder::fused
