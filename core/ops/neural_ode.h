#pragma once
#include "core/autodiff.h"

namespace yonder {

/// A two-layer, time-dependent flow, dp/dt = h(p, t):
///   h(p, t) = W_out [relu(W_in [p; t] + b_in); t] + b_out
struct Flow {
  Var in_weight, in_bias;    ///< [D, D+1], [D]; the last column is for t
  Var out_weight, out_bias;  ///< [D, D+1], [D]
  double dt = 0.1;           ///< time from one position to the next
  int substeps = 1;          ///< Runge-Kutta steps between two positions
};

/// p(0), p(dt), …, p((n−1)·dt) of each row of `start` [L, D], as [n, L, D], by the classical
/// fourth-order Runge-Kutta method. The backward pass goes through its steps, so the gradient is
/// exact for the discretised solution. Rows are independent; time is kept in double.
Var trajectory(const Var& start, const Flow&, int n);

}  // namespace yonder
