#pragma once
#include <string>

#include "train/report/table.h"
#include "train/results/study.h"

namespace yonder {

/// What a sweep prints at its end: tables, findings in words, the ranking and in how many seeds it
/// holds, verdicts on claims and predictions, failures, paths of page and data, and up to three
/// commands to run next. `folder` is the sweep's.
std::string report(const Study&, const std::string& folder, const TerminalStyle&);

/// Quotes a word of a command for the shell.
std::string shell_word(const std::string& text);

}  // namespace yonder
