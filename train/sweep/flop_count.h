#pragma once
#include "train/training/session.h"

/// \file
/// Where the work of a run lies, counted before any of it is done. It says how much longer one part
/// takes than another, not how long (cost_model.h has that): what an encoding adds is left out.
///
///   forward over T tokens:   T · layers · (4D² + 2DF + DT) multiply-adds, 2DT if bidirectional;
///                            3DF for swiglu, fewer than 4D² for few heads of k and v; r times that
///   a step of training:      three times that of its batch
///   Kaplan et al. 2020, arXiv:2001.08361, sec. 2.1
namespace yonder {

/// Multiply-adds of a run, by the formulas above.
class FlopCount {
 public:
  /// UsageError and FileError as prepare().
  explicit FlopCount(const RunConfig&, const Inputs& = {});

  /// Of so many steps, each of `batch` sequences.
  double training(int length, int batch, int steps) const;
  /// Of an evaluation.
  double test(const EvalSpec&) const;
  /// What a process that trains it, and tests it at a length, takes of memory, about.
  double bytes(const RunConfig&, int longest) const;

 private:
  std::unique_ptr<Task> task_;
  Dims dims_;

  double forward(int length) const;  // of a sequence of so many items
};

}  // namespace yonder
