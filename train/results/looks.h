#pragma once
#include "train/results/panel.h"

/// \file
/// Statistics of attention over the heads and seeds of a row.
namespace yonder {

/// Median and range of a statistic over all heads of all seeds.
Spread over_heads(const Results&, const Row&, int length, double HeadStatistics::*);

/// The attention pattern of most models of a row at one length: AttentionPattern::mixed unless more
/// than half agree.
struct SharedGaze {
  AttentionPattern pattern = AttentionPattern::mixed;  ///< of more than half of the seeds
  int seeds = 0, of = 0;                               ///< seeds with it, of those observed
};
/// For one row at one length; `of` is 0 if it was not observed.
SharedGaze gaze_of(const Results&, const Row&, int length);

/// "Attention at 16×: ALiBi and KERPLE look near; NoPE spreads; RoPE looks sharply at wrong far
/// tokens."; "" if nothing was observed. For rows without overrides, at the longest length.
std::string where_it_looks(const Results&);

}  // namespace yonder
