#pragma once
#include <vector>

#include "train/report/chart.h"
#include "train/results/across_tasks.h"

/// \file
/// Charts of rows across tasks.
namespace yonder {

/// Mean rank over the tasks at each multiple of the training length at which all of the headline's
/// tasks were evaluated, for the rows that rank best at the headline multiple, as many as one chart
/// has room for; without lines if that is the only one. The list must not be empty.
Chart mean_ranks(const std::vector<AtMultiple>&, const Palette&);
/// Performance profile: the share of runs whose score is above τ, over τ, for the rows with the
/// best interquartile means, as many as one chart has room for. Agarwal et al. 2021, sec. 4.2.
Chart performance_profile(const AtMultiple&, const Palette&);

}  // namespace yonder
