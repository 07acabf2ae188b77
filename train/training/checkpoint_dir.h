#pragma once
#include <string>
#include <vector>

#include "train/training/trainer.h"

/// \file
/// What a training keeps in checkpoints/ to resume bit for bit, whenever it ended:
///
///   step-N.safetensors        the model (models/checkpoint.h)
///   step-N.state.safetensors  the optimizer's moments; removed once there are keep_checkpoints
///                             newer ones
///   step-N.json               manifest (models/manifest.h): configuration, totals, checksums
///   LATEST                    "step-N", always of a complete checkpoint
///
/// They are written in this order, each by atomic replace. Randomness and data are functions of
/// seed and step, so the step alone determines them. Resuming is bit-exact in the float build; the
/// double build rounds what it saves.
namespace yonder {

/// Totals of a training, kept across its interruptions.
struct Totals {
  int step = 0;                    ///< of this training
  double loss = 0;                 ///< mean over the last 5 % of the steps; until then partial
  double tokens = 0, seconds = 0;  ///< of training so far
  double speed = 0;                ///< tokens per second, exponential moving average
};

/// The steps of training whose models last_checkpoints keeps, the last step first.
std::vector<int> late_steps(const RunConfig&);
/// Whether the model of a training step is kept, by checkpoint_every or last_checkpoints, which
/// includes the last step.
bool stays(const RunConfig&, int step);

/// Writes, reads and removes the checkpoints of a run.
class Checkpoints {
 public:
  /// `folder` is a run's. Nothing is read or written yet.
  Checkpoints(const std::string& folder, RunConfig config);

  /// Records the configuration of a training that has no checkpoint yet.
  void begin(const Trained& run);
  /// Saves the model and, unless training is over, what it needs to resume; then removes
  /// files not needed any more. Throws DiskError, which leaves all earlier checkpoints.
  void save(const Trained& run, const AdamW&, const Totals&);
  /// Restores the newest checkpoint into `run` and its trainer, whichever encoding was active, and
  /// removes what a kill left of a later one. Returns totals of step 0 if there is none yet. Throws
  /// UsageError naming the key if the folder's configuration differs; FileError naming the file and
  /// a way out, before any change, if part of the checkpoint is damaged or missing.
  Totals restore(Trained& run, Trainer&) const;

  /// Path of the model after `step` steps in total, including an earlier training.
  std::string model(int step) const;

  /// The configuration of the run in `folder`, which train() resumes. Throws FileError if none has
  /// begun.
  static RunConfig configuration(const std::string& folder);
  /// Path of the last model in `folder`. Throws FileError if there is none.
  static std::string last_model(const std::string& folder);

 private:
  std::string place_;  // …/checkpoints/
  RunConfig config_;

  void prune(int before, int keep) const;
};

}  // namespace yonder
