#pragma once
#include <string>

#include "train/report/table.h"

namespace yonder {

/// What the run or sweep in `folder` is, where it stands, and its results as far as there are any.
/// FileError if it holds neither.
std::string describe_run(const std::string& folder, const TerminalStyle&);

}  // namespace yonder
