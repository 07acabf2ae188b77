#pragma once
#include <string>
#include <vector>

#include "train/results/panel.h"

namespace yonder {

/// What was seen, in plain sentences made from the numbers.
std::vector<std::string> summarize(const Results&);

}  // namespace yonder
