#pragma once
#include "core/attention/tile_pair.h"

namespace yonder::fused {

/// Contextual positions (CoPE) of the queries of a tile. Golovneva et al. 2024, arXiv:2405.18719.
///
///   g_ij = σ(s_ij)   sum_ij = Σ_{t=j..i} g_it   p = min(sum, R−1)
///   score_ij += (1−f) X[⌊p⌋][i] + f X[⌈p⌉][i],   X[r][i] = q_i·e[r],  f = p − ⌊p⌋
///
/// with s = scale · q·k. The sum runs from the diagonal leftwards, so key tiles are walked from the
/// last to the first, and the partial sum is carried along. The gradient of a gate comes from the
/// keys before it, so the backward pass walks from the first tile to the last.
class Contextual {
 public:
  Contextual(const QueryTile&, Workspace&);  ///< all sums start at 0
  static std::size_t reals(
      const AttentionCall&);  ///< reals that the constructor takes from the Workspace

  /// The sums so far, up to the last key walked, [side].
  real* carry() { return carry_; }
  /// Sums the gates of a tile. s holds dot products, −∞ where hidden.
  void walk(const TilePair&, Square s);
  /// Adds the terms to the scores of the last tile walked.
  void add_scores(const TilePair&, Square s) const;

  /// For the last tile walked: accumulates the gradients of the tables and returns the gradient of
  /// the dot products, which is ds plus the part through the gates.
  Square differentiate(const TilePair&, Square ds);
  /// After the last tile: adds to dq [side, wide(dk)] and to de[n] [R up to stripes, wide(dk)].
  void finish(const QueryTile&, real* dq, const std::vector<real*>& de) const;

 private:
  struct Term {
    int rows;
    real *e, *x, *dx;  // [rows up to stripes, wide(dk)], [.., side], [.., side]
  };
  std::vector<Term> terms_;
  real *carry_, *slope_;  // [side]; slope: Σ_j ds_ij dscore/dp_ij over the keys so far
  Square dots_, sums_;
};

}  // namespace yonder::fused
