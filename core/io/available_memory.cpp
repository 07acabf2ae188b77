#include "core/io/available_memory.h"

#include <algorithm>
#include <cstdio>

#include "core/error.h"
#include "core/io/control_groups.h"
#include "core/tensor_pool.h"

namespace yonder {
namespace {

std::string gigabytes(double bytes) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g GB", bytes / 1e9);
  return text;
}

}  // namespace

double free_bytes() {
  return memory_left() + double(pool::system_bytes()) - double(pool::live_bytes());
}

void require_memory(double bytes, const std::string& advice) {
  const double free = free_bytes();
  if (bytes > free)
    throw UsageError("memory: this needs at least " + gigabytes(bytes) + ", and " +
                     gigabytes(std::max(0.0, free)) + " are free; " + advice);
}

}  // namespace yonder
