#include "train/sweep/flop_count.h"

#include <algorithm>

#include "train/training/memory_estimate.h"

namespace yonder {

FlopCount::FlopCount(const RunConfig& run, const Inputs& inputs) {
  Trained untrained = prepare(run, inputs);
  dims_ = untrained.model->dims();
  task_ = std::move(untrained.task);
}

double FlopCount::forward(int length) const {
  const double T = task_->tokens(length), D = dims_.width;
  const int depth = dims_.layers * dims_.block.loops;
  return T * depth * (weights_of_layer(dims_) + (dims_.causal ? 1 : 2) * D * T);
}

double FlopCount::training(int length, int batch, int steps) const {
  double of_sequence = forward(length);
  if (!task_->is_text()) {  // lengths are uniform from 1 to N
    of_sequence = 0;
    for (int l = 1; l <= length; ++l) of_sequence += forward(l) / length;
  }
  return 3.0 * steps * batch * of_sequence;
}

double FlopCount::test(const EvalSpec& spec) const {
  return task_->sequences(spec) * forward((spec.shortest() + spec.length) / 2);
}

double FlopCount::bytes(const RunConfig& run, int longest) const {
  // Processes were measured to use 2.3 to 2.7 times the minimum that their training needs.
  return 25e6 + 2.5 * std::max(training_bytes(dims_, run.at_once()),
                               testing_bytes(dims_, task_->tokens(longest)));
}

}  // namespace yonder
