#include "core/parallel.h"

#include <omp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "core/io/cpu_quota.h"

namespace yonder {
namespace {

bool bound_by_libgomp = true;  // whether loops' threads stay bound, if the environment asks for it

}  // namespace

constinit Affinity affinity_at_start{};

void set_threads(int threads) { omp_set_num_threads(threads); }
int threads() { return omp_get_max_threads(); }

void set_default_threads() {
  // As in libgomp: the first number of a list counts, and anything else is ignored.
  const char* const wished = std::getenv("OMP_NUM_THREADS");
  if (wished && std::atoi(wished) > 0) return;
  if (const int quota = cpu_quota()) set_threads(std::min(threads(), quota));
}

void unbind() {
  if (affinity_at_start.bytes > 0)
    syscall(SYS_sched_setaffinity, 0, affinity_at_start.bytes, affinity_at_start.processors);
}

void unbind_all() {
  bound_by_libgomp = false;
  unbind();
}

void disable_nested_threads() {
  omp_set_num_threads(1);
  thread_local bool unbound = false;
  if (bound_by_libgomp || unbound) return;
  unbind();
  unbound = true;
}

}  // namespace yonder
