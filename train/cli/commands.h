#pragma once
#include <string>
#include <vector>

#include "train/system/exit_code.h"

/// \file
/// The commands, one file each (NAME.cpp; show in list.cpp). A command gets the arguments after its
/// name and returns the exit code. User errors are thrown (core/error.h); run_program() turns them
/// into one sentence on stderr and an exit code. Results go to stdout, everything else to stderr.
namespace yonder {

/// The arguments after a command's name.
using Arguments = std::vector<std::string>;

/// @{
/// The command of this name.
ExitCode train_command(const Arguments&);
ExitCode eval_command(const Arguments&);
ExitCode logits_command(const Arguments&);
ExitCode search_command(const Arguments&);
ExitCode sample_command(const Arguments&);
ExitCode export_command(const Arguments&);
ExitCode sweep_command(const Arguments&);
ExitCode report_command(const Arguments&);
ExitCode bench_command(const Arguments&);
ExitCode data_command(const Arguments&);
ExitCode list_command(const Arguments&);
ExitCode show_command(const Arguments&);
ExitCode check_command(const Arguments&);
ExitCode completion_command(const Arguments&);
/// @}

}  // namespace yonder
