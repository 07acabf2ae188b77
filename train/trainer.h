#pragma once
#include "train/optimizer.h"
#include "train/run.h"
#include "train/schedule.h"

namespace yonder {

/// Takes the steps of a training, one by one.
class Trainer {
 public:
  explicit Trainer(Trained& run);

  struct Step {
    double loss, lr, grad_norm;  ///< as Metrics'
    int tokens;                  ///< of the batch, without padding
  };
  /// Step s = 1, 2, … of this training: a batch that the model has not seen, its gradient, an
  /// update. DivergedError before the update if the loss or the gradient is no longer a number.
  Step step(int s);

  AdamW& optimizer() { return optimizer_; }

 private:
  Trained& run_;
  int before_;  // steps of an earlier training
  AdamW optimizer_;
  Schedule schedule_;
};

}  // namespace yonder
