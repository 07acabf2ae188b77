#include "train/memory.h"

#include <unistd.h>

#include <cstdio>

#include "core/error.h"
#include "core/real.h"

namespace yonder {
namespace {

std::string gigabytes(double bytes) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g GB", bytes / 1e9);
  return text;
}

double parameters(const Dims& dims) {
  const double V = dims.vocabulary, D = dims.width, F = dims.mlp;
  return dims.layers * (4 * D * D + 2 * D * F) + 2 * V * D;
}

}  // namespace

double training_bytes(const Dims& dims, int batch) {
  const double D = dims.width, F = dims.mlp, tokens = double(batch) * dims.trained;
  // Of each layer: two normed inputs, q, k, v, z, the sum between, and both sides of gelu.
  const double activations = tokens * dims.layers * (7 * D + 2 * F);
  return sizeof(real) * (4 * parameters(dims) + activations);
}

double testing_bytes(const Dims& dims, int tokens) {
  const double D = dims.width, F = dims.mlp;
  return sizeof(real) * (parameters(dims) + tokens * (2 * D + std::max(4 * D, 2 * F)));
}

void require_memory(double bytes, const std::string& advice) {
  const double present = double(sysconf(_SC_PHYS_PAGES)) * double(sysconf(_SC_PAGE_SIZE));
  if (bytes > present)
    throw UsageError("memory: this needs at least " + gigabytes(bytes) + ", the machine has " +
                     gigabytes(present) + "; " + advice);
}

}  // namespace yonder
