#include "core/io/available_memory.h"

#include <fmt/core.h>

#include <algorithm>

#include "core/error.h"
#include "core/io/control_groups.h"
#include "core/tensor_pool.h"

namespace yonder {
namespace {

std::string gigabytes(double bytes) { return fmt::format("{:.3g} GB", bytes / 1e9); }

}  // namespace

double free_bytes() {
  return memory_left() + double(pool::system_bytes()) - double(pool::live_bytes());
}

void require_memory(double bytes, const std::string& advice) {
  const double free = free_bytes();
  if (bytes > free)
    throw UsageError(fmt::format("memory: this needs at least {}, and {} are free; {}",
                                 gigabytes(bytes), gigabytes(std::max(0.0, free)), advice));
}

}  // namespace yonder
