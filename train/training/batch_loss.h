#pragma once
#include <algorithm>

#include "core/ops/ops.h"
#include "datasets/base/dataset.h"
#include "models/transformer.h"

namespace yonder {

/// How a model sees a task's batch. `longest` is L: N in training, the longest sequence in an
/// evaluation.
inline Pass pass_of(const Batch& batch, int longest, RandomStream* draws = nullptr) {
  Pass pass{.batch = batch.size,
            .tokens = batch.extent,
            .longest = longest,
            .digits = batch.digits,
            .draws = draws};
  const auto full = [&](int length) { return length == batch.extent; };
  if (!std::all_of(batch.lengths.begin(), batch.lengths.end(), full)) pass.lengths = batch.lengths;
  return pass;
}

/// The first position of a batch that has any target, 0 if none has: no loss depends on the last
/// layer's output before it. targets [B, T]
inline int first_target(const Batch& batch, std::span<const int> targets) {
  for (int t = 0; t < batch.extent; ++t)
    for (int b = 0; b < batch.size; ++b)
      if (targets[std::size_t(b * batch.extent + t)] >= 0) return t;
  return 0;
}

/// The mean loss of a batch over its targets.
inline Var mean_loss(Transformer& model, const Batch& batch, const Placed& at) {
  const int first = first_target(batch, batch.targets);
  std::vector<int> targets;
  for (auto row = batch.targets.begin(); row != batch.targets.end(); row += batch.extent)
    targets.insert(targets.end(), row + first, row + batch.extent);
  return cross_entropy(model.logits(batch.tokens, at, first), targets);
}

}  // namespace yonder
