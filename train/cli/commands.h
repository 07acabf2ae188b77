#pragma once
#include <string>
#include <vector>

#include "train/system/exit_code.h"

/// \file
/// The verbs of the command line, one file each (NAME.cpp). A verb gets the arguments after
/// its name and returns the exit code. What a user can cause is thrown (core/error.h); main turns
/// it into one sentence on stderr and its exit code. Results go to stdout, all else to stderr.
namespace yonder {

using Arguments = std::vector<std::string>;

int train_verb(const Arguments&);
int eval_verb(const Arguments&);
int logits_verb(const Arguments&);
int ablate_verb(const Arguments&);
int report_verb(const Arguments&);
int bench_verb(const Arguments&);
int data_verb(const Arguments&);
int list_verb(const Arguments&);
int show_verb(const Arguments&);
int completion_verb(const Arguments&);

}  // namespace yonder
