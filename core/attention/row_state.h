#pragma once
#include <optional>

#include "core/attention/contextual.h"
#include "core/attention/forget_gate.h"
#include "core/attention/stick_breaking.h"

namespace yonder::fused {

/// What a tile of queries takes along from one tile of keys to the next, where the call has it.
struct Carried {
  std::optional<Contextual> contextual;
  std::optional<Gates> gates;
  std::optional<Sticks> sticks;

  Carried(const QueryTile&, Workspace&);
  static std::size_t reals(const Plan&);

  /// s = the scores of a tile, −∞ where hidden; with contextual terms walks the tile. `spare` as in
  /// dot_products().
  void scores(const TilePair&, Square s, Square spare);
};

}  // namespace yonder::fused
