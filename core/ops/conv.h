#pragma once
#include <span>

#include "core/autodiff.h"

namespace yonder {

/// What a window reads outside its sequence of n real tokens: zeros; the sequence itself, indices
/// mod n; or nothing: the row is not computed and stays 0.
enum class ConvPadding { zero, circular, none };

/// Alignment of the kernel, padding and lengths.
struct Conv {
  int anchor = 0;                           ///< a: the kernel column aligned with x_t
  ConvPadding padding = ConvPadding::zero;  ///< at both ends of a sequence
  std::span<const int> lengths;             ///< [B] n, non-padding tokens; empty: all T
};

/// Depthwise convolution over time, like PyTorch's conv1d with groups = D:
///   y[b, t, c] = Σ_m w[c, m] x[b, t + m − a, c]        x [B, T, D], w [D, K]
/// Padding rows are 0 and are never read.
Var depthwise(const Var& x, const Var& weight, const Conv&);

}  // namespace yonder
