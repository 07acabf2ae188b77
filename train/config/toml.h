#pragma once
#include <string>

#include "train/config/sweep_config.h"

/// \file
/// Configuration files: TOML (toml.io) with the sections
///   [model] [train] [data] [data.TASK] [encoding.NAME]   keys.h
///   [sweep]     encodings, eval_lengths, seeds, …: SweepConfig::fields() and lists()
///   [sweep.set] the axes: "train.lr" = [1e-3, 3e-3]
///   [[claim]] [[prediction]]   what a publication found, or theory predicts (claim.h)
/// and `title` and `source` at the top. A list in place of a text's path names candidates: the
/// first that exists is used.
namespace yonder {

/// Applies a configuration on top of `config`; what it does not name stays. Errors call it `path`.
/// Throws FileError with file, line and key for anything unknown or not allowed.
void apply_config(const std::string& toml, const std::string& path, SweepConfig& config);

/// The same for one run. Also throws FileError if there is a [sweep], [[claim]] or [[prediction]].
void apply_config(const std::string& toml, const std::string& path, RunConfig& config);

/// Text that apply_config reads back to the same configuration.
std::string to_toml(const RunConfig&);
/// The same for a sweep.
std::string to_toml(const SweepConfig&);

/// Whether the text of an earlier to_toml, in the file `path`, describes the same sweep. A key that
/// it lacks was introduced later and counts as its default. Throws FileError if it can't be read,
/// e.g. because a key no longer exists.
bool same_sweep(const std::string& toml, const std::string& path, const SweepConfig&);

}  // namespace yonder
