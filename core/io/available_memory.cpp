#include "core/io/available_memory.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <limits>

#include "core/error.h"
#include "core/io/files.h"
#include "core/tensor_pool.h"

namespace yonder {
namespace {

std::string gigabytes(double bytes) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g GB", bytes / 1e9);
  return text;
}

// The number that follows `name` in a file of the kernel, 0 if there is none ("max").
double number_after(const std::string& path, const std::string& name) {
  std::string text;
  try {
    text = read_file(path);
  } catch (const FileError&) { return 0; }
  const std::size_t at = text.find(name);
  return at == text.npos ? 0 : std::strtod(text.c_str() + at + name.size(), nullptr);
}

}  // namespace

double free_bytes() {
  const double unused = double(pool::system_bytes()) - double(pool::live_bytes());
  const double available = 1024 * number_after("/proc/meminfo", "MemAvailable:");
  // In a container's own view its group lies at the root.  kernel.org, cgroup-v2, "Memory"
  const std::string group = "/sys/fs/cgroup/memory.";
  const double limit = number_after(group + "max", ""),
               used = number_after(group + "current", "") -
                      number_after(group + "stat", "inactive_file ");  // given back when needed
  double most = std::numeric_limits<double>::infinity();
  if (available > 0) most = std::min(most, available);
  if (limit > 0) most = std::min(most, limit - used);
  return most + unused;
}

void require_memory(double bytes, const std::string& advice) {
  const double free = free_bytes();
  if (bytes > free)
    throw UsageError("memory: this needs at least " + gigabytes(bytes) + ", and " +
                     gigabytes(std::max(0.0, free)) + " are free; " + advice);
}

}  // namespace yonder
