#include "core/attention/tile_pair.h"

/// \file
/// Relative terms at consecutive positions. Element (j, i) of a tile has distance i − j plus a
/// constant, so row j reads a contiguous piece of a table, and a sum over all pairs of one distance
/// is a sum along a diagonal: a Left that steps one row down and one column to the right.
namespace yonder::fused {
namespace {

using tile::lanes;
using tile::stripe;

constexpr int width_of_square = Square::stride;

// Visible distances i − j between queries in `i` and keys in `j`.
IndexRange distances(const Band& band, IndexRange i, IndexRange j) {
  if (i.empty() || j.empty()) return {0, 0};
  return {std::max(i.begin - j.end + 1, band.least), std::min(i.end - j.begin - 1, band.most) + 1};
}

class Consecutive final : public Relative {
 public:
  void stretch(const TilePair& pair, Square s) const override {
    each_diagonal(pair, &pair.tables.f[0], s, [](auto x, auto f) { return x * f; });
  }
  void add_scores(const TilePair& pair, Square s) const override;
  void add_values(const TilePair& pair, Square p, real* z) const override {
    if (pair.tables.V) add_over_keys(pair, p, pair.tables.V, wide(pair.call.dv), z);
  }
  void add_value_products(const TilePair& pair, const real*, const real* dz_transposed,
                          Square ds) const override {
    if (!pair.tables.V) return;
    add_diagonals(pair, pair.tables.V, pair.call.dv, ds, [=](int i0, int) {
      return [=](int c, int, int i) { return tile::load(dz_transposed + c * side + i0 + i); };
    });
  }
  void add_to_queries(const TilePair& pair, Square ds, real* dq) const override {
    if (pair.tables.A) add_over_keys(pair, ds, pair.tables.A, wide(pair.call.dk), dq);
  }
  void add_to_keys(const TilePair&, Square ds, real* dk) const override;
  void add_to_tables(const TilePair&, Square p, Square ds, const real* dz,
                     const Sums&) const override;

 private:
  // Index of the table's entry for element (0, 0) of the tile.
  static std::ptrdiff_t origin(const TilePair& pair) {
    return pair.tables.place(pair.distance(0, 0));
  }
  template <class F>
  static void each_diagonal(const TilePair&, const real* by_distance, Square, F&&);
  template <class Factors>
  static void add_diagonals(const TilePair&, const DistanceTable&, int depth, Square, Factors&&);
  static void add_over_keys(const TilePair&, Square w, const DistanceTable&, int width, real* sums);
  static void add_by_query(const TilePair&, Square w, const real* x, int width, real* sums);
  static void add_by_key(const TilePair&, Square w, const real* x, int width, real* sums);
  static void add_c(const TilePair&, Square ds, real* dc);
};

// s[j][i] = f(s[j][i], by_distance[i − j])
template <class F>
void Consecutive::each_diagonal(const TilePair& pair, const real* by_distance, Square s, F&& f) {
  const real* at = by_distance + origin(pair);
  for (int j = 0; j < pair.keys.rows(); ++j)
    for (int i = 0; i < side; i += lanes)
      tile::store(f(tile::load(s.row(j) + i), tile::load(at + i - j)), s.row(j) + i);
}

// s[j][i] += Σ_c f(c, j, i) E[i − j][c], with f for rows from j0 and columns from i0 given by
// factors(i0, j0).
template <class Factors>
void Consecutive::add_diagonals(const TilePair& pair, const DistanceTable& table, int depth,
                                Square s, Factors&& factors) {
  constexpr int blocks = side / lanes;
  const int key_blocks = (pair.keys.count + lanes - 1) / lanes;
  const std::ptrdiff_t row = pair.tables.stride;
  const real* e = table.transposed_of(pair.queries.h) + origin(pair);
  for (int above = 1 - blocks; above < blocks; ++above) {  // block of queries − block of keys
    if (!pair.band.intersects((above - 1) * lanes + 1, (above + 1) * lanes - 1)) continue;
    const int end = std::min(key_blocks, blocks - above);
    for (int b = std::max(0, -above); b < end; b += 4) {
      const auto multiply = [&](auto together) {
        tile::each_residue<together>([&](int r, auto residues) {
          const int j = b * lanes + r, i = (b + above) * lanes;
          const tile::Diagonal diagonal{depth, {e + i - j, row}, {s.row(j) + i, Square::stride}};
          tile::multiply_diagonal<residues, together>(diagonal, factors(i, j));
        });
      };
      switch (std::min(end - b, 4)) {
        case 1:
          multiply(std::integral_constant<int, 1>());
          break;
        case 2:
          multiply(std::integral_constant<int, 2>());
          break;
        case 3:
          multiply(std::integral_constant<int, 3>());
          break;
        default:
          multiply(std::integral_constant<int, 4>());
      }
    }
  }
}

void Consecutive::add_scores(const TilePair& pair, Square s) const {
  const ByDistance& tables = pair.tables;
  if (tables.c)
    each_diagonal(pair, &tables.c[pair.queries.h * tables.stride], s,
                  [](auto x, auto c) { return x + c; });
  if (pair.constant_bias) return;
  if (tables.A) {
    const real* q = pair.queries.q_transposed[0];
    add_diagonals(pair, tables.A, pair.call.dk, s, [=](int i0, int) {
      return [=](int d, int, int i) { return tile::load(q + d * side + i0 + i); };
    });
  }
  if (tables.B) {
    const real* k = pair.keys.k[0];
    const int width = wide(pair.call.dk);
    add_diagonals(pair, tables.B, pair.call.dk, s, [=](int, int j0) {
      return [=](int d, int j, int) { return tile::all(k[(j0 + j) * width + d]); };
    });
  }
}

// sums[i] += Σ_j w_ij E[i − j]: for a stripe of queries, a product over their distances.
void Consecutive::add_over_keys(const TilePair& pair, Square w, const DistanceTable& table,
                                int width, real* sums) {
  const real* e = table.rows_of(pair.queries.h) + origin(pair) * width;
  for (int i = 0; i < side; i += stripe) {
    const IndexRange d = distances(pair.band, {i, i + stripe}, pair.keys_of(i, stripe));
    if (d.empty()) continue;
    const tile::Left left{w.row(i - d.begin) + i, width_of_square + 1, -width_of_square};
    tile::multiply(left, {e + d.begin * width, width}, width, d.size(), {sums + i * width, width});
  }
}

void Consecutive::add_to_keys(const TilePair& pair, Square ds, real* dk) const {
  if (!pair.tables.B) return;
  const int width = wide(pair.call.dk);
  const real* e = pair.tables.B.rows_of(pair.queries.h) + origin(pair) * width;
  for (int j = 0; j < pair.keys.rows(); j += stripe) {
    const IndexRange d = distances(pair.band, pair.queries_of(j, stripe), {j, j + stripe});
    if (d.empty()) continue;
    const tile::Left left{ds.row(j) + j + d.begin, width_of_square + 1, 1};
    tile::multiply(left, {e + d.begin * width, width}, width, d.size(), {dk + j * width, width});
  }
}

// sums[i − j] += Σ w_ij x_i: for a stripe of distances, a product over their queries.
void Consecutive::add_by_query(const TilePair& pair, Square w, const real* x, int width,
                               real* sums) {
  const int rows = pair.keys.rows();
  const IndexRange all = distances(pair.band, {0, side}, {0, rows});
  sums += origin(pair) * width;
  for (int d = all.begin; d < all.end; d += stripe) {
    const IndexRange i{std::max(d, 0), std::min(d + stripe - 1 + rows, side)};
    if (i.empty()) continue;
    const tile::Left left{w.row(i.begin - d) + i.begin, -width_of_square, width_of_square + 1};
    tile::multiply(left, {x + i.begin * width, width}, width, i.size(), {sums + d * width, width});
  }
}

// sums[i − j] += Σ w_ij x_j
void Consecutive::add_by_key(const TilePair& pair, Square w, const real* x, int width, real* sums) {
  const int rows = pair.keys.rows();
  const IndexRange all = distances(pair.band, {0, side}, {0, rows});
  sums += origin(pair) * width;
  for (int d = all.begin; d < all.end; d += stripe) {
    const IndexRange j{std::max(1 - d - stripe, 0), std::min(side - d, rows)};
    if (j.empty()) continue;
    const tile::Left left{w.row(j.begin) + j.begin + d, 1, width_of_square + 1};
    tile::multiply(left, {x + j.begin * width, width}, width, j.size(), {sums + d * width, width});
  }
}

void Consecutive::add_c(const TilePair& pair, Square ds, real* dc) {
  const int rows = pair.keys.rows();
  const IndexRange all = distances(pair.band, {0, side}, {0, rows});
  dc += origin(pair);
  for (int d = all.begin; d < all.end; d += lanes) {
    const IndexRange j{std::max(1 - d - lanes, 0), std::min(side - d, rows)};
    tile::Vector sum = tile::load(dc + d);
    for (int r = j.begin; r < j.end; ++r) sum = sum + tile::load(ds.row(r) + r + d);
    tile::store(sum, dc + d);
  }
}

void Consecutive::add_to_tables(const TilePair& pair, Square p, Square ds, const real* dz,
                                const Sums& sums) const {
  const AttentionCall& call = pair.call;
  if (sums.c) add_c(pair, ds, sums.c);
  if (sums.A) add_by_query(pair, ds, pair.queries.q[0], wide(call.dk), sums.A);
  if (sums.B) add_by_key(pair, ds, pair.keys.k[0], wide(call.dk), sums.B);
  if (sums.V) add_by_query(pair, p, dz, wide(call.dv), sums.V);
}

}  // namespace

const Relative& relative_consecutive() {
  static const Consecutive the;
  return the;
}

}  // namespace yonder::fused
