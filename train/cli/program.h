#pragma once
#include "train/system/exit_code.h"

namespace yonder {

/// The whole program behind a command line, whose first word is the program's name. Returns its
/// exit code; errors are one sentence on stderr.
ExitCode run_program(int count, char** words);

}  // namespace yonder
