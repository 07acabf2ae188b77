#pragma once
#include <cstdint>

#include "train/sweep/sweep_run.h"

/// \file
/// Estimated cost of a cell.
namespace yonder {

/// On one thread, estimated from a few steps.
struct Cost {
  double step = 0, test = 0;                             ///< seconds: of a step, of all evaluations
  double bytes = 0;                                      ///< peak memory
  std::int64_t parameters = 0, position_parameters = 0;  ///< all, and positional ones
  int depth = 0;                                         ///< layers × loops

  /// Seconds of a whole training.
  double training(const Cell& cell) const { return step * cell.variant->base.steps; }
};

/// Times three training steps, and the evaluation of a few sequences at each length in each row,
/// each after a warm-up round that is not counted unless it is long. Measures processor time, since
/// wall time would be many times longer on a busy machine.
Cost measured(const Experiment&, const Cell&);

/// Seconds until `workers` workers have finished `jobs` (seconds each), the longest first, each on
/// the next free worker. Scheduling takes `scheduling` seconds per job, one after the other.
///   Graham 1969, SIAM J. Appl. Math. 17: at most 4/3 of the best order.
double makespan(std::vector<double> jobs, int workers, double scheduling);

}  // namespace yonder
