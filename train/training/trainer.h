#pragma once
#include <optional>

#include "core/simd/matmul.h"
#include "train/training/adamw.h"
#include "train/training/data_parallel.h"
#include "train/training/lr_schedule.h"
#include "train/training/session.h"

namespace yonder {

/// Takes the steps of a training, one by one.
class Trainer {
 public:
  /// Several ranks take each step together and share the shards of its batch.
  explicit Trainer(Trained& run, ranks::Communicator comm = {});

  /// Result of one step.
  struct Step {
    double loss, lr, grad_norm;  ///< as in Metrics
    int tokens;                  ///< of the batch, without padding
  };
  /// Takes step s = 1, 2, … of this training: a new batch, its gradient, an update. Throws
  /// DivergedError before the update if loss or gradient, after it if a parameter is not finite.
  Step step(int s);

  /// Switches to the encoding of step s, if that has not happened yet.
  void switch_encoding_at(int s);

  /// The optimizer, for checkpoints.
  AdamW& optimizer() { return optimizer_; }
  /// Copies rank 0's model and optimizer, after `steps` steps of this training, to all ranks.
  void broadcast(int steps);

 private:
  Trained& run_;
  ranks::Communicator comm_;
  int before_;  // steps of an earlier training
  bool changed_ = false;
  AdamW optimizer_;
  Schedule schedule_;
  Precision precision_;
  std::optional<Shards> shards_;  // if there are several

  void share();
  double forward_backward(const Batch&, int s, double weight);
  double update(int s, double lr);
};

}  // namespace yonder
