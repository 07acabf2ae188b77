#pragma once
#include "train/training/session.h"

/// \file
/// Fine-tuning of a checkpoint at another length, with inference-time overrides active, which
/// interpolated positions and fresh rows of a table need to perform as their papers report (Chen et
/// al. 2023, arXiv:2306.15595).
///
/// What N means afterwards. Formulas depend on the trained length N (scalings, windows, log n), and
/// the new weights know them only as they were during fine-tuning. So:
/// - `model.length` stays the N of the first training. An option whose 0 means "by the evaluation
///   length" keeps the value that it had during fine-tuning (rope.factor 0 becomes L/N) at every
///   later evaluation length. The length of fine-tuning is `task.length`; the one that N comes from
///   is in `task.from`.
/// - Only `beyond = random` makes a longer table: its fresh rows become ordinary rows, R and N grow
///   to the new length, `beyond` returns to its former value, and every formula uses the new N. A
///   scaling, which would use the old one, is refused in combination. `clamp`, `wrap` and
///   `hierarchical` train the existing rows.
namespace yonder {

/// The configuration of a trained model: model, encoding, task and seed are the checkpoint's. Its
/// length, training and inference-time options may be changed before train() or
/// resume_from_checkpoint(). `path` is as in load(). Of `options`, those of the task are applied in
/// loading ("text.path" of a moved text); an encoding's are left to resume_from_checkpoint().
RunConfig config_from(const std::string& path, const Overrides& options = {}, const Inputs& = {});

/// The model of `config.from`, ready for training at `config.train_length`. Throws UsageError if
/// model or task differ from the checkpoint's, for an option that training has fixed, and for a
/// length at which the encoding is undefined.
Trained resume_from_checkpoint(const RunConfig& config, const Inputs& = {});

}  // namespace yonder
