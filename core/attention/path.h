#pragma once
#include "core/attention/tile_pair.h"

/// \file
/// Dot products transformed by the tokens between query and key (PaTH). Yang et al. 2025,
/// arXiv:2505.16381, sec. 3.3:
///   s_ij = q_i·H_i H_{i−1} … H_{j+1} k_j     H_t = I − β_t w_t w_tᵀ
/// For a tile of keys, with rows w_t, k_t:
///   G = (I + tril(diag(β) W Wᵀ, −1))⁻¹ diag(β)     L = tril(W Kᵀ, −1)     k' = K − Lᵀ Gᵀ W
/// Queries Q of later tokens have scores Q k'ᵀ and become Q − Q Wᵀ G W to the left of the tile;
/// those of its own tokens skip the w after their own: X = tril(Q Wᵀ), Q Kᵀ − X G L and Q − X G W.
/// So key tiles are walked leftwards from the queries' own, and Q is carried. Every H has norm ≤ 1.
namespace yonder::fused {

/// Precomputed for each tile of keys, [B·H, Tk up to whole tiles, ..].
struct PackedPath {
  Tensor w, w_transposed;  ///< W [side, wide(dk)], and transposed
  Tensor k;                ///< k' [side, wide(dk)]
  Tensor minus_gw;         ///< −G W [side, wide(dk)]
  Tensor g, minus_l;       ///< G, −L [side, side]

  explicit PackedPath(const AttentionCall&);  ///< computes them

  /// Row `key` of head n = b·H + h.
  static real* at(const Tensor& x, std::int64_t n, int key) {
    return &x[(n * x.dim(1) + key) * x.dim(2)];
  }
};

/// Gradients of the tensors of PackedPath, for one part of a head: [Tk up to whole tiles, ..].
struct PathSums {
  real *w, *k, *minus_gw;  ///< [.., wide(dk)]
  real *g, *l_transposed;  ///< [.., side]; Lᵀ
};

/// A tile of queries in these products.
class Path {
 public:
  Path(const QueryTile&, const PackedPath&, Workspace&);  ///< initially, Q are the queries
  /// Reals that the constructor takes from the Workspace.
  static std::size_t reals(const AttentionCall& call) {
    return std::size_t(4 * side) * wide(call.dk) + 5 * side * side + 16 * 9;
  }

  /// s = scale · q_i·H_i … H_{j+1} k_j. Tiles must come from the last to the first, unless
  /// recorded.
  void dot_products(const TilePair&, Square s);

  /// Walks to the tile of key row `first` and stores Q before each tile in `memory`, of
  /// record_reals(); differentiate() can then process the tiles from the first to the last.
  void record(int first, real* memory);
  /// Reals that record() needs.
  static std::size_t record_reals(const AttentionCall& call) {
    return std::size_t(tile::up_to(side, call.Tk) + side) * wide(call.dk);
  }
  /// For the tile of the last dot_products(): dq [side, wide(dk)], the gradient of Q after it,
  /// becomes that of Q before it; adds to dk of the tile's keys [side, wide(dk)] and to the sums.
  void differentiate(const TilePair&, Square ds, real* dq, real* dk, const PathSums&);
  /// After the last tile: dq becomes the gradient of the queries.
  void finish(real* dq, const PathSums&);

 private:
  const QueryTile& queries_;
  const PackedPath& packed_;
  int width_, rows_;    // columns; queries up to whole vectors
  int own_, top_, at_;  // key row of the first query; last tile of a query's own token; tile that
                        // Q is about to pass
  int passed_ = -1;     // last tile that dq has passed
  real* recorded_ = nullptr;       // [tiles, side, width]
  real *q_, *transposed_;          // [side, width], [width, side]: Q
  real* dq_transposed_;            // [width, side]
  real *x_, *dx_;                  // [query, w]: X; [w, query]: its gradient
  real *n_, *n_transposed_, *dn_;  // X G [query, w], [w, query]; its gradient

  std::int64_t head() const { return std::int64_t(queries_.b) * queries_.call.H + queries_.h; }
  const real* of(const Tensor& x, int tile) const { return PackedPath::at(x, head(), tile * side); }
  // Keys of a tile up to whole vectors.
  int keys(int tile) const {
    return wide(std::min(side, queries_.call.keys_of(queries_.b) - tile * side));
  }
  bool owns(int tile) const { return own_ < tile * side + side - 1; }
  void load(int tile);
  void write_x(int tile);
  void leave(int tile);
  void pass(int tile, real* dq, const PathSums&, bool with_scores);
};

/// For one part of head h in sequence b: the sums become dk, dw and dβ.  dk, sums.w [Tk up
/// to whole tiles, wide(dk)], dbeta [Tk up to whole tiles]
void fold_path(const AttentionCall&, const PackedPath&, int b, int h, const PathSums&, real* dk,
               real* dbeta);
/// Adds to the gradient of β, from dbeta.
void add_beta_gradient(const AttentionCall&, int b, int h, const real* dbeta);

}  // namespace yonder::fused
