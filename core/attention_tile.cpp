#include "core/attention_tile.h"

#include <limits>

namespace yonder::fused {

using tile::lanes;
using tile::stripe;

void Rows::copy(real* to, const real* factor) const {
  const int d = x.dim(3), width = wide(d), whole = tile::down_to(lanes, d);
  const std::int64_t step = std::int64_t(x.dim(2)) * d;
  const real* from = count ? &x[Plan::at(x, b, first, h)] : nullptr;
  for (int t = 0; t < count; ++t, from += step, to += width) {
    const real by = factor ? factor[t] : real(1);
    for (int c = 0; c < whole; c += lanes)
      tile::store(tile::load(from + c) * tile::all(by), to + c);
    for (int c = whole; c < width; ++c) to[c] = c < d ? by * from[c] : 0;
  }
  std::fill_n(to, (side - count) * width, real(0));
}

void Rows::add(const real* from, const real* factor) const {
  const int d = x.dim(3), width = wide(d);
  const std::int64_t step = std::int64_t(x.dim(2)) * d;
  real* to = count ? &x[Plan::at(x, b, first, h)] : nullptr;
  for (int t = 0; t < count; ++t, from += width, to += step) {
    const real by = factor ? factor[t] : real(1);
    for (int c = 0; c < d; ++c) to[c] += by * from[c];
  }
}

void turn(const real* from, int stride, int columns, real* to) {
  for (int c = 0; c < columns; ++c)
    for (int i = 0; i < side; ++i) to[c * side + i] = from[i * stride + c];
}

KeyTile::KeyTile(const Plan& plan, Workspace& memory) {
  for (real*& x : k) x = memory.take(side * wide(plan.dk));
  v = memory.take(side * wide(plan.dv));
}

void KeyTile::load(const Plan& plan, int b, int h, int begin) {
  first = begin;
  count = std::min(side, plan.keys_of(b) - begin);
  Rows{plan.dots.k.value(), b, first, count, h}.copy(k[0]);
  if (plan.pairings.size() > 1) Rows{plan.dots.far_k.value(), b, first, count, h}.copy(k[1]);
  Rows{plan.v.value(), b, first, count, h}.copy(v);
  for (int j = 0; j < count; ++j) at[j] = plan.keys(b, first + j);
}

QueryTile::QueryTile(const Plan& p, const ByDistance& t, Place place, const real* strip,
                     Workspace& memory)
    : plan(p),
      tables(t),
      b(place.b),
      h(place.h),
      first(place.first),
      bias(strip),
      sight(p.sights[place.h]) {
  count = std::clamp(plan.queries_of(b) - first, 0, side);
  near = sight.near.keys({first, first + count}, plan.keys_of(b));
  factor = memory.take(side);
  for (int i = 0; i < count; ++i) {
    factor[i] = plan.factor(b, first + i);
    at[i] = plan.queries(b, first + i);
  }
  for (std::size_t n = 0; n < plan.pairings.size(); ++n) {
    q[n] = memory.take(side * wide(plan.dk));
    q_turned[n] = memory.take(plan.dk * side);
    Rows{plan.pairings[n].q.value(), b, first, count, h}.copy(q[n], factor);
    turn(q[n], wide(plan.dk), plan.dk, q_turned[n]);
  }
}

Range QueryTile::keys() const {
  Range seen = near;
  if (const Range all = sight.sinks.keys({first, first + count}, plan.keys_of(b));
      all.begin < plan.sinks)
    seen = {all.begin, std::max(near.end, std::min(all.end, plan.sinks))};
  return {tile::down_to(side, seen.begin), count ? seen.end : 0};
}

TilePair::TilePair(const QueryTile& i, const KeyTile& j)
    : queries(i),
      keys(j),
      plan(i.plan),
      tables(i.tables),
      band((j.first < plan.sinks ? i.sight.sinks : i.sight.near).from(i.first, j.first)),
      near(i.sight.near.from(i.first, j.first)) {
  if (plan.consecutive) {
    const int shift = distance(0, 0);
    reach = {shift + std::max(1 - side, band.least), shift + std::min(side - 1, band.most)};
  } else {  // positions say nothing of what the band leaves
    const auto [low_i, high_i] = std::minmax_element(i.at, i.at + i.count);
    const auto [low_j, high_j] = std::minmax_element(j.at, j.at + j.count);
    reach = {*low_i - *high_j, *high_i - *low_j};
  }
}

void TilePair::add_products(const real* x, int width, const real* y, int depth, Square s) const {
  for (int j = 0; j < keys.rows(); j += stripe) {
    Range i = queries_of(j, stripe);
    i = {tile::down_to(lanes, i.begin), tile::up_to(lanes, i.end)};
    if (!i.empty())
      tile::multiply({x + j * width, width, 1}, {y + i.begin, side}, i.size(), depth,
                     {s.row(j) + i.begin, Square::stride});
  }
}

void TilePair::add_over_queries(Square w, const real* x, int width, real* sums) const {
  for (int j = 0; j < keys.rows(); j += stripe)
    if (const Range i = queries_of(j, stripe); !i.empty())
      tile::multiply({w.row(j) + i.begin, Square::stride, 1}, {x + i.begin * width, width}, width,
                     i.size(), {sums + j * width, width});
}

void TilePair::add_over_keys(Square w, const real* x, int width, real* sums) const {
  for (int i = 0; i < side; i += stripe)
    if (const Range j = keys_of(i, stripe); !j.empty())
      tile::multiply({w.row(j.begin) + i, 1, Square::stride}, {x + j.begin * width, width}, width,
                     j.size(), {sums + i * width, width});
}

void TilePair::select(const Pairing& pairing, Square w, Square to) const {
  const auto serves = [&](int i, int j) {
    const int d = distance(i, j);
    return d >= pairing.least && d <= pairing.most;
  };
  for (int j = 0; j < keys.rows(); ++j)
    for (int i = 0; i < side; ++i) {
      const bool exists = i < queries.count && j < keys.count;
      to.row(j)[i] = exists && serves(i, j) ? w.row(j)[i] : 0;
    }
}

void TilePair::dot_products(Square s, Square spare) const {
  std::fill_n(s.at, keys.rows() * Square::stride, real(0));
  for (std::size_t n = 0; n < plan.pairings.size(); ++n) {
    const Pairing& pairing = plan.pairings[n];
    const real* k = keys.k[n == 0 ? 0 : 1];
    if (!uses(pairing)) continue;
    if (uses_only(pairing)) {
      add_products(k, wide(plan.dk), queries.q_turned[n], plan.dk, s);
      continue;
    }
    std::fill_n(spare.at, keys.rows() * Square::stride, real(0));
    add_products(k, wide(plan.dk), queries.q_turned[n], plan.dk, spare);
    select(pairing, spare, spare);
    for (int i = 0; i < keys.rows() * Square::stride; i += lanes)
      tile::store(tile::load(s.at + i) + tile::load(spare.at + i), s.at + i);
  }
  if (tables.f) relative(plan).stretch(*this, s);
}

void TilePair::add_terms(Square s) const {
  if (queries.bias)
    for (int j = 0; j < keys.count; ++j)
      for (int i = 0; i < side; i += lanes) {
        const real* bias = queries.bias + std::int64_t(keys.first + j) * side + i;
        tile::store(tile::load(s.row(j) + i) + tile::load(bias), s.row(j) + i);
      }
  if (tables.any()) relative(plan).add_scores(*this, s);
}

void TilePair::hide(Square s) const {
  constexpr real nothing = -std::numeric_limits<real>::infinity();
  if (!near.full())
    for (int j = 0; j < keys.count; ++j) {
      const Range seen = seen_by(j);
      std::fill(s.row(j), s.row(j) + seen.begin, nothing);
      std::fill(s.row(j) + std::max(seen.begin, seen.end), s.row(j) + side, nothing);
    }
  for (int j = keys.count; j < keys.rows(); ++j) std::fill_n(s.row(j), side, nothing);
  s.clear_from(keys.rows());
}

}  // namespace yonder::fused
