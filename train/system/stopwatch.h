#pragma once
#include <chrono>
#include <ctime>
#include <functional>

namespace yonder {

/// Monotonic: setting the system clock does not affect it.
using Clock = std::chrono::steady_clock;

/// Wall-clock seconds since `start`.
inline double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// Wall-clock seconds that `work` takes.
inline double seconds_of(const std::function<void()>& work) {
  const Clock::time_point start = Clock::now();
  work();
  return seconds_since(start);
}

/// CPU seconds that this process has used.
inline double processor_seconds() { return double(std::clock()) / CLOCKS_PER_SEC; }

/// CPU seconds that `work` uses.
inline double processor_seconds_of(const std::function<void()>& work) {
  const double start = processor_seconds();
  work();
  return processor_seconds() - start;
}

}  // namespace yonder
