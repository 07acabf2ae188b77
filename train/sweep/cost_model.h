#pragma once
#include <cstdint>

#include "train/sweep/sweep_run.h"

/// \file
/// What a cell is likely to take.
namespace yonder {

/// With one thread, as far as a few steps tell.
struct Cost {
  double step = 0, test = 0;                             ///< seconds: of a step, of all tests
  double bytes = 0;                                      ///< at most, at once
  std::int64_t parameters = 0, position_parameters = 0;  ///< all, and those of positions
  int depth = 0;                                         ///< layers times loops

  /// Seconds of a whole training.
  double training(const Cell& cell) const { return step * cell.variant->base.steps; }
};

/// Takes three steps, the first of which fetches memory and is not counted, and tests a few
/// sequences at each length in each row. Processor time is what counts: a machine that is busy with
/// other things would make it look many times longer.
Cost measured(const Experiment&, const Cell&);

/// Seconds until `workers` have done all jobs of so many seconds, the longest first, each job going
/// to the next that is free. Scheduling takes `scheduling` seconds for each, one after the other.
///   Graham 1969, SIAM J. Appl. Math. 17: at most 4/3 of the best order.
double makespan(std::vector<double> jobs, int workers, double scheduling);

}  // namespace yonder
