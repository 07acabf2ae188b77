#pragma once
#include <string>

#include "train/results/panel.h"

namespace yonder {

/// " (2 of 3)" if only some of the seeds have a value, else "": the heading states the number of
/// seeds.
std::string counted(const Results&, const Spread&);

/// "1.63", or "98.4" with Measure::percent: the format of tables and sentences.
std::string shown(double value, const Measure&);

/// All evaluation lengths and bins, separated by `between`.
std::string lengths_of(const Results&, const std::string& between);
/// "a", "a and b", "a, b and c".
std::string listed(const std::vector<std::string>& names);

/// Text for terminals and pages, with a "?" for each control character and for each byte that is
/// not valid UTF-8.
std::string printable(const std::string&);
/// A task or panel with its settings, without their owners: "copy (alphabet 2, base@0 100)".
/// `settings` are separated by ", " or ':'.
std::string with_settings(const std::string& name, const std::string& settings);
/// 12345678 as "12,345,678".
std::string grouped(std::int64_t n);

}  // namespace yonder
