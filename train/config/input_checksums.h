#pragma once
#include <string>

#include "datasets/base/documents.h"
#include "train/config/run_config.h"

namespace yonder {

/// What a run reads beside its configuration: a line with path and checksum for each option that
/// names a text ("text.path"). Ranks compare it: the same path may be another file on
/// another machine. FileError for what can't be read.
std::string fingerprint(const RunConfig&, const Corpora&);

}  // namespace yonder
