#pragma once
#include <vector>

#include "core/attention/tile_pair.h"

/// \file
/// Decays of the columns of keys (Wall attention):
///   s_ij = Σ_c q_ic k_jc e^(P_ic − P_jc)     P_t = Σ_{u ≤ t} log_decay_u ≤ 0
/// All exponents that are formed are ≤ 0. Keys of a tile are kept as they look from its last token,
/// queries as from the first one of theirs, so tiles that lie apart differ by one factor a column.
/// Where a tile's queries and keys mix, products are carried leftwards a token at a time.
namespace yonder::fused {

/// Keys of a call with their decays, [B·H, Tk up to whole tiles, wide(dk)].
struct PackedDecay {
  Tensor k;                  ///< k_j e^(P_end − P_j), end the last token of j's tile
  Tensor fade;               ///< e^(P_end − P_j)
  Tensor gate;               ///< e^log_decay_j, 1 beyond the end
  std::vector<double> ends;  ///< [B·H, tiles, wide(dk)] P of the last token of each tile

  explicit PackedDecay(const AttentionCall&);  ///< computes them
};

/// A tile of queries among them.
class Decay {
 public:
  Decay(const QueryTile&, const PackedDecay&, Workspace&);  ///< of the call's packed keys
  /// What the constructor takes from the Workspace.
  static std::size_t reals(const AttentionCall& call) {
    return std::size_t(7 * side + 2) * (wide(call.dk) + 16) + side * side + 16;
  }

  /// s = scale · Σ_c q_ic k_jc e^(P_ic − P_jc)
  void dot_products(const TilePair&, Square s);
  /// Adds to dq, and to dk of the keys of the tile, both [side, wide(dk)].
  void differentiate(const TilePair&, Square ds, real* dq, real* dk);
  /// After the last tile: adds the rest to dq, and q ∘ dq to dP [Tk up to whole tiles, wide(dk)].
  void finish(real* dq, real* dsums) const;

 private:
  const QueryTile& queries_;
  const PackedDecay& packed_;
  int width_, keys_, own_;     // columns; keys of the sequence; key row of the first query
  std::vector<double> start_;  // P of the first query's token, from where the queries look
  real *grown_, *faded_;       // [side, width] e^(P_i − start), q_i times that
  real *turned_, *scaled_;     // [width, side] faded_ turned; the same for the present tile
  real *plain_, *sum_, *dq_;   // [side, width] buffers; gradient of faded_
  real* seen_;                 // [key, query] of ds
  real *factor_, *passed_;     // [width]

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

/// Of one part of head h in sequence b: takes k ∘ dk from dP, which had q ∘ dq.
void take_keys(const AttentionCall&, int b, int h, const real* dk, real* dsums);
/// Adds to the gradient of log_decay, Σ_{t ≥ u} dP_t.
void add_decay_gradient(const AttentionCall&, int b, int h, const real* dsums);

}  // namespace yonder::fused
