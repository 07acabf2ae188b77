#pragma once
#include <string>

#include "train/results/panel.h"

namespace yonder {

/// " (2 of 3)" where fewer seeds have a number than were asked for, else "": the heading speaks of
/// all.
std::string counted(const Results&, const Spread&);

/// "1.63", or with Measure::percent "98.4": as table and sentences show it.
std::string shown(double value, const Measure&);

/// All evaluation lengths and bins.
std::string lengths_of(const Results&, const std::string& between);
/// "a", "a and b", "a, b and c".
std::string listed(const std::vector<std::string>& names);

/// Text for terminals and pages: a "?" for each control character, and for each byte that is not
/// UTF-8.
std::string printable(const std::string&);

}  // namespace yonder
