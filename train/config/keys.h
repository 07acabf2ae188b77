#pragma once
#include <string>

#include "train/config/run_config.h"

/// \file
/// The keys of a run's configuration, one name for each thing that can be chosen, in configuration
/// files (as section and key) and in sweeps:
///   model.encoding model.width …    data.task data.length data.copy.alphabet
///   train.lr train.from …           encoding.rope.base
/// `data.` and `encoding.` may be left away before an option of a task or an encoding; `encoding`,
/// `task` and `length` stand for themselves. `encoding.rope@0-2.base` is the option of some layers'
/// rope (encodings/base/encoding.h).
namespace yonder {

/// Sets one key. UsageError for a key that is not known, with the nearest that is, and for a value
/// that it does not take.
void set_key(RunConfig&, const std::string& key, const std::string& value);

/// The key in its full form: "rope.base" becomes "encoding.rope.base". UsageError if it is not
/// known.
std::string full_key(const std::string& key);

/// Whose option it is: "rope" of "encoding.rope.base", "copy" of "data.copy.alphabet"; "" else.
std::string owner_of(const std::string& full_key);

}  // namespace yonder
