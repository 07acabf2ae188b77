#pragma once
#include "core/attention/tile_pair.h"

namespace yonder::fused {

/// Stick-breaking weights of the queries of a tile. Tan et al. 2025, arXiv:2410.17980, sec. 2.
///
///   A_ij = β_ij rest_ij     rest_ij = Π_{l>j} (1 − β_il)     β = σ(s)
///   ds_ij = (1 − β_ij) A_ij dA_ij − β_ij (D_i − Σ_{l≥j} A_il dA_il),   D_i = dz_i·z_i
///
/// The last bracket is the contribution of the keys before j and of the remainder. The product runs
/// from the query leftwards, forward and backward, so key tiles are walked from the last to the
/// first, and the remainder is carried along.
class StickBreaking {
 public:
  explicit StickBreaking(Workspace&);              ///< rest is 1, no key walked yet
  static std::size_t reals() { return 2 * side; }  ///< taken from the Workspace

  /// s becomes A.
  void write_weights(const TilePair&, Square s) const;
  /// s becomes A, and ds, initially dA, the gradient of the scores.  minus_d [side], −D
  void differentiate(const TilePair&, const real* minus_d, Square s, Square ds) const;
  /// Remainder of 1 after the keys walked so far, [side].
  const real* remainder() const { return remainder_; }

 private:
  real *remainder_, *taken_;  // [side]; taken: Σ A dA so far
};

}  // namespace yonder::fused
