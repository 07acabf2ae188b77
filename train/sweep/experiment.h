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

  const SweepConfig config;  ///< as asked for
  const SweepPlan plan;      ///< what follows from it
  const Inputs inputs;       ///< texts, read once
};

/// One model of a sweep.
struct Cell {
  const Variant* variant;  ///< its part of the sweep
  std::string encoding;    ///< as Row::encoding
  double lr;               ///< peak learning rate
  int seed;                ///< of weights and data
  RunConfig run;           ///< the training

  /// One run of the experiment.
  Cell(const Experiment&, const Variant&, std::string encoding, double lr, int seed);
};

}  // namespace yonder
