#pragma once
#include <string>
#include <vector>

#include "train/system/exit_code.h"

/// \file
/// The commands, one file each (NAME.cpp). A command gets the arguments after
/// its name and returns the exit code. What a user can cause is thrown (core/error.h); main turns
/// it into one sentence on stderr and its exit code. Results go to stdout, all else to stderr.
namespace yonder {

using Arguments = std::vector<std::string>;

int train_command(const Arguments&);
int eval_command(const Arguments&);
int logits_command(const Arguments&);
int sample_command(const Arguments&);
int export_command(const Arguments&);
int sweep_command(const Arguments&);
int report_command(const Arguments&);
int bench_command(const Arguments&);
int data_command(const Arguments&);
int list_command(const Arguments&);
int show_command(const Arguments&);
int check_command(const Arguments&);
int completion_command(const Arguments&);

}  // namespace yonder
