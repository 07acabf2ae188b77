#pragma once
#include <string>
#include <vector>

#include "train/training/trainer.h"

/// \file
/// What a training leaves in checkpoints/ so that it can go on bit by bit, whenever it ended:
///
///   step-N.safetensors        the model (models/checkpoint.h)
///   step-N.state.safetensors  the optimizer's moments; gone when there are newer ones, as many as
///                             keep_checkpoints
///   step-N.json               manifest (models/manifest.h): configuration, sums, checksums
///   LATEST                    "step-N", always of a checkpoint that is whole
///
/// They are written in this order, each replaced in one step. Randomness and data are functions of
/// seed and step, so the step is all there is to say of them. Bits are exact in the float build;
/// the double one rounds what it saves.
namespace yonder {

/// Sums over a training, kept across its interruptions.
struct Totals {
  int step = 0;                    ///< of this training
  double loss = 0;                 ///< mean over its last 5 % of the steps, as far as it got
  double tokens = 0, seconds = 0;  ///< of training until then
  double speed = 0;                ///< tokens per second, an average that fades
};

/// The steps of training whose models stay by last_checkpoints, the last step first.
std::vector<int> late_steps(const RunConfig&);
/// Whether the model of a step of training stays: one of checkpoint_every or last_checkpoints, or
/// the last.
bool stays(const RunConfig&, int step);

/// The checkpoints of a run: written, read and removed.
class Checkpoints {
 public:
  /// `folder` is a run's. Nothing is read or written yet.
  Checkpoints(const std::string& folder, RunConfig config);

  /// Notes how a training is configured, before it has anything to keep.
  void begin(const Trained& run);
  /// Keeps the model as it is now and, unless training is over, what it needs to go on; then
  /// removes what is no longer needed. DiskError leaves all that was there.
  void save(const Trained& run, const AdamW&, const Totals&);
  /// The newest checkpoint into `run` and the trainer of it, whichever encoding was used; what
  /// a kill has left of a later one is removed. Totals of step 0 if there is none yet. UsageError,
  /// which names the key, if the folder's configuration is another one; FileError, which names the
  /// file and the way out, if a part of the checkpoint is damaged or lost: nothing is changed then.
  Totals restore(Trained& run, Trainer&) const;

  /// Path of the model after `step` steps of its life.
  std::string model(int step) const;

  /// The configuration of the run in `folder`, which train() continues. FileError if there is none
  /// that has begun.
  static RunConfig configuration(const std::string& folder);
  /// Path of the last model in `folder`; FileError if there is none.
  static std::string last_model(const std::string& folder);

 private:
  std::string place_;  // …/checkpoints/
  RunConfig config_;

  void prune(int before, int keep) const;
};

}  // namespace yonder
