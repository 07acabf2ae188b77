#pragma once
#include <string>
#include <vector>

#include "train/results/panel.h"

namespace yonder {

/// The findings of a panel in plain sentences, generated from its scores.
std::vector<std::string> summarize(const Results&);

}  // namespace yonder
