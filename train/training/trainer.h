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
  /// Several ranks take each step together, with the shards of its batch among them.
  explicit Trainer(Trained& run, ranks::Communicator comm = {});

  struct Step {
    double loss, lr, grad_norm;  ///< as Metrics'
    int tokens;                  ///< of the batch, without padding
  };
  /// Step s = 1, 2, … of this training: a batch that the model has not seen, its gradient, an
  /// update. DivergedError before the update if the loss or the gradient is not finite.
  Step step(int s);

  /// Switches to the encoding that step s has, if it is not yet there.
  void switch_encoding_at(int s);

  AdamW& optimizer() { return optimizer_; }
  /// Model and optimizer become rank 0's, after `steps` steps of this training.
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
