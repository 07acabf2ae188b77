#pragma once
#include <vector>

#include "core/attention/tile_pair.h"

/// \file
/// Decay of the columns of q·k (Wall attention):
///   s_ij = Σ_c q_ic k_jc e^(P_ic − P_jc)     P_t = Σ_{u ≤ t} log_decay_u ≤ 0
/// All exponents are ≤ 0. Keys are stored relative to the last token of their tile, queries
/// relative to the first token of theirs, so disjoint tiles need only one more factor per column.
/// If queries and keys overlap, products are carried leftwards one token at a time.
namespace yonder::fused {

/// Keys of a call with decays, [B·H, Tk up to whole tiles, wide(dk)].
struct PackedDecay {
  Tensor k;                  ///< k_j e^(P_end − P_j), end the last token of j's tile
  Tensor fade;               ///< e^(P_end − P_j)
  Tensor gate;               ///< e^log_decay_j, 1 beyond the end
  std::vector<double> ends;  ///< [B·H, tiles, wide(dk)] P of the last token of each tile

  explicit PackedDecay(const AttentionCall&);  ///< computes them
};

/// A tile of queries with decays.
class Decay {
 public:
  Decay(const QueryTile&, const PackedDecay&, Workspace&);  ///< for the call's packed keys
  /// Reals that the constructor takes from the Workspace.
  static std::size_t reals(const AttentionCall& call) {
    return std::size_t(7 * side + 2) * (wide(call.dk) + 16) + side * side + 16;
  }

  /// s = scale · Σ_c q_ic k_jc e^(P_ic − P_jc)
  void dot_products(const TilePair&, Square s);
  /// Adds to dq, and to dk of the keys of the tile, both [side, wide(dk)].
  void differentiate(const TilePair&, Square ds, real* dq, real* dk);
  /// After the last tile: completes dq and adds q ∘ dq to dP [Tk up to whole tiles, wide(dk)].
  void finish(real* dq, real* dsums) const;

 private:
  const QueryTile& queries_;
  const PackedDecay& packed_;
  int width_, keys_, own_;      // columns; keys of the sequence; key row of the first query
  std::vector<double> start_;   // P of the first query's token, the queries' reference
  real *grown_, *faded_;        // [side, width] e^(P_i − start), q_i times that
  real *transposed_, *scaled_;  // [width, side] faded_ transposed; scaled for the current tile
  real *plain_, *sum_, *dq_;    // [side, width] buffers; gradient of faded_
  real* seen_;                  // [key, query] ds of visible pairs
  real *factor_, *passed_;      // [width]

  std::int64_t row(int key) const {
    return (std::int64_t(queries_.b) * queries_.call.H + queries_.h) * packed_.k.dim(1) + key;
  }
  const real* gate(int key) const { return &packed_.gate[row(key) * width_]; }
  bool apart(const TilePair& pair) const { return pair.keys.first + pair.keys.count - 1 <= own_; }
  void write_factor(const TilePair&);
  void mixed_products(const TilePair&, Square s);
  const real* seen_of(const TilePair&, Square ds);
  void mixed_queries(const TilePair&, const real* ds, real* dq) const;
  void mixed_keys(const TilePair&, const real* ds, real* dk) const;
};

/// For one part of head h in sequence b: subtracts k ∘ dk from dP, which already has q ∘ dq.
void take_keys(const AttentionCall&, int b, int h, const real* dk, real* dsums);
/// Adds to the gradient of log_decay, Σ_{t ≥ u} dP_t.
void add_decay_gradient(const AttentionCall&, int b, int h, const real* dsums);

}  // namespace yonder::fused
