#pragma once
#include <algorithm>
#include <cmath>
#include <numbers>

namespace yonder {

/// The learning rate of step s = 1..steps: linear warm-up from 0 to `peak`, then half a cosine down
/// to `end`·peak at the last step, constant afterwards.  Loshchilov & Hutter 2017,
/// arXiv:1608.03983, eq. 5
///
///   s ≤ warmup:  peak · s/warmup
///   else:        peak · (r + (1 − r)(1 + cos(π x))/2),  x = (s − warmup)/(steps − warmup)
struct Schedule {
  double peak = 1e-3;              ///< highest rate
  int warmup = 100, steps = 2000;  ///< steps of the warm-up; of all
  double end = 0.1;                ///< r

  /// The rate of a step, counted from 1.
  double operator()(int step) const {
    if (step <= warmup) return peak * step / warmup;
    const double x = std::min(1.0, double(step - warmup) / (steps - warmup));
    return peak * (end + (1 - end) * (1 + std::cos(std::numbers::pi * x)) / 2);
  }
};

}  // namespace yonder
