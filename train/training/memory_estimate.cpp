#include "train/training/memory_estimate.h"

#include "core/real.h"

namespace yonder {
namespace {

double parameters(const Dims& dims) {
  return dims.layers * weights_of_layer(dims) + 2.0 * dims.vocabulary * dims.width;
}

}  // namespace

double weights_of_layer(const Dims& dims) {
  const double D = dims.width, K = double(dims.kv_heads()) * dims.head();
  return 2 * D * D + 2 * D * K + (dims.block.act == Activation::swiglu ? 3 : 2) * D * dims.mlp;
}

double training_bytes(const Dims& dims, int batch) {
  const double D = dims.width, K = double(dims.kv_heads()) * dims.head(), F = dims.mlp,
               tokens = double(batch) * dims.trained;
  // Per layer: two normed inputs, the residual sum (unless parallel), q, k, v, z, the activation's
  // input (two for swiglu) and, except for gelu without bias, its output. Then logits and their
  // gradients.
  const BlockDesign& block = dims.block;
  const bool beside = block.act == Activation::relu2 || block.bias == Biased::all;
  const int hidden = block.act == Activation::swiglu ? 3 : beside ? 2 : 1;
  const int residual = block.place == NormPlace::parallel ? 4 : 5;
  const double activations =
      tokens *
      (dims.layers * block.loops * (residual * D + 2 * K + hidden * F) + 2.0 * dims.vocabulary);
  const double checkpoint = 2 * sizeof(float) * parameters(dims);  // the moments in a file
  return sizeof(real) * (4 * parameters(dims) + activations) + checkpoint;
}

double testing_bytes(const Dims& dims, int tokens) {
  const double D = dims.width;
  return sizeof(real) * (parameters(dims) + tokens * 6 * D);
}

}  // namespace yonder
