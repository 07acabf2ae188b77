#include "core/parallel.h"

#include <omp.h>

namespace yonder {

void set_threads(int threads) { omp_set_num_threads(threads); }
int threads() { return omp_get_max_threads(); }
void work_alone() { omp_set_num_threads(1); }

}  // namespace yonder
