#pragma once
#include "train/results/panel.h"

/// \file
/// What attention did, over the heads and seeds of a row.
namespace yonder {

/// A number of all heads of all seeds: median and range.
Spread over_heads(const Results&, const Row&, int length, double HeadLook::*);

/// How the models of a row look at a length: Gaze::mixed unless more than half agree.
struct SharedGaze {
  Gaze gaze = Gaze::mixed;  ///< of more than half of the seeds
  int seeds = 0, of = 0;    ///< that do so, of those observed
};
/// Of one row at one length; `of` is 0 where it was not observed.
SharedGaze gaze_of(const Results&, const Row&, int length);

/// "Attention at 16×: ALiBi and KERPLE look near; NoPE spreads; RoPE looks sharply at wrong far
/// tokens."; "" where nothing was observed. Of rows without overrides, at the longest length.
std::string where_it_looks(const Results&);

}  // namespace yonder
