#pragma once
#include <string>
#include <utility>

#include "train/config/sweep_config.h"
#include "train/training/inputs.h"

namespace yonder {

/// A sweep as it is carried out: what it is asked for, what it consists of, and what it has read.
/// It is made once and handed by reference, since cells point into its plan.
struct Experiment {
  /// UsageError as plan_of().
  explicit Experiment(SweepConfig asked) : config(std::move(asked)), plan(plan_of(config)) {}
  Experiment(const Experiment&) = delete;
  Experiment& operator=(const Experiment&) = delete;

  const SweepConfig config;
  const SweepPlan plan;
  const Inputs inputs;
};

/// One model of a sweep.
struct Cell {
  const Variant* variant;
  std::string encoding;  ///< as Row::encoding
  double lr;
  int seed;
  RunConfig run;  ///< the training

  Cell(const Experiment&, const Variant&, std::string encoding, double lr, int seed);
};

}  // namespace yonder
