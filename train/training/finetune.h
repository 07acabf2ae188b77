#pragma once
#include "train/training/session.h"

/// \file
/// Training that continues from a checkpoint at another length, with test-time options active: what
/// interpolated positions and fresh rows of a table need before they are worth what their papers
/// say (Chen et al. 2023, arXiv:2306.15595).
///
/// What N means afterwards. Formulas count from the trained length N (scalings, windows, log n),
/// and the new weights know them only as they were during fine-tuning. So:
/// - `model.length` stays the N of the first training. An option whose 0 means "by the length of
///   the test" gets the number that it had while fine-tuning (rope.factor 0 becomes L/N), so that
///   it holds at every length of a later test. The length of fine-tuning is `task.length`; the one
///   that N comes from stands in `task.from`.
/// - Only `beyond = random` makes a longer table: its fresh rows become rows like the others, R
///   and N grow to the new length, `beyond` goes back to what it was, and every formula counts from
///   the new N. A scaling, which would count from the old one, is refused beside it. `clamp`,
///   `wrap` and `hierarchical` train the rows that there are.
namespace yonder {

/// The configuration of a trained model, to be changed in length, training and test-time options
/// and handed to train() or resume_from_checkpoint(): model, encoding, task and seed are the
/// checkpoint's. `path` as load() takes it; of `options` the task's are those that loading needs
/// ("text.path" of a text that has moved), an encoding's are left to resume_from_checkpoint().
RunConfig config_from(const std::string& path, const Overrides& options = {}, const Inputs& = {});

/// The model of `config.from`, ready for training at `config.train_length`. UsageError for a model
/// or a task that is not the checkpoint's, an option that training has fixed, and a length at which
/// the encoding is not defined.
Trained resume_from_checkpoint(const RunConfig& config, const Inputs& = {});

}  // namespace yonder
