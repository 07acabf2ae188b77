#pragma once
#include <string>
#include <utility>

#include "train/config/sweep_config.h"
#include "train/training/inputs.h"

namespace yonder {

/// A sweep that is run: its configuration, its plan and its inputs. Created once and passed by
/// reference, since cells point into its plan.
struct Experiment {
  /// Throws UsageError like plan_of().
  explicit Experiment(SweepConfig asked) : config(std::move(asked)), plan(plan_of(config)) {}
  Experiment(const Experiment&) = delete;
  Experiment& operator=(const Experiment&) = delete;

  const SweepConfig config;  ///< as requested
  const SweepPlan plan;      ///< derived from `config`
  const Inputs inputs;       ///< texts, read once
};

/// One model of a sweep.
struct Cell {
  const Variant* variant;  ///< its part of the sweep
  std::string encoding;    ///< as Row::encoding
  double lr;               ///< peak learning rate
  int seed;                ///< of weights and data
  RunConfig run;           ///< configuration of the training

  /// Also sets `run`.
  Cell(const Experiment&, const Variant&, std::string encoding, double lr, int seed);
};

}  // namespace yonder
