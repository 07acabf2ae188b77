#pragma once
#include <optional>

#include "core/attention/call.h"

/// \file
/// Tiles of queries and of keys, and the operations on pairs of them.
namespace yonder::fused {

/// Scores, probabilities or their gradients of a tile pair, stored by key: row(j)[i]. The lanes of
/// a vector are queries, so maxima and sums over keys never cross lanes. The square is surrounded
/// by zeros, for products with tables that read it along diagonals: the columns to the right of a
/// row are those to the left of the next.
struct Square {
  static constexpr int rim = 16, stride = side + rim;           ///< width of the zeros; row stride
  static constexpr int size = (side + rim) * stride + 2 * rim;  ///< reals, the zeros included
  real* at;                                                     ///< row(0)

  /// Without tables the zeros are not needed and left uninitialized.
  explicit Square(Workspace& memory, bool zeros = true)
      : at((zeros ? memory.zeros(size) : memory.take(size)) + rim / 2 * stride + rim) {}
  real* row(int j) const { return at + j * stride; }  ///< [side], key j
  /// Zeroes up to `rim` rows from `used` on, which a tile with fewer keys doesn't write.
  void clear_from(int used) const {
    std::fill_n(row(used), std::min(side - used, rim) * stride, real(0));
  }
};

/// Rows t = first..first+count−1 of one head of x [B, T, H, d].
struct Rows {
  const Tensor& x;         ///< [B, T, H, d]
  int b, first, count, h;  ///< sequence; first row and number of rows; head

  /// Copies to [side, wide(d)], padded with zeros, times `factor`[row] if given.
  void copy(real* to, const real* factor = nullptr) const;
  /// Writes back from [side, wide(d)], times `factor`[row] if given; adds or overwrites.
  void put(const real* from, bool add, const real* factor = nullptr) const;
  /// Zeroes the rows of the tile after the first `count`, as far as the tensor has them.
  void clear_below() const;
};
/// Transposes [side, columns] to [columns, side]; columns a multiple of `lanes`
void transpose(const real* from, int columns, real* to);
/// to [side, width] += transposed from [width, side]; width a multiple of `lanes`
void add_transposed(const real* from, int width, real* to);

/// Keys or values of a call in bf16, one left factor of products per tile: its lines are the rows,
/// or the columns if `transposed`.
struct RoundedRows {
  Tensor rows, transposed;  ///< [B·H·tiles, packed_reals()], if needed
};

/// Keys and values of a call head by head, [B, H, Tk up to whole tiles, wide(d)], padded with
/// zeros: copied once, so that tiles that many queries read are contiguous.
struct Packed {
  /// The pass that the rounded factors are for.
  enum class Pass { forward, backward };
  Tensor k[2], v;                       ///< of k and far_k; of v; none if the call is bf16_only
  RoundedRows k_rounded[2], v_rounded;  ///< if the call is in bf16
  Packed(const AttentionCall&, Pass);   ///< copies them
};

/// Keys and values of a tile.
struct KeyTile {
  int first, count;  ///< first row and number of rows
  const real* k[2];  ///< [side, wide(dk)] of k and far_k
  const real* v;     ///< [side, wide(dv)]
  bf16::Packed k_rows[2], k_transposed[2], v_rows, v_transposed;  ///< in bf16, if needed
  int at[side];                                                   ///< positions

  KeyTile(const AttentionCall&, const Packed&, int b, int h,
          int begin);  ///< key rows from `begin` on
  /// Number of computed rows; the last ones may be zeros.
  int rows() const { return tile::up_to(tile::stripe, count); }
};

/// The origin of a tile of queries.
struct TileOrigin {
  int b, h, first;  ///< sequence; head; first row
};

/// Queries of a tile, times scale · row.
struct QueryTile {
  const AttentionCall& call;                      ///< the call
  const ByDistance& tables;                       ///< its tables by distance
  int b, h, first, count;                         ///< sequence; head; first row and number of rows
  const real* bias;                               ///< [Tk, side] sum of the strip biases, or null
  real* q[Pairing::most_of_them];                 ///< [side, wide(dk)] of each pairing
  real* q_transposed[Pairing::most_of_them];      ///< [wide(dk), side]
  bf16::Packed q_rounded[Pairing::most_of_them];  ///< right factors, with queries as columns
  real* factor;                                   ///< [side] scale · row
  int at[side];                                   ///< positions
  Visibility visibility;                          ///< of the head
  IndexRange near;                                ///< keys in the window of some query of the tile

  /// Copies the queries into the Workspace.
  QueryTile(const AttentionCall&, const ByDistance&, TileOrigin, const real* strip, Workspace&);
  /// Reals that the constructor takes from the Workspace.
  static std::size_t reals(const AttentionCall& call) {
    return Pairing::most_of_them * (side * (2 * wide(call.dk) + 16) + packed_reals(side, call.dk)) +
           side;
  }
  /// Range of the keys that some query of the tile sees, from a multiple of `side` on; between
  /// sinks and near keys it may contain tiles for which meets() is false.
  IndexRange keys() const;
  /// ByDistance::u of the head.
  const real* u() const { return &tables.u[std::int64_t(h) * tables.u.dim(1)]; }
  /// Whether some query sees a key in rows tile..tile+side−1.
  bool meets(int tile) const {
    return tile < call.sinks || (tile < near.end && tile + side > near.begin);
  }
};

/// A tile of queries and one of keys.
struct TilePair {
  const QueryTile& queries;   ///< with rows i
  const KeyTile& keys;        ///< with rows j
  const AttentionCall& call;  ///< the call
  const ByDistance& tables;   ///< its tables by distance
  Band band;         ///< in rows of the tiles; wider than `near` if the keys begin with sinks
  Band near;         ///< for keys that are not sinks
  IndexRange reach;  ///< smallest and largest distance that a visible pair may have
  IndexRange apart;  ///< the same in the unit of Pairing: distance or chunk distance
  /// The index into A, B and V if all pairs of the tile share one: then q·A is one value per query
  /// and B·k one per key.
  std::optional<std::ptrdiff_t> constant_bias;

  TilePair(const QueryTile&, const KeyTile&);  ///< of one sequence and head

  int distance(int i, int j) const { return queries.at[i] - keys.at[j]; }  ///< in positions
  /// Queries that see any of `count` keys from j on.
  IndexRange queries_of(int j, int count) const { return band.queries({j, j + count}, side); }
  /// Keys that any of `count` queries from i on sees.
  IndexRange keys_of(int i, int count) const { return band.keys({i, i + count}, keys.rows()); }
  /// Queries that see key j.
  IndexRange seen_by(int j) const {
    return (keys.first + j < call.sinks ? band : near).queries({j, j + 1}, side);
  }
  /// Keys whose scores a vector of queries from i on needs: a few more on both sides than it sees,
  /// for products over several rows or a vector of distances.
  IndexRange rows_of(int i) const {
    const int more = tables.any() ? Square::rim : tile::tall;
    const IndexRange seen = keys_of(i, tile::lanes);
    return {std::max(seen.begin - more, 0), std::min(seen.end + more, keys.rows())};
  }

  /// s[j][i] = start[i] + Σ_c x_jc y_ic; hidden pairs may have start[i] alone.
  /// x [side, width], y [depth, side], start [side]
  void products(const real* x, int width, const real* y, int depth, const real* start,
                Square s) const;
  /// The same in bf16 for all pairs, x the left factor and y the right one; a null start is 0.
  /// Writes whole groups of 16 keys, up to 15 more than keys.rows().
  void products(const bf16::Packed& x, const bf16::Packed& y, int depth, const real* start,
                Square s) const;
  /// sums[j] += Σ_i w_ij x_i.  x, sums [side, width]
  void add_over_queries(Square w, const real* x, int width, real* sums) const;
  /// sums[i] += Σ_j w_ij x_j.  x, sums [side, width]
  void add_over_keys(Square w, const real* x, int width, real* sums) const;

  /// sums[j] += Σ_i w_ij x_i in bf16.  x a right factor [side, width], sums [side, width]; `memory`
  /// holds packed_reals(side, side)
  void add_over_queries(Square w, const bf16::Packed& x, int width, real* sums, real* memory) const;
  /// sums[c][i] += Σ_j x_cj w_ij in bf16.  x a left factor [width, side], sums [width, side]
  void add_over_keys(Square w, const bf16::Packed& x, int width, real* sums, real* memory) const;
  /// For each vector of queries, zeroes the rows outside rows_of(), which none of them sees.
  void clear_hidden(Square s) const;

  /// Whether visible pairs of the tile may use a pairing.
  bool uses(const Pairing& x) const { return apart.begin <= x.most && apart.end >= x.least; }
  /// Whether all of them use it.
  bool uses_only(const Pairing& x) const { return apart.begin >= x.least && apart.end <= x.most; }
  /// to = w for pairs that use the pairing, else 0.
  void select(const Pairing&, Square w, Square to) const;

  /// s = scale · f[r] q·k of every pair, by its pairing, plus q·A if constant. Overwrites `spare`.
  void dot_products(Square s, Square spare) const;
  /// Adds the rest of the scores: biases and the other relative terms.
  void add_terms(Square s) const;
  /// s_ij += b·k_j
  void add_by_key(const real* b, Square s) const;
  /// du += Σ_ij ds_ij k_j and dk_j += Σ_i ds_ij u; null if not wanted.  dk [side, wide(dk)]
  void add_to_u(Square ds, real* du, real* dk) const;
  /// z_i += Σ_j p_ij (v_j + V[r]).  z [side, wide(dv)]
  void add_values(Square p, real* z) const;
  /// z_i += Σ_j p_ij V[r]
  void add_table_values(Square p, real* z) const;
  /// Writes −∞ where a query does not see a key, and zeros in the rows below.
  void hide(Square s) const;
};

/// Calls f(pair) for the key tiles that some query sees, from right to left.
template <class F>
void each_key_tile(const QueryTile& queries, const Packed& packed, F&& f) {
  const IndexRange seen = queries.keys();
  for (int j = tile::up_to(side, seen.end) - side; j >= seen.begin; j -= side) {
    if (!queries.meets(j)) continue;
    const KeyTile keys(queries.call, packed, queries.b, queries.h, j);
    f(TilePair(queries, keys));
  }
}

/// Operations of tables by distance on a tile pair. P are probabilities, dS gradients of scores.
class Relative {
 public:
  /// Gradients of the tables of one head.
  struct Sums {
    real *c, *A, *B, *V;  ///< one head's part of TableSums; null if not wanted
  };
  virtual ~Relative() = default;
  /// s_ij *= f[r]
  virtual void stretch(const TilePair&, Square s) const = 0;
  /// s_ij += q_i·A[r] + B[r]·k_j + c[r]; only c[r] if constant_bias
  virtual void add_scores(const TilePair&, Square s) const = 0;
  /// z_i += Σ_j p_ij V[r]
  virtual void add_values(const TilePair&, Square p, real* z) const = 0;
  /// ds_ij += dz_i·V[r].  dz [side, wide(dv)] and transposed
  virtual void add_value_products(const TilePair&, const real* dz, const real* dz_transposed,
                                  Square ds) const = 0;
  /// dq_i += Σ_j ds_ij A[r]
  virtual void add_to_queries(const TilePair&, Square ds, real* dq) const = 0;
  /// dk_j += Σ_i ds_ij B[r]
  virtual void add_to_keys(const TilePair&, Square ds, real* dk) const = 0;
  /// dA[r] += ds_ij q_i   dB[r] += ds_ij k_j   dV[r] += p_ij dz_i   dc[r] += ds_ij
  virtual void add_to_tables(const TilePair&, Square p, Square ds, const real* dz,
                             const Sums&) const = 0;
};
/// For consecutive positions: distances are i − j plus a constant, so tables are read along
/// diagonals and every term is a matrix product.
const Relative& relative_consecutive();
/// For any positions: one pair at a time.
const Relative& relative_scattered();
/// relative_consecutive() if the positions allow it, else relative_scattered().
inline const Relative& relative(const AttentionCall& call) {
  return call.consecutive ? relative_consecutive() : relative_scattered();
}

}  // namespace yonder::fused
