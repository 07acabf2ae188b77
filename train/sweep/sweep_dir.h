#pragma once
#include <memory>
#include <optional>
#include <string>

#include "core/io/files.h"
#include "train/results/study.h"
#include "train/sweep/experiment.h"
#include "train/sweep/sweep.h"

/// \file
/// A sweep's folder: whether it may be used, and what in it is finished.
namespace yonder {

/// Locks the folder, made ready for a new sweep or for resuming the same one. Throws UsageError,
/// before anything is changed, if it holds another sweep or files that would be overwritten.
std::unique_ptr<FolderLock> open_sweep_dir(const Experiment&, const std::string& folder, Start,
                                           int threads);

/// The result of a cell from an earlier call, read from `path`; empty if it can't be read or
/// belongs to another training, whose folder was copied or renamed.
std::optional<CellResult> result_of(const Experiment&, const Cell&, const std::string& path);

}  // namespace yonder
