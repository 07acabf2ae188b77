#pragma once
#include "core/attention/tile_pair.h"

namespace yonder::fused {

/// α-entmax, in place of softmax. Peters, Niculae & Martins 2019, arXiv:1905.05702, sec. 3.
///
///   A_ij = max(z_ij − τ_i, 0)^e     z = (α − 1) score     e = 1/(α − 1)     Σ_j A_ij = 1
///   ds_ij = u_ij (dA_ij − dz_i·y_i)     u = A^(2−α) where A > 0     y_i = Σ_j u_ij v_j / Σ_j u_ij
///
/// forward_entmax() finds the thresholds τ; given these, each tile is computed on its own, as with
/// softmax given the log-sum-exp of the rows.
class Entmax {
 public:
  explicit Entmax(double alpha) : alpha_(alpha) {}  ///< 1 < α ≤ 2

  /// s becomes A.  threshold [side], τ
  void write_weights(const TilePair&, const real* threshold, Square s) const;
  /// s becomes u; returns whether any is above 0.
  bool write_slopes(const TilePair&, const real* threshold, Square s) const;
  /// s becomes A, and ds, initially dA − dz·y, the gradient of the scores.
  void differentiate(const TilePair&, const real* threshold, Square s, Square ds) const;

 private:
  double alpha_;
};

}  // namespace yonder::fused
