#pragma once
#include <string>

#include "train/config/sweep_config.h"

/// \file
/// Configuration files: TOML (toml.io) with the sections
///   [model] [train] [data] [data.TASK] [encoding.NAME]   keys.h
///   [sweep]     encodings, eval_lengths, seeds, …: SweepConfig::fields() and lists()
///   [sweep.set] the axes: "train.lr" = [1e-3, 3e-3]
///   [[claim]] [[prediction]]   what a publication found, or theory predicts (claim.h)
/// and `title` and `source` at the top. A list where a text's path is asked for names candidates:
/// the first that is there is taken.
namespace yonder {

/// Reads a configuration over what `config` holds; what it does not name stays. `path` is the name
/// that errors give it. FileError with file, line and key for whatever is unknown or not allowed.
void apply_config(const std::string& toml, const std::string& path, SweepConfig& config);

/// The same for one run: a FileError if there is a [sweep].
void apply_config(const std::string& toml, const std::string& path, RunConfig& config);

/// Text that apply_config reads back to the same.
std::string to_toml(const RunConfig&);
/// The same of a sweep.
std::string to_toml(const SweepConfig&);

/// Whether the text of an earlier to_toml, in the file `path`, asks for the same sweep. A key that
/// it lacks is newer than the sweep in it and had its default there. FileError for what can't be
/// read, as a key that there is no longer.
bool same_sweep(const std::string& toml, const std::string& path, const SweepConfig&);

}  // namespace yonder
