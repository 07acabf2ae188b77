#pragma once
#include "core/attention/tile_pair.h"

namespace yonder::fused {

/// Forget gates of the queries of a tile. Lin et al. 2025, arXiv:2503.02130, sec. 3.
///
///   score_ij += C_i − C_j     dC_i += Σ_j ds_ij     dC_j −= Σ_i ds_ij     dgate_u = Σ_{t ≥ u} dC_t
class Gates {
 public:
  Gates(const QueryTile&, Workspace&);  ///< computes C_i of the queries
  static std::size_t reals() { return side * (3 + tile::lanes) + 3 * 16; }  ///< Workspace size

  void add_scores(const TilePair&, Square s) const;  ///< s_ij += C_i − C_j
  /// Adds the gradient of the tile's keys to dc, [Tk up to whole tiles] by key row, and keeps that
  /// of the queries for finish().
  void differentiate(const TilePair&, Square ds, real* dc) const;
  /// After the last tile: adds the gradient of the queries to dc.
  void finish(const QueryTile&, real* dc) const;

 private:
  double start_;              // C before the first query, subtracted from C_i and C_j
  real *queries_, *keys_;     // [side] C_i − start, C_j − start
  real *by_query_, *by_key_;  // [side], [side, lanes] sums of ds
};

/// Adds to the gradient of the gates of head h in sequence b, from dc.
void add_gate_gradient(const AttentionCall&, int b, int h, const real* dc);

}  // namespace yonder::fused
