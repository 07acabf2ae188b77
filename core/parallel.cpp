#include "core/parallel.h"

#include <omp.h>
#include <unistd.h>

#include <cstdlib>

namespace yonder {

void set_threads(int threads) { omp_set_num_threads(threads); }
int threads() { return omp_get_max_threads(); }
void work_alone() { omp_set_num_threads(1); }

void restart_with_short_waits(char** argv) {
  if (std::getenv("GOMP_SPINCOUNT") || std::getenv("OMP_WAIT_POLICY")) return;
  setenv("GOMP_SPINCOUNT", "300", 1);  // some µs
  execv("/proc/self/exe", argv);       // where that fails, go on as we are: slower, not wrong
}

}  // namespace yonder
