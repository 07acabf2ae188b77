#pragma once
namespace yonder {

/// The whole program behind a command line, whose first word is the program's name. Returns what
/// main() returns, an ExitCode (train/system/exit_code.h); errors are one sentence on stderr.
int run_program(int count, char** words);

}  // namespace yonder
