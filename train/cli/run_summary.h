#pragma once
#include <string>

#include "train/report/table.h"

namespace yonder {

/// Describes the run or sweep in `folder`: what it is, its progress, and its results so far. Throws
/// FileError if it holds neither.
std::string describe_run(const std::string& folder, const TerminalStyle&);

}  // namespace yonder
