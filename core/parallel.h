#pragma once
#include <cstdint>
#include <exception>

/// \file
/// The only door to OpenMP. Work is cut by its own size, never by the number of threads, so that
/// results are the same to the bit whatever that number is.
namespace yonder {

/// Number of threads of all parallel loops from now on, at least 1.
void set_threads(int threads);
int threads();  ///< their number of threads

/// Sets it for as long as this lives.
class WithThreads {
 public:
  /// All loops in its scope run in this many threads.
  explicit WithThreads(int threads) : before_(yonder::threads()) { set_threads(threads); }
  ~WithThreads() { set_threads(before_); }
  WithThreads(const WithThreads&) = delete;
  WithThreads& operator=(const WithThreads&) = delete;

 private:
  int before_;
};

/// Makes threads() what it is where nobody says a number: OMP_NUM_THREADS, or the processors that
/// this process may use, no more than its control group has time for.
void set_default_threads();

/// The processors that the process could use when it began, before OMP_PROC_BIND or OMP_PLACES made
/// libgomp bind its first thread to one of them: a mask as the kernel has it. core/startup notes
/// it; in programs without that there are no `bytes`.
struct Affinity {
  unsigned long processors[128];  ///< one bit each
  long bytes;                     ///< length of the mask; 0: unknown
};
extern Affinity affinity_at_start;  ///< set before main()

/// Lets the calling thread run on those processors again, for other programs that it starts.
/// Async-signal-safe.
void unbind();

/// Lets this process run on those processors again, and each of its threads from the next loop on:
/// a fork of a process whose first thread is bound would compete for that one's processor.
void unbind_all();

/// From here to the end of the parallel region around it, the calling thread starts no others.
void work_alone();

/// Calls f(i) for each i of 0..n-1, in no particular order. The calls must not depend on each
/// other. What f calls runs in one thread: work_alone() tells oneDNN too, which would otherwise
/// start its own threads in a region of one and sum in an order that depends on their number. Of
/// what the calls throw, that of the least i is thrown again, whatever the number of threads.
template <class F>
void parallel_for(std::int64_t n, F&& f) {
  std::exception_ptr failed;
  std::int64_t at = n;  // which call it is of
#pragma omp parallel if (n > 1)
  {
    work_alone();
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
