#pragma once
#include <algorithm>

#include "datasets/dataset.h"
#include "models/transformer.h"

namespace yonder {

/// How a model sees a task's batch. `longest` is L: of a training N, of a test its longest
/// sequence.
inline Pass pass_of(const Batch& batch, int longest, Draws* draws = nullptr) {
  Pass pass{.batch = batch.size,
            .tokens = batch.extent,
            .longest = longest,
            .digits = batch.digits,
            .draws = draws};
  const auto full = [&](int length) { return length == batch.extent; };
  if (!std::all_of(batch.lengths.begin(), batch.lengths.end(), full)) pass.lengths = batch.lengths;
  return pass;
}

}  // namespace yonder
