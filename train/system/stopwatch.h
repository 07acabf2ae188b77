#pragma once
#include <chrono>
#include <ctime>
#include <functional>

namespace yonder {

/// Steady: a clock that is set does not disturb it.
using Clock = std::chrono::steady_clock;

/// Wall time.
inline double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// Wall-clock seconds that `work` takes.
inline double seconds_of(const std::function<void()>& work) {
  const Clock::time_point start = Clock::now();
  work();
  return seconds_since(start);
}

/// Seconds that the processors have been at work for this process.
inline double processor_seconds() { return double(std::clock()) / CLOCKS_PER_SEC; }

/// The same while it does `work`.
inline double processor_seconds_of(const std::function<void()>& work) {
  const double start = processor_seconds();
  work();
  return processor_seconds() - start;
}

}  // namespace yonder
