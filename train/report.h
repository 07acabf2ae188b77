#pragma once
#include <string>
#include <vector>

#include "train/study.h"
#include "train/table.h"

namespace yonder {

/// What a sweep ends with: the tables, what was seen in words, where pictures and data are, and
/// three commands to go on with. `folder` holds the sweep, `pictures` are paths of its plots.
std::string report(const Study&, const std::string& folder,
                   const std::vector<std::string>& pictures, const Look&);

/// Three commands that a curious person would try next, ready to paste.
std::vector<std::string> next_commands(const Study&, const std::string& folder);

}  // namespace yonder
