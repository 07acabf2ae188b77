#include <limits>

#include "core/attention_plan.h"

namespace yonder::fused {

using tile::lanes;
using tile::stripe;

void Rows::copy(real* rows) const {
  const int d = x.dim(3), width = wide(d);
  const std::int64_t step = std::int64_t(x.dim(2)) * d;
  const real* from = &x[Plan::at(x, b, first, h)];
  for (int t = 0; t < count; ++t, from += step, rows += width) {
    std::copy_n(from, d, rows);
    std::fill(rows + d, rows + width, real(0));
  }
  std::fill_n(rows, (side - count) * width, real(0));
}

void turn(const real* from, int stride, int columns, real* to) {
  for (int c = 0; c < columns; ++c)
    for (int i = 0; i < side; ++i) to[c * side + i] = from[i * stride + c];
}

void KeyTile::load(const Plan& plan, int b, int h, int begin) {
  first = begin;
  count = std::min(side, plan.keys_of(b) - begin);
  Rows{plan.dots.k.value(), b, first, count, h}.copy(k);
  Rows{plan.v.value(), b, first, count, h}.copy(v);
}

QueryTile::QueryTile(const Plan& p, const ByDistance& t, Place place, Workspace& memory)
    : plan(p), tables(t), b(place.b), h(place.h), first(place.first) {
  count = std::clamp(plan.queries_of(b) - first, 0, side);
  const int width = wide(plan.dk);
  q = memory.take(side * width);
  q_turned = memory.take(plan.dk * side);
  Rows{plan.dots.q.value(), b, first, count, h}.copy(q);
  for (int i = 0; i < count; ++i) {
    const real factor = plan.factor(b, first + i);
    for (int c = 0; c < plan.dk; ++c) q[i * width + c] *= factor;
  }
  turn(q, width, plan.dk, q_turned);
}

Range QueryTile::keys() const {
  const Range seen = plan.band.keys({first, first + count}, plan.keys_of(b));
  return {tile::down_to(side, seen.begin), seen.end};
}

namespace {

// c of every pair: a shifted row of the table for each key, or one number at a time by distance.
void start_with_c(const QueryTile& queries, const KeyTile& keys, Square s) {
  const ByDistance& tables = queries.tables;
  const Plan& plan = queries.plan;
  if (!tables.c) {
    std::fill_n(s.at, keys.rows() * Square::stride, real(0));
    return;
  }
  const real* c = &tables.c[queries.h * tables.stride];
  if (plan.consecutive) {
    const int shift = plan.queries(queries.b, queries.first) - plan.keys(queries.b, keys.first);
    for (int j = 0; j < keys.rows(); ++j) std::copy_n(c + tables.place(shift - j), side, s.row(j));
    return;
  }
  std::fill_n(s.at, keys.rows() * Square::stride, real(0));
  for (int j = 0; j < keys.count; ++j) {
    const int at = plan.keys(queries.b, keys.first + j);
    for (int i = 0; i < queries.count; ++i) {
      const int d = plan.queries(queries.b, queries.first + i) - at;
      s.row(j)[i] = c[tables.place(std::clamp(d, tables.least, tables.least + tables.count - 1))];
    }
  }
}

// −∞ wherever a query does not see a key.
void hide(const Band& band, const KeyTile& keys, Square s) {
  constexpr real nothing = -std::numeric_limits<real>::infinity();
  for (int j = 0; j < keys.rows(); ++j) {
    const Range seen = j < keys.count ? band.queries({j, j + 1}, side) : Range{0, 0};
    std::fill(s.row(j), s.row(j) + seen.begin, nothing);
    std::fill(s.row(j) + std::max(seen.begin, seen.end), s.row(j) + side, nothing);
  }
}

}  // namespace

void QueryTile::scores(const KeyTile& keys, Square s) const {
  start_with_c(*this, keys, s);
  const Band here = band(keys);
  for (int j = 0; j < keys.rows(); j += stripe) {
    Range i = here.queries({j, j + stripe}, side);
    i = {tile::down_to(lanes, i.begin), tile::up_to(lanes, i.end)};
    if (i.empty()) continue;
    const tile::Left k{keys.k + j * wide(plan.dk), wide(plan.dk), 1};
    tile::multiply(k, {q_turned + i.begin, side}, i.size(), plan.dk,
                   {s.row(j) + i.begin, Square::stride});
  }
  if (!here.full() || keys.count < keys.rows()) hide(here, keys, s);
}

}  // namespace yonder::fused
