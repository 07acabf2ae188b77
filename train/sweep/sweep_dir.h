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

/// Makes the folder ready, empty of other sweeps or with the same one to continue, and locks it.
/// UsageError, before anything is changed, if it holds another sweep or what would be overwritten.
std::unique_ptr<FolderLock> open_sweep_dir(const Experiment&, const std::string& folder, Start,
                                           int threads);

/// What a cell ended with at an earlier time, as `path` holds it; none if that can't be read or is
/// of another training, whose folder was copied or renamed.
std::optional<CellResult> result_of(const Experiment&, const Cell&, const std::string& path);

}  // namespace yonder
