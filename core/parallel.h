#pragma once
#include <cstdint>
#include <exception>

/// \file
/// The only use of OpenMP. Work is split by its size, never by the number of threads, so results
/// are bit-identical for any number of threads.
namespace yonder {

/// Sets the number of threads, at least 1, of all parallel loops from now on.
void set_threads(int threads);
int threads();  ///< number of threads of parallel loops

/// Sets the number of threads while it is alive.
class WithThreads {
 public:
  /// Loops in its scope run with this many threads.
  explicit WithThreads(int threads) : before_(yonder::threads()) { set_threads(threads); }
  ~WithThreads() { set_threads(before_); }
  WithThreads(const WithThreads&) = delete;
  WithThreads& operator=(const WithThreads&) = delete;

 private:
  int before_;
};

/// Sets the default number of threads: OMP_NUM_THREADS, or else the processors that this process
/// may use, at most the CPU quota of its cgroup.
void set_default_threads();

/// The processors that the process could use at its start, before OMP_PROC_BIND or OMP_PLACES made
/// libgomp bind its first thread to one of them, as the kernel's mask. Recorded by core/startup; in
/// programs without it, `bytes` is 0.
struct Affinity {
  unsigned long processors[128];  ///< one bit each
  long bytes;                     ///< length of the mask; 0: unknown
};
extern Affinity affinity_at_start;  ///< set before main()

/// Lets the calling thread run on those processors again, e.g. before it starts other programs.
/// Async-signal-safe.
void unbind();

/// The same for the calling thread now and every thread from the next loop on: a fork of a process
/// whose first thread is bound would otherwise compete for that thread's processor.
void unbind_all();

/// Keeps the calling thread from starting others until the end of the enclosing parallel region.
void disable_nested_threads();

/// Calls f(i) for each i of 0..n-1, in no particular order. The calls must not depend on each
/// other. What f calls runs in one thread: disable_nested_threads() affects oneDNN too, which would
/// otherwise start its own threads in a region of one and sum in an order that depends on their
/// number. If calls throw, the exception of the smallest i is rethrown, whatever the number of
/// threads.
template <class F>
void parallel_for(std::int64_t n, F&& f) {
  std::exception_ptr failed;
  std::int64_t at = n;  // the i of `failed`
#pragma omp parallel if (n > 1)
  {
    disable_nested_threads();
#pragma omp for schedule(dynamic)
    for (std::int64_t i = 0; i < n; ++i) {
      try {
        f(i);
      } catch (...) {
#pragma omp critical(yonder_parallel_for)
        if (i < at) at = i, failed = std::current_exception();
      }
    }
  }
  if (failed) std::rethrow_exception(failed);
}

}  // namespace yonder
