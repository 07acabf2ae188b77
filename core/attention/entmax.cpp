#include "core/attention/entmax.h"

#include <cmath>
#include <limits>

#include "core/attention/bias_strip.h"
#include "core/attention/row_state.h"

/// \file
/// Thresholds of α-entmax: the scores of a query tile with all its keys are kept, and Newton steps
/// solve Σ_j max(z_j − τ, 0)^e = 1 for each row, z shifted by the row's maximum. For α ≤ 2 the sum
/// is convex in τ, so steps from τ = −1, where it is at least 1, increase to the root. Keys below τ
/// stay below all later τ: each step drops the vectors in which the key is below τ for every query.
namespace yonder::fused {
namespace {

using tile::lanes;
using tile::Vector;
namespace hn = tile::hn;

// r^e and r^(e−1) for r = max(x, 0), both 0 where x ≤ 0.
struct Powers {
  Vector weight, slope;
};

// Returns f(x ↦ Powers), with the cheapest form for α.
template <class F>
auto with_powers(double alpha, F&& f) {
  const Vector none = tile::all(0);
  if (alpha == 1.5)
    return f([none](Vector x) {
      const Vector r = hn::Max(x, none);
      return Powers{r * r, r};
    });
  if (alpha == 2)
    return f([none](Vector x) {
      return Powers{hn::Max(x, none), hn::IfThenElseZero(hn::Gt(x, none), tile::all(1))};
    });
  const Vector less = tile::all(real((2 - alpha) / (alpha - 1)));
  return f([none, less](Vector x) {
    const Vector r = hn::Max(x, none);
    const Vector slope =
        hn::IfThenElseZero(hn::Gt(x, none), exp_of(less * hn::Log(tile::Reals(), r)));
    return Powers{slope * r, slope};
  });
}

bool any_above(Vector x, Vector limit) { return !hn::AllFalse(tile::Reals(), hn::Gt(x, limit)); }

// The scores of a query tile with all keys that it sees, tile by tile.
class Strip {
 public:
  Strip(const QueryTile& queries, double alpha, Workspace& memory)
      : slope_(real(alpha - 1)), all_(memory.take(reals(queries.keys().size()))) {}
  // Reals for the scores of `seen` keys.
  static std::size_t reals(int seen) { return std::size_t(tile::up_to(side, seen) + side) * side; }

  // Adds the scores of a tile.
  void add(const TilePair& pair, Square s) {
    const int rows = pair.keys.rows();
    firsts_.push_back(pair.keys.first);
    starts_.push_back(count_);
    for (int j = 0; j < rows; ++j, ++count_) std::copy_n(s.row(j), side, row(count_));
  }
  int tiles() const { return int(firsts_.size()); }
  int first_key(int n) const { return firsts_[std::size_t(n)]; }
  // Restores the scores of the n-th tile.
  void get(int n, const TilePair& pair, Square s) const {
    for (int j = 0; j < pair.keys.rows(); ++j)
      std::copy_n(row(starts_[std::size_t(n)] + j), side, s.row(j));
    s.clear_from(pair.keys.rows());
  }

  // τ of `lanes` queries from i on.
  template <class F>
  Vector threshold(int i, double exponent, real* kept, F&& powers) const {
    constexpr real lowest = std::numeric_limits<real>::lowest();
    const Vector by = tile::all(slope_);
    Vector most = tile::all(lowest);
    for (int j = 0; j < count_; ++j) most = hn::Max(most, tile::load(row(j) + i));
    const auto sees = hn::Gt(most, tile::all(lowest));
    const Vector top = hn::IfThenElseZero(sees, most * by);
    Vector tau = tile::all(-1);
    int left = 0;
    for (int j = 0; j < count_; ++j)
      if (const Vector z = tile::load(row(j) + i) * by - top; any_above(z, tau))
        tile::store(z, kept + std::int64_t(left++) * lanes);
    const Vector steepness = tile::all(real(exponent));
    const Vector least = tile::all(std::numeric_limits<real>::epsilon());
    // Each row stops on its own; the order of its sums does not depend on the rows next to it.
    for (auto rises = sees; !hn::AllFalse(tile::Reals(), rises);) {
      const int before = left;
      Vector sum = tile::all(-1), slope = tile::all(0);
      left = 0;
      for (int j = 0; j < before; ++j) {
        const Vector z = tile::load(kept + std::int64_t(j) * lanes), above = z - tau;
        const Powers p = powers(above);
        sum = sum + p.weight, slope = slope + p.slope;
        if (any_above(above, tile::all(0))) tile::store(z, kept + std::int64_t(left++) * lanes);
      }
      const Vector rise = hn::IfThenElseZero(rises, sum / (steepness * slope));
      rises = hn::Gt(rise, least);
      tau = tau + hn::IfThenElseZero(rises, rise);
    }
    return hn::IfThenElse(sees, tau + top, tile::all(std::numeric_limits<real>::infinity()));
  }

 private:
  real slope_;
  real* all_;  // [keys, side]
  int count_ = 0;
  std::vector<int> firsts_, starts_;

  real* row(int j) const { return all_ + std::int64_t(j) * side; }
};

struct EntmaxPass {
  const AttentionCall& call;
  const ByDistance& tables;
  const Packed& packed;
  const PackedProducts& products;
  const Tensor &z, &threshold, &centre;

  void query_tile(TileOrigin, const real* bias) const;
};

void EntmaxPass::query_tile(TileOrigin place, const real* bias) const {
  const double alpha = call.scores.alpha;
  const int width = wide(call.dv);
  const int keys_seen = tile::up_to(side, call.Tk);
  Workspace memory(QueryTile::reals(call) + 2 * Square::size + Carried::reals(call) +
                   Strip::reals(keys_seen) + std::size_t(keys_seen + side) * lanes +
                   std::size_t(2 * width + 3) * side + 64);
  const QueryTile queries(call, tables, place, bias, memory);
  const bool rim = tables.any();
  const Square s(memory, rim), spare = call.pairings.size() > 1 ? Square(memory, rim) : s;
  Strip strip(queries, alpha, memory);
  real* tau = memory.take(side);
  {
    Carried carried(queries, products, memory);
    each_key_tile(queries, packed, [&](const TilePair& pair) {
      carried.scores(pair, s, spare);
      strip.add(pair, s);
    });
  }
  real* kept = memory.take(std::size_t(keys_seen + side) * lanes);
  with_powers(alpha, [&](auto powers) {
    for (int i = 0; i < side; i += lanes)
      tile::store(strip.threshold(i, 1 / (alpha - 1), kept, powers), tau + i);
  });

  real *sum = memory.zeros(side * width), *mean = memory.zeros(side * width);
  real* slopes = memory.zeros(side);
  const Entmax entmax(alpha);
  for (int n = 0; n < strip.tiles(); ++n) {
    const KeyTile keys(call, packed, place.b, place.h, strip.first_key(n));
    const TilePair pair(queries, keys);
    if (centre) {
      strip.get(n, pair, s);
      if (!entmax.write_slopes(pair, tau, s)) continue;
      pair.add_values(s, mean);
      for (int i = 0; i < side; i += lanes) {
        Vector total = tile::load(slopes + i);
        const IndexRange j = pair.keys_of(i, lanes);
        for (int r = j.begin; r < j.end; ++r) total = total + tile::load(s.row(r) + i);
        tile::store(total, slopes + i);
      }
    }
    strip.get(n, pair, s);
    entmax.write_weights(pair, tau, s);
    pair.add_values(s, sum);
  }
  const Rows rows{z, place.b, place.first, queries.count, place.h};
  rows.put(sum, false), rows.clear_below();
  std::copy_n(tau, queries.count,
              &threshold[(std::int64_t(place.b) * call.H + place.h) * call.Tq + place.first]);
  if (!centre) return;
  for (int i = 0; i < side; ++i) slopes[i] = slopes[i] > 0 ? 1 / slopes[i] : 0;
  const Rows means{centre, place.b, place.first, queries.count, place.h};
  means.put(mean, false, slopes), means.clear_below();
}

// Calls f(key row of the tile, first query of a vector, powers of (α − 1) s − τ).
template <class F>
void each_power(const TilePair& pair, double alpha, const real* threshold, Square s, F&& f) {
  const Vector by = tile::all(real(alpha - 1));
  with_powers(alpha, [&](auto powers) {
    for (int i = 0; i < side; i += lanes) {
      const Vector tau = tile::load(threshold + i);
      const IndexRange j = pair.rows_of(i);
      for (int r = j.begin; r < j.end; ++r) f(r, i, powers(tile::load(s.row(r) + i) * by - tau));
    }
  });
}

}  // namespace

void Entmax::write_weights(const TilePair& pair, const real* threshold, Square s) const {
  each_power(pair, alpha_, threshold, s,
             [&](int r, int i, const Powers& p) { tile::store(p.weight, s.row(r) + i); });
}

bool Entmax::write_slopes(const TilePair& pair, const real* threshold, Square s) const {
  Vector most = tile::all(0);
  each_power(pair, alpha_, threshold, s, [&](int r, int i, const Powers& p) {
    most = hn::Max(most, p.slope);
    tile::store(p.slope, s.row(r) + i);
  });
  return any_above(most, tile::all(0));
}

void Entmax::differentiate(const TilePair& pair, const real* threshold, Square s, Square ds) const {
  each_power(pair, alpha_, threshold, s, [&](int r, int i, const Powers& p) {
    tile::store(p.weight, s.row(r) + i);
    tile::store(p.slope * tile::load(ds.row(r) + i), ds.row(r) + i);
  });
}

void forward_entmax(const AttentionCall& call, const Tensor& z, const Tensor& threshold,
                    const Tensor& centre) {
  const ByDistance tables = by_distance(call);
  const Packed packed(call, Packed::Pass::forward);
  const PackedProducts products(call);
  const EntmaxPass pass{call, tables, packed, products, z, threshold, centre};
  each_query_tile(call, [&](TileOrigin place, const real* bias) { pass.query_tile(place, bias); });
}

}  // namespace yonder::fused
