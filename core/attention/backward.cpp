#include <cmath>
#include <limits>

#include "core/attention/gradient_sums.h"
#include "core/parallel.h"
#include "core/simd/simd_loops.h"

/// \file
/// Tiles are recomputed from the log-sum-exp of their rows:
///   P = e^(S − log_sum_exp)   dV = Pᵀ dZ   dP = dZ Vᵀ   dS = P ∘ (dP − D),  D_i = dz_i·z_i
///   dQ = dS K   dK = dSᵀ Q
/// and the gradients of tables by distance. Dao et al. 2022, arXiv:2205.14135, app. B.
namespace yonder::fused {
namespace {

using tile::lanes;
using tile::Vector;

// Buffers of a query tile other than its scores.
struct QueryGradients {
  real *dz, *dz_transposed;         // [side, wide(dv)], [wide(dv), side]
  real *minus_d, *log_sum_exp;      // [side]
  real* dq[Pairing::most_of_them];  // [side, wide(dk)]
  struct {
    bf16::Packed dz_rows, dz_columns;            // right factors: queries as columns, as depth
    bf16::Packed q[Pairing::most_of_them];       // right factors, queries as depth
    real* dq_transposed[Pairing::most_of_them];  // [wide(dk), side]
    real* spare;                                 // packed_reals(side, side)
  } rounded;                                     // in bf16
};

struct BackwardPass {
  const AttentionCall& call;
  const ByDistance& tables;
  const Packed& packed;
  const PackedProducts& products;
  const Tensor &z, &log_sum_exp, &dz;
  const GradientSums& sums;
  const Onto& onto;

  void query_tile(TileOrigin, int part, const real* bias, real* dbias) const;
  std::size_t reals() const;
  std::size_t rounded_reals() const;
  void round(const QueryTile&, QueryGradients&, Workspace&) const;
  QueryGradients start(const QueryTile&, Workspace&) const;
  void differentiate(const TilePair&, const QueryGradients&, const Carried&, Square s,
                     Square ds) const;
  void add_dot_products(const TilePair&, const QueryGradients&, Square ds, Square spare,
                        std::int64_t part) const;
  void add_terms(const TilePair&, const QueryGradients&, Square p, Square ds, int part) const;
  void finish(const QueryTile&, const QueryGradients&, std::int64_t part) const;
  void remainder_to_own(const QueryTile&, const QueryGradients&, const StickBreaking&,
                        std::int64_t part) const;
};

std::size_t BackwardPass::reals() const {
  const std::size_t carries =
      call.scores.contextual.empty() ? 0 : std::size_t(tile::up_to(side, call.Tk));
  return QueryTile::reals(call) + 3 * Square::size +
         side * (wide(call.dv) + wide(call.dv) + Pairing::most_of_them * wide(call.dk) + 18) +
         (call.bf16 ? rounded_reals() : 0) + Carried::reals(call) + carries +
         (call.dots.path.w ? Path::record_reals(call) : 0);
}

std::size_t BackwardPass::rounded_reals() const {
  return packed_reals(side, call.dv) + packed_reals(call.dv, side) + packed_reals(side, side) +
         Pairing::most_of_them * (packed_reals(call.dk, side) + side * wide(call.dk));
}

void BackwardPass::round(const QueryTile& queries, QueryGradients& g, Workspace& memory) const {
  auto& to = g.rounded;
  const auto right = [&memory](const Matrix& m, int count, int K) {
    return bf16::pack({bf16::Side::right, m, count, K}, memory.take(packed_reals(count, K)));
  };
  to.dz_rows = right({g.dz, wide(call.dv), true}, side, call.dv);
  to.dz_columns = right({g.dz, wide(call.dv)}, call.dv, side);
  for (std::size_t n = 0; n < call.pairings.size(); ++n) {
    to.q[n] = right({queries.q[n], wide(call.dk)}, call.dk, side);
    to.dq_transposed[n] = memory.zeros(side * wide(call.dk));
  }
  to.spare = memory.take(packed_reals(side, side));
}

QueryGradients BackwardPass::start(const QueryTile& queries, Workspace& memory) const {
  const int width = wide(call.dv);
  QueryGradients g{.dz = memory.take(side * width),
                   .dz_transposed = memory.take(side * width),
                   .minus_d = memory.zeros(side),
                   .log_sum_exp = memory.take(side),
                   .dq = {},
                   .rounded = {}};
  for (std::size_t n = 0; n < call.pairings.size(); ++n)
    g.dq[n] = memory.zeros(side * wide(call.dk));
  Rows{dz, queries.b, queries.first, queries.count, queries.h}.copy(g.dz);
  if (!call.bf16_only) transpose(g.dz, width, g.dz_transposed);
  if (call.bf16) round(queries, g, memory);
  std::fill_n(g.log_sum_exp, side, std::numeric_limits<real>::infinity());
  const std::int64_t row = (std::int64_t(queries.b) * call.H + queries.h) * call.Tq + queries.first;
  std::copy_n(&log_sum_exp[row], queries.count, g.log_sum_exp);
  for (int i = 0; i < queries.count; ++i) {
    const real* out = &z[AttentionCall::at(z, queries.b, queries.first + i, queries.h)];
    g.minus_d[i] = -total(call.dv, times, g.dz + i * width, out);
  }
  return g;
}

// s becomes P, and ds = P ∘ (dz·(v + V[r]) − D) or as stick-breaking and entmax define it.
void BackwardPass::differentiate(const TilePair& pair, const QueryGradients& g,
                                 const Carried& carried, Square s, Square ds) const {
  const int rows = pair.keys.rows();
  constexpr real zeros[side] = {};
  if (call.bf16) pair.products(pair.keys.v_rows, g.rounded.dz_rows, call.dv, g.minus_d, ds);
  else
    pair.products(pair.keys.v, wide(call.dv), g.dz_transposed, call.dv,
                  carried.stick_breaking ? zeros : g.minus_d, ds);
  if (tables.V) relative(call).add_value_products(pair, g.dz, g.dz_transposed, ds);
  ds.clear_from(rows);
  if (carried.stick_breaking) return carried.stick_breaking->differentiate(pair, g.minus_d, s, ds);
  if (carried.entmax) return carried.entmax->differentiate(pair, g.log_sum_exp, s, ds);
  for (int i = 0; i < side; i += lanes) {
    const Vector lse = tile::load(g.log_sum_exp + i);
    const IndexRange j = pair.rows_of(i);
    by_fours(
        j.begin, j.end, 1, [&](int r) { return tile::exp(tile::load(s.row(r) + i) - lse); },
        [&](int r, Vector p) {
          tile::store(p, s.row(r) + i);
          tile::store(p * tile::load(ds.row(r) + i), ds.row(r) + i);
        });
  }
  if (!call.bf16) return;
  pair.clear_hidden(s);
  pair.clear_hidden(ds);
}

// Adds to the gradients of q and k of each pairing. Overwrites ds, so its other uses come before.
void BackwardPass::add_dot_products(const TilePair& pair, const QueryGradients& g, Square ds,
                                    Square spare, std::int64_t part) const {
  const int width = wide(call.dk);
  if (tables.f) relative(call).stretch(pair, ds);
  for (std::size_t n = 0; n < call.pairings.size(); ++n) {
    const Pairing& pairing = call.pairings[n];
    if (!pair.uses(pairing)) continue;
    const bool mixed = !pair.uses_only(pairing);
    if (mixed) pair.select(pairing, ds, spare);
    const Square own = mixed ? spare : ds;
    const int which = pairing.far_k ? 1 : 0;
    real* const dk = GradientSums::part(sums.k[which], part);
    real* const dk_tile = dk ? dk + std::int64_t(pair.keys.first) * width : nullptr;
    if (call.bf16) {
      if (pairing.q.tracked())
        pair.add_over_keys(own, pair.keys.k_transposed[which], width, g.rounded.dq_transposed[n],
                           g.rounded.spare);
      if (dk) pair.add_over_queries(own, g.rounded.q[n], width, dk_tile, g.rounded.spare);
    } else {
      if (pairing.q.tracked()) pair.add_over_keys(own, pair.keys.k[which], width, g.dq[n]);
      if (dk) pair.add_over_queries(own, pair.queries.q[n], width, dk_tile);
    }
  }
}

// Adds to the gradients of v and of the relative terms.
void BackwardPass::add_terms(const TilePair& pair, const QueryGradients& g, Square p, Square ds,
                             int part) const {
  const QueryTile& queries = pair.queries;
  const std::int64_t n = std::int64_t(queries.b * call.H + queries.h) * sums.parts + part;
  const std::int64_t key = pair.keys.first;
  if (real* dv = GradientSums::part(sums.v, n)) {
    dv += key * wide(call.dv);
    if (call.bf16)
      pair.add_over_queries(p, g.rounded.dz_columns, wide(call.dv), dv, g.rounded.spare);
    else pair.add_over_queries(p, g.dz, wide(call.dv), dv);
  }
  real* dk = GradientSums::part(sums.k[0], n);
  if (dk) dk += key * wide(call.dk);
  const TableSums& all = sums.tables;
  const int b_part = queries.b * sums.parts + part, h = queries.h;
  if (tables.u) pair.add_to_u(ds, TableSums::of(all.u, b_part, h), dk);
  if (!tables.any()) return;
  const Relative& terms = relative(call);
  if (call.dots.q.tracked()) terms.add_to_queries(pair, ds, g.dq[0]);
  if (dk) terms.add_to_keys(pair, ds, dk);
  terms.add_to_tables(pair, p, ds, g.dz,
                      {.c = TableSums::of(all.c, b_part, h),
                       .A = TableSums::of(all.A, b_part, h),
                       .B = TableSums::of(all.B, b_part, h),
                       .V = TableSums::of(all.V, b_part, h)});
}

// dv_i += rest_i dz_i
void BackwardPass::remainder_to_own(const QueryTile& queries, const QueryGradients& g,
                                    const StickBreaking& stick_breaking, std::int64_t part) const {
  const int width = wide(call.dv);
  real* dv = GradientSums::part(sums.v, part);
  for (int i = 0; dv && i < queries.count; ++i) {
    const int own = call.own_key(queries.first + i);
    for (int c = 0; own < call.keys_of(queries.b) && c < call.dv; ++c)
      dv[std::int64_t(own) * width + c] += stick_breaking.remainder()[i] * g.dz[i * width + c];
  }
}

void BackwardPass::finish(const QueryTile& queries, const QueryGradients& g,
                          std::int64_t part) const {
  if (real* sink = GradientSums::part(sums.sink, part))  // P of the sink, whose value vector is 0
    for (int i = 0; i < queries.count; ++i)
      *sink += g.minus_d[i] * std::exp(call.scores.sink.value()[queries.h] - g.log_sum_exp[i]);
  for (std::size_t n = 0; n < call.pairings.size(); ++n)
    if (const Var& q = call.pairings[n].q; q.tracked()) {
      const Rows rows{q.grad(), queries.b, queries.first, queries.count, queries.h};
      if (call.bf16) add_transposed(g.rounded.dq_transposed[n], wide(call.dk), g.dq[n]);
      rows.put(g.dq[n], onto.q[n], queries.factor);
      if (!onto.q[n]) rows.clear_below();
    }
}

// dbias [Tk, side] += dS
void add_bias(const TilePair& pair, Square ds, real* dbias) {
  for (int j = 0; j < pair.keys.count; ++j) {
    const IndexRange seen = pair.queries_of(j, 1);
    real* row = dbias + std::int64_t(pair.keys.first + j) * side;
    for (int i = seen.begin; i < seen.end; ++i) row[i] += ds.row(j)[i];
  }
}

void BackwardPass::query_tile(TileOrigin place, int part, const real* bias, real* dbias) const {
  Workspace memory(reals());
  const QueryTile queries(call, tables, place, bias, memory);
  const QueryGradients g = start(queries, memory);
  const bool rim = tables.any();
  const Square s(memory, rim), ds(memory, rim),
      spare = call.pairings.size() > 1 ? Square(memory, rim) : s;
  const std::int64_t n = std::int64_t(place.b * call.H + place.h) * sums.parts + part;
  const IndexRange seen = queries.keys();
  real* dgates = GradientSums::part(sums.gates, n);

  Carried carried(queries, products, memory);
  const PathSums path_sums = sums.path_of(n);
  if (carried.path && !seen.empty())
    carried.path->record(seen.begin, memory.take(Path::record_reals(call)));
  std::optional<Contextual>& contextual = carried.contextual;
  real* carries = nullptr;  // the sums carried into each tile, [tiles, side]
  if (contextual) {
    carries = memory.take(std::size_t(tile::up_to(side, call.Tk)));
    each_key_tile(queries, packed, [&](const TilePair& pair) {
      std::copy_n(contextual->carry(), side, carries + pair.keys.first);
      pair.dot_products(s, spare);
      pair.hide(s);
      contextual->walk(pair, s);
    });
  }
  const int last = tile::up_to(side, seen.end) - side;
  for (int next = seen.begin; next <= last; next += side) {
    const int j =
        carried.stick_breaking ? seen.begin + last - next : next;  // stick-breaking: leftwards
    if (!queries.meets(j)) continue;
    const KeyTile keys(call, packed, place.b, place.h, j);
    const TilePair pair(queries, keys);
    if (contextual) std::copy_n(carries + j, side, contextual->carry());
    carried.scores(pair, s, spare);
    differentiate(pair, g, carried, s, ds);
    add_terms(pair, g, s, ds, part);
    if (dbias) add_bias(pair, ds, dbias);
    if (dgates) carried.gates->differentiate(pair, ds, dgates);
    if (carried.decay || carried.path) {
      if (tables.f) relative(call).stretch(pair, ds);
      real* dk = GradientSums::part(sums.k[0], n) + std::int64_t(j) * wide(call.dk);
      if (carried.decay) carried.decay->differentiate(pair, ds, g.dq[0], dk);
      else carried.path->differentiate(pair, ds, g.dq[0], dk, path_sums);
      continue;
    }
    const Square dots = contextual ? contextual->differentiate(pair, ds) : ds;
    if (contextual && call.bf16) pair.clear_hidden(dots);
    add_dot_products(pair, g, dots, spare, n);
  }
  if (contextual) {
    std::vector<real*> de;
    for (const Tensor& sum : sums.contextual) de.push_back(GradientSums::part(sum, n));
    contextual->finish(queries, g.dq[0], de);
  }
  if (dgates) carried.gates->finish(queries, dgates);
  if (carried.decay) carried.decay->finish(g.dq[0], GradientSums::part(sums.decay, n));
  if (carried.path && !seen.empty()) carried.path->finish(g.dq[0], path_sums);
  if (call.scores.weights == Weights::stick_breaking_remainder_to_own)
    remainder_to_own(queries, g, *carried.stick_breaking, n);
  finish(queries, g, n);
}

// One strip of biases at a time: groups of sequences, whose bias gradients are added in order.
void backward_strips(const BackwardPass& pass, Strips& strips) {
  const AttentionCall& call = pass.call;
  const Tensor& sum = pass.sums.strip;
  strips.each([&](int first, IndexRange sequences) {
    const int groups = std::min(pass.sums.groups, sequences.size());
    parallel_for(std::int64_t(groups) * call.H, [&](std::int64_t n) {
      const int group = int(n / call.H), h = int(n % call.H);
      real* dbias = sum ? &sum[n * call.Tk * side] : nullptr;
      if (dbias) std::fill_n(dbias, std::int64_t(call.Tk) * side, real(0));
      for (int b = sequences.begin + group; b < sequences.end; b += groups)
        pass.query_tile({b, h, first}, 0, strips.bias(h), dbias);
    });
    if (!sum) return;
    const std::int64_t size = std::int64_t(call.Tk) * side;
    parallel_for(call.H, [&](std::int64_t h) {
      for (int group = 1; group < groups; ++group)
        for (std::int64_t i = h * size; i < (h + 1) * size; ++i)
          sum[i] += sum[group * call.H * size + i];
    });
    strips.differentiate(sum);
  });
}

}  // namespace

void backward(const AttentionCall& call, const Tensor& z, const Tensor& log_sum_exp,
              const Tensor& dz) {
  const ByDistance tables = by_distance(call);
  const Packed packed(call, Packed::Pass::backward);
  const PackedProducts products(call);
  Strips strips(call);
  const GradientSums sums(call, tables, strips);
  const Onto onto(call);

  const BackwardPass pass{call, tables, packed, products, z, log_sum_exp, dz, sums, onto};
  const int heads = call.B * call.H, parts = sums.parts;
  const bool whole = parts == 1 && strips.empty();  // a head at once, its sums still in the cache
  parallel_for(std::int64_t(heads) * parts, [&](std::int64_t n) {
    for (const Tensor& sum : sums.by_key()) GradientSums::clear(sum, n);
    for (const Tensor& sum : sums.contextual) GradientSums::clear(sum, n);
    const int head = int(n / parts), part = int(n % parts);
    sums.tables.clear(head / call.H * parts + part, head % call.H);
    for (int t = part; t < call.query_tiles() && strips.empty(); t += parts)
      pass.query_tile({head / call.H, head % call.H, t * side}, part, nullptr, nullptr);
    if (whole) add_head(call, products, sums, onto, head);
  });
  if (!strips.empty()) backward_strips(pass, strips);
  if (!whole)
    parallel_for(heads,
                 [&](std::int64_t head) { add_head(call, products, sums, onto, int(head)); });
  add_contextual(call, sums);
  for (int p = 0; sums.sink && p < sums.sink.dim(0); ++p)
    call.scores.sink.grad()[p / parts % call.H] += sums.sink[p];
  sums.tables.fold(call, tables);
}

}  // namespace yonder::fused
