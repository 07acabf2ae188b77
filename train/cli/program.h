#pragma once
namespace yonder {

/// Runs the program with the arguments of main() and returns main()'s result, an ExitCode
/// (train/system/exit_code.h). Errors are one sentence on stderr.
int run_program(int count, char** words);

}  // namespace yonder
