#include <limits>

#include "core/attention_plan.h"
#include "core/parallel.h"

/// \file
/// Tiles are computed again from the log-sum-exp of their rows:
///   P = e^(S − log_sum)   dV = Pᵀ dZ   dP = dZ Vᵀ   dS = P ∘ (dP − D),  D_i = dz_i·z_i
///   dQ = dS K   dK = dSᵀ Q   dc[r] = Σ dS of that distance
/// Dao et al. 2022, arXiv:2205.14135, app. B.
namespace yonder::fused {
namespace {

using tile::lanes;
using tile::stripe;
using tile::Vector;

// Work on one head is cut into `parts` of query tiles if there are few heads: the number depends
// on the extents alone. Each part has its own sums over queries; they are added up in order.
struct Sums {
  int parts;
  Tensor k, v;  // [B·H·parts, Tk up to whole tiles, wide(d)]; empty if not tracked
  DistanceGradients tables;
};

int parts_of(const Plan& plan) {
  constexpr int enough = 8, least_tiles = 2;
  return std::clamp(enough / (plan.B * plan.H), 1, std::max(plan.query_tiles() / least_tiles, 1));
}

// dS and what it needs, of one tile of queries.
struct Gradients {
  real *dz, *dz_turned;     // [side, wide(dv)], [dv, side]
  real *minus_d, *log_sum;  // [side]
  real* dq;                 // [side, wide(dk)]
  Square p, ds;

  Gradients(const QueryTile& queries, const Tensor& z, const Tensor& log_sums, const Tensor& dy,
            Workspace& memory);
  static std::size_t reals(const Plan& plan) {
    return side * (2 * wide(plan.dv) + wide(plan.dk) + 32) + 2 * Square::size;
  }
};

Gradients::Gradients(const QueryTile& queries, const Tensor& z, const Tensor& log_sums,
                     const Tensor& dy, Workspace& memory) {
  const Plan& plan = queries.plan;
  const int width = wide(plan.dv);
  dz = memory.take(side * width);
  dz_turned = memory.take(plan.dv * side);
  minus_d = memory.zeros(side);
  log_sum = memory.take(side);
  dq = memory.zeros(side * wide(plan.dk));
  p = {memory.take(Square::size)};
  ds = {memory.take(Square::size)};
  Rows{dy, queries.b, queries.first, queries.count, queries.h}.copy(dz);
  turn(dz, width, plan.dv, dz_turned);
  std::fill_n(log_sum, side, std::numeric_limits<real>::infinity());
  const std::int64_t row = (std::int64_t(queries.b) * plan.H + queries.h) * plan.Tq + queries.first;
  std::copy_n(&log_sums[row], queries.count, log_sum);
  for (int i = 0; i < queries.count; ++i) {
    const real* out = &z[Plan::at(z, queries.b, queries.first + i, queries.h)];
    for (int c = 0; c < plan.dv; ++c) minus_d[i] -= dz[i * width + c] * out[c];
  }
}

// P from the scores, then dS.
void differentiate(const Plan& plan, const Band& band, const KeyTile& keys, const Gradients& g) {
  for (int j = 0; j < keys.rows(); ++j) std::copy_n(g.minus_d, side, g.ds.row(j));
  for (int j = 0; j < keys.rows(); j += stripe) {
    Range i = band.queries({j, j + stripe}, side);
    i = {tile::down_to(lanes, i.begin), tile::up_to(lanes, i.end)};
    if (i.empty()) continue;
    tile::multiply({keys.v + j * wide(plan.dv), wide(plan.dv), 1}, {g.dz_turned + i.begin, side},
                   i.size(), plan.dv, {g.ds.row(j) + i.begin, Square::stride});
  }
  for (int i = 0; i < side; i += lanes) {
    const Vector log_sum = tile::load(g.log_sum + i);
    const Range j = rows_of(band, i, keys.rows());
    for (int r = j.begin; r < j.end; ++r) {
      real *s = g.p.row(r) + i, *ds = g.ds.row(r) + i;
      const Vector p = tile::exp(tile::load(s) - log_sum);
      tile::store(p, s);
      tile::store(p * tile::load(ds), ds);
    }
  }
}

// sums[j] += Σ_i w_ij x_i over the rows of keys that see something.
void add_over_queries(const Band& band, const KeyTile& keys, Square w, const real* x, int width,
                      real* sums) {
  for (int j = 0; j < keys.rows(); j += stripe) {
    const Range i = band.queries({j, j + stripe}, side);
    if (!i.empty())
      tile::multiply({w.row(j) + i.begin, Square::stride, 1}, {x + i.begin * width, width}, width,
                     i.size(), {sums + j * width, width});
  }
}

// sums[i] += Σ_j w_ij x_j
void add_over_keys(const Band& band, const KeyTile& keys, Square w, const real* x, int width,
                   real* sums) {
  for (int i = 0; i < side; i += stripe) {
    const Range j = band.keys({i, i + stripe}, keys.rows());
    if (!j.empty())
      tile::multiply({w.row(j.begin) + i, 1, Square::stride}, {x + j.begin * width, width}, width,
                     j.size(), {sums + i * width, width});
  }
}

// dc by distance
void add_distances(const QueryTile& queries, const KeyTile& keys, Square ds, real* dc) {
  const ByDistance& tables = queries.tables;
  const Plan& plan = queries.plan;
  const Band band = queries.band(keys);
  for (int j = 0; j < keys.count; ++j) {
    const Range seen = band.queries({j, j + 1}, queries.count);
    const int at = plan.keys(queries.b, keys.first + j);
    if (plan.consecutive) {
      real* row = dc + tables.place(plan.queries(queries.b, queries.first) - at);
      for (int i = seen.begin; i < seen.end; ++i) row[i] += ds.row(j)[i];
      continue;
    }
    for (int i = seen.begin; i < seen.end; ++i)
      dc[tables.place(plan.queries(queries.b, queries.first + i) - at)] += ds.row(j)[i];
  }
}

void add_query_gradients(const QueryTile& queries, const real* dq) {
  const Plan& plan = queries.plan;
  const Tensor& sum = plan.dots.q.grad();
  for (int i = 0; i < queries.count; ++i) {
    const int t = queries.first + i;
    real* to = &sum[Plan::at(sum, queries.b, t, queries.h)];
    const real factor = plan.factor(queries.b, t);
    for (int c = 0; c < plan.dk; ++c) to[c] += factor * dq[i * wide(plan.dk) + c];
  }
}

struct Call {
  const Plan& plan;
  const ByDistance& tables;
  const Tensor &z, &log_sums, &dz;
  const Sums& sums;

  real* part_of(const Tensor& sum, int head, int part) const {
    return sum ? &sum[(std::int64_t(head) * sums.parts + part) * sum.dim(1) * sum.dim(2)] : nullptr;
  }
  void query_tile(QueryTile::Place, int part) const;
};

void Call::query_tile(QueryTile::Place place, int part) const {
  Workspace memory(QueryTile::reals(plan) + side * (wide(plan.dk) + wide(plan.dv)) +
                   Gradients::reals(plan));
  const QueryTile queries(plan, tables, place, memory);
  const Gradients g(queries, z, log_sums, dz, memory);
  KeyTile keys(plan, memory);
  const int head = place.b * plan.H + place.h;
  real* dk = part_of(sums.k, head, part);
  real* dv = part_of(sums.v, head, part);
  const Tensor& dc = sums.tables.c;

  const int k_width = wide(plan.dk), v_width = wide(plan.dv);
  const Range seen = queries.keys();
  for (int j = seen.begin; j < seen.end; j += side) {
    keys.load(plan, place.b, place.h, j);
    queries.scores(keys, g.p);
    const Band band = queries.band(keys);
    differentiate(plan, band, keys, g);
    if (dv) add_over_queries(band, keys, g.p, g.dz, v_width, dv + std::int64_t(j) * v_width);
    if (dk) add_over_queries(band, keys, g.ds, queries.q, k_width, dk + std::int64_t(j) * k_width);
    if (plan.dots.q.tracked()) add_over_keys(band, keys, g.ds, keys.k, k_width, g.dq);
    if (dc) {
      const std::int64_t table = (std::int64_t(place.b) * sums.parts + part) * plan.H + place.h;
      add_distances(queries, keys, g.ds, &dc[table * tables.stride]);
    }
  }
  if (plan.dots.q.tracked()) add_query_gradients(queries, g.dq);
}

// Adds the parts of one head of x [B, T, H, d], in order.
void add_parts(const Var& x, const Tensor& sum, int parts, int head) {
  if (!sum) return;
  const int H = x.dim(2), d = x.dim(3), width = sum.dim(2);
  const std::int64_t part = std::int64_t(sum.dim(1)) * width;
  for (int t = 0; t < x.dim(1); ++t) {
    real* to = &x.grad()[Plan::at(x.value(), head / H, t, head % H)];
    for (int p = 0; p < parts; ++p) {
      const real* from = &sum[(std::int64_t(head) * parts + p) * part + std::int64_t(t) * width];
      for (int c = 0; c < d; ++c) to[c] += from[c];
    }
  }
}

}  // namespace

void backward(const Plan& plan, const Tensor& z, const Tensor& log_sums, const Tensor& dz) {
  const ByDistance tables = by_distance(plan);
  const int heads = plan.B * plan.H, parts = parts_of(plan), keys = tile::up_to(side, plan.Tk);
  Sums sums{parts, {}, {}, distance_gradients(plan, tables, plan.B * parts)};
  if (plan.dots.k.tracked()) sums.k = Tensor({heads * parts, keys, wide(plan.dk)});
  if (plan.v.tracked()) sums.v = Tensor({heads * parts, keys, wide(plan.dv)});
  // Storage of the gradients is made here: its first use must not happen in two threads at once.
  for (const Var* x : {&plan.dots.q, &plan.dots.k, &plan.v})
    if (x->tracked()) x->grad();

  const Call call{plan, tables, z, log_sums, dz, sums};
  parallel_for(std::int64_t(heads) * parts, [&](std::int64_t n) {
    const int head = int(n / parts), part = int(n % parts);
    for (int t = part; t < plan.query_tiles(); t += parts)
      call.query_tile({head / plan.H, head % plan.H, t * side}, part);
  });
  parallel_for(heads, [&](std::int64_t head) {
    add_parts(plan.dots.k, sums.k, parts, int(head));
    add_parts(plan.v, sums.v, parts, int(head));
  });
  fold(plan, tables, sums.tables);
}

}  // namespace yonder::fused
