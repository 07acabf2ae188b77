#pragma once
#include <optional>

#include "core/attention/contextual.h"
#include "core/attention/decay.h"
#include "core/attention/entmax.h"
#include "core/attention/forget_gate.h"
#include "core/attention/path.h"
#include "core/attention/stick_breaking.h"

namespace yonder::fused {

/// Precomputed from all keys of a call, for products that are more than q·k.
struct PackedProducts {
  std::optional<PackedDecay> decay;  ///< wall
  std::optional<PackedPath> path;    ///< PaTH

  explicit PackedProducts(const AttentionCall&);  ///< computes those that the call has
};

/// State that a query tile carries from one key tile to the next, if the call has it.
struct Carried {
  std::optional<Contextual> contextual;         ///< CoPE
  std::optional<Gates> gates;                   ///< FoX
  std::optional<StickBreaking> stick_breaking;  ///< stick-breaking
  std::optional<Entmax> entmax;                 ///< entmax
  std::optional<Decay> decay;                   ///< wall
  std::optional<Path> path;                     ///< PaTH

  Carried(const QueryTile&, const PackedProducts&, Workspace&);  ///< before the first tile of keys
  static std::size_t reals(
      const AttentionCall&);  ///< reals that the constructor takes from the Workspace

  /// s = the scores of a tile, −∞ where hidden; also walks contextual terms. `spare` as in
  /// dot_products().
  void scores(const TilePair&, Square s, Square spare);
};

}  // namespace yonder::fused
