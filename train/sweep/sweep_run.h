#pragma once
#include <string>
#include <vector>

#include "train/results/study.h"
#include "train/sweep/experiment.h"
#include "train/system/process_pool.h"

/// \file
/// One model of a sweep: its training, and its tests in each row that shares it.
namespace yonder {

/// The text as the name of a folder: letters, digits, '-', '_', '.' and '+', and where something
/// else or more than fits is replaced, a checksum that keeps names different.
std::string folder_name(const std::string& text);
/// Whether folder_name() may have made it, a seed behind it.
bool is_folder_name(const std::string& text);

/// "rope-text-s0"; with what the sweep varies, "rope-text-width64-lr0.001-s0".
std::string name_of(const Experiment&, const Cell&);

/// Which training it is, without what it took.
Training training_of(const Experiment&, const Cell&);

/// Whether an encoding of the run, in any layer and at any time, has a part of that name.
bool has_component(const RunConfig&, const std::string& part);

/// How many of its checkpoints a row of the cell tests.
int tested_checkpoints(const Experiment&, const Cell&, const Row&);

/// What a cell refuses, asked before anything is trained: UsageError, FileError.
void check(const Experiment&, const Variant&);

/// The panels of one variant, in the order of tests and protocols, without scores.
std::vector<Results> panels_of(const Experiment&, const Variant&);

/// Trains into `folder`, or continues what is there, and measures the loss on validation data:
/// trial.json, written last. Returns what stands in it.
std::string try_cell(const Experiment&, const Cell&, const std::string& folder,
                     const ProgressCallback&);

/// Trains into `folder`, or continues what is there, and tests: scores.json; DONE, written last.
/// Returns the scores as they stand in scores.json.
std::string run_cell(const Experiment&, const Cell&, const std::string& folder,
                     const ProgressCallback&);

/// A curve over positions or steps as a cell keeps it: the means of at most 64 equal parts, each
/// over the numbers that are there; NaN where a part has none.
std::vector<double> downsample(const std::vector<double>&);

}  // namespace yonder
