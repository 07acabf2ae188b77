#pragma once
#include <string>

#include "datasets/base/documents.h"
#include "train/config/run_config.h"

namespace yonder {

/// The files that a run reads besides its configuration: a line with path and checksum for each
/// option that names a text ("text.path"). Ranks compare it, since the same path may be a different
/// file on another machine. Throws FileError if a file can't be read.
std::string fingerprint(const RunConfig&, const Corpora&);

}  // namespace yonder
