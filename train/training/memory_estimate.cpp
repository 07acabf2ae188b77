#include "train/training/memory_estimate.h"

#include "core/real.h"

namespace yonder {
namespace {

double parameters(const Dims& dims) {
  const double V = dims.vocabulary, D = dims.width, F = dims.mlp;
  return dims.layers * (4 * D * D + 2 * D * F) + 2 * V * D;
}

}  // namespace

double training_bytes(const Dims& dims, int batch) {
  const double D = dims.width, F = dims.mlp, tokens = double(batch) * dims.trained;
  // Of each layer: two normed inputs, q, k, v, z, the sum between, and what goes into gelu; at the
  // end logits and their gradients.
  const double activations = tokens * (dims.layers * (7 * D + F) + 2.0 * dims.vocabulary);
  const double checkpoint = 2 * sizeof(float) * parameters(dims);  // the moments as a file
  return sizeof(real) * (4 * parameters(dims) + activations) + checkpoint;
}

double testing_bytes(const Dims& dims, int tokens) {
  const double D = dims.width;
  return sizeof(real) * (parameters(dims) + tokens * 6 * D);
}

}  // namespace yonder
