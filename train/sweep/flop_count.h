#pragma once
#include "train/training/session.h"

/// \file
/// Counts the operations of a run before it starts. The counts are good for relative costs, not for
/// times (see cost_model.h): what an encoding adds is left out.
///
///   forward over T tokens:   T · layers · (4D² + 2DF + DT) multiply-adds, 2DT if bidirectional;
///                            3DF for swiglu, less than 4D² for fewer k and v heads; times r loops
///   a step of training:      three times the forward pass of its batch
///   Kaplan et al. 2020, arXiv:2001.08361, sec. 2.1
namespace yonder {

/// Multiply-adds of a run, by the formulas above.
class FlopCount {
 public:
  /// Throws UsageError and FileError like prepare().
  explicit FlopCount(const RunConfig&, const Inputs& = {});

  /// Of `steps` training steps of `batch` sequences each.
  double training(int length, int batch, int steps) const;
  /// Of an evaluation.
  double test(const EvalSpec&) const;
  /// Approximate memory of a process that trains the model and evaluates it at `longest`.
  double bytes(const RunConfig&, int longest) const;

 private:
  std::unique_ptr<Task> task_;
  Dims dims_;

  double forward(int length) const;  // of a sequence of `length` items
};

}  // namespace yonder
