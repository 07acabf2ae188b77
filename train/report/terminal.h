#pragma once
#include <string>

#include "train/report/table.h"
#include "train/results/study.h"

namespace yonder {

/// What a sweep ends with: the tables, what was seen in words, which row is better than which and
/// in how many seeds, what became of published claims, where page and data are, and three commands
/// to continue with. `folder` holds the sweep.
std::string report(const Study&, const std::string& folder, const TerminalStyle&);

/// A word of a command as the shell reads it back.
std::string shell_word(const std::string& text);

}  // namespace yonder
