#pragma once
#include "train/results/panel.h"

/// \file
/// What attention did, over the heads and seeds of a row.
namespace yonder {

/// A number of all heads of all seeds: median and range.
Spread over_heads(const Results&, const Row&, int length, double HeadLook::*);

/// How the models of a row look at a length: what most seeds do, Gaze::mixed where no two agree.
struct SharedGaze {
  Gaze gaze = Gaze::mixed;
  int seeds = 0, of = 0;  ///< that do so, of those observed
};
SharedGaze gaze_of(const Results&, const Row&, int length);

/// "At 16×, RoPE looks sharply at wrong far tokens, NoPE spreads, ALiBi and KERPLE look near."; ""
/// where nothing was observed. Of rows without overrides, at the longest length.
std::string where_it_looks(const Results&);

}  // namespace yonder
