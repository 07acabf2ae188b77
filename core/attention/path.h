#pragma once
#include "core/attention/tile_pair.h"

/// \file
/// Products through the tokens between query and key (PaTH). Yang et al. 2025, arXiv:2505.16381,
/// sec. 3.3:
///   s_ij = q_i·H_i H_{i−1} … H_{j+1} k_j     H_t = I − β_t w_t w_tᵀ
/// Of a tile of keys, with rows w_t, k_t:
///   G = (I + tril(diag(β) W Wᵀ, −1))⁻¹ diag(β)     L = tril(W Kᵀ, −1)     k' = K − Lᵀ Gᵀ W
/// Queries Q that come from later tokens meet it as Q k'ᵀ and leave it as Q − Q Wᵀ G W; those of
/// its own tokens have no w after their own: X = tril(Q Wᵀ), Q Kᵀ − X G L and Q − X G W. So the
/// tiles of keys are walked from the queries' own leftwards, and Q is carried. Every H has norm
/// ≤ 1.
namespace yonder::fused {

/// What is made of each tile of keys, [B·H, Tk up to whole tiles, ..].
struct PackedPath {
  Tensor w, w_turned;  ///< W [side, wide(dk)], and turned
  Tensor k;            ///< k' [side, wide(dk)]
  Tensor minus_gw;     ///< −G W [side, wide(dk)]
  Tensor g, minus_l;   ///< G, −L [side, side]

  explicit PackedPath(const AttentionCall&);  ///< computes them

  /// Row `key` of head n = b·H + h.
  static real* at(const Tensor& x, std::int64_t n, int key) {
    return &x[(n * x.dim(1) + key) * x.dim(2)];
  }
};

/// Gradients of what PackedPath holds, of one part of a head: [Tk up to whole tiles, ..].
struct PathSums {
  real *w, *k, *minus_gw;  ///< [.., wide(dk)]
  real *g, *l_turned;      ///< [.., side]; Lᵀ
};

/// A tile of queries among them.
class Path {
 public:
  Path(const QueryTile&, const PackedPath&, Workspace&);  ///< Q are the queries
  /// What the constructor takes from the Workspace.
  static std::size_t reals(const AttentionCall& call) {
    return std::size_t(4 * side) * wide(call.dk) + 5 * side * side + 16 * 9;
  }

  /// s = scale · q_i·H_i … H_{j+1} k_j. Tiles have to come from the last to the first, unless
  /// recorded.
  void dot_products(const TilePair&, Square s);

  /// Walks to the tile of key row `first` and keeps Q before each tile in `memory`, of
  /// record_reals(); then tiles may be taken from the first to the last, for differentiate().
  void record(int first, real* memory);
  /// That record() takes.
  static std::size_t record_reals(const AttentionCall& call) {
    return std::size_t(tile::up_to(side, call.Tk) + side) * wide(call.dk);
  }
  /// Of the tile whose products were taken last. dq [side, wide(dk)] is the gradient of Q as it
  /// leaves the tiles so far; adds to dk of the tile's keys [side, wide(dk)] and to the sums.
  void differentiate(const TilePair&, Square ds, real* dq, real* dk, const PathSums&);
  /// After the last tile: dq becomes the gradient of the queries.
  void finish(real* dq, const PathSums&);

 private:
  const QueryTile& queries_;
  const PackedPath& packed_;
  int width_, rows_;    // columns; queries up to whole vectors
  int own_, top_, at_;  // key row of the first query; last tile of a query's own token; tile before
                        // which Q stands
  int passed_ = -1;     // last tile that dq has passed
  real* recorded_ = nullptr;   // [tiles, side, width]
  real *q_, *turned_;          // [side, width], [width, side]: Q
  real* dq_turned_;            // [width, side]
  real *x_, *dx_;              // [query, w]: X; [w, query]: its gradient
  real *n_, *n_turned_, *dn_;  // X G [query, w], [w, query]; its gradient

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

/// Of one part of head h in sequence b: the sums become those of dk, dw and dβ.  dk, sums.w [Tk up
/// to whole tiles, wide(dk)], dbeta [Tk up to whole tiles]
void fold_path(const AttentionCall&, const PackedPath&, int b, int h, const PathSums&, real* dk,
               real* dbeta);
/// Adds to the gradient of β, from dbeta.
void add_beta_gradient(const AttentionCall&, int b, int h, const real* dbeta);

}  // namespace yonder::fused
