#pragma once
#include <string>
#include <vector>

#include "train/results/study.h"
#include "train/sweep/experiment.h"
#include "train/system/process_pool.h"

/// \file
/// One model of a sweep: its training, and its evaluation in each row that shares it.
namespace yonder {

/// A folder name for the text: letters, digits, '-', '_', '.' and '+'. Where other characters are
/// replaced or the text is cut, a checksum keeps names distinct.
std::string folder_name(const std::string& text);
/// Whether it may be a folder_name(), also with a seed after it.
bool is_folder_name(const std::string& text);

/// "rope-text-s0"; with what the sweep varies, "rope-text-width64-lr0.001-s0".
std::string name_of(const Experiment&, const Cell&);

/// The training of a cell without its cost: identifies the run.
Training training_of(const Experiment&, const Cell&);

/// The settings that all runs of a panel share and Training has no field for: of the model, the
/// training and the task, what affects results.
Overrides shared_settings(const Experiment&, const RunConfig&);

/// Whether an encoding of the run, in any layer and at any time, has a component of that name.
bool has_component(const RunConfig&, const std::string& part);

/// How many of the cell's checkpoints are evaluated in a row.
int tested_checkpoints(const Experiment&, const Cell&, const Row&);

/// Throws UsageError or FileError if a cell of the variant can't run, before anything is trained.
void check(const Experiment&, const Variant&);

/// The panels of one variant, in the order of tests and protocols, without scores.
std::vector<Results> panels_of(const Experiment&, const Variant&);

/// Trains into `folder`, or resumes what is there, and measures the validation loss: trial.json,
/// written last. Returns its content.
std::string try_cell(const Experiment&, const Cell&, const std::string& folder,
                     const ProgressCallback&);

/// Trains into `folder`, or resumes what is there, and evaluates: scores.json; DONE, written last.
/// Returns the content of scores.json.
std::string run_cell(const Experiment&, const Cell&, const std::string& folder,
                     const ProgressCallback&);

/// A curve over positions or steps as a cell stores it: the means over at most 64 equal segments,
/// ignoring NaN; NaN if a segment has nothing else.
std::vector<double> downsample(const std::vector<double>&);

}  // namespace yonder
