#pragma once
#include <span>

#include "core/autodiff.h"

namespace yonder {

/// What stands where a window leaves its sequence of n real tokens: zeros; the sequence itself,
/// indices mod n; or nothing is computed there and the row stays 0.
enum class ConvPadding { zero, circular, none };

/// Alignment of the kernel, padding and lengths.
struct Conv {
  int anchor = 0;                           ///< a: the column of the kernel that meets x_t
  ConvPadding padding = ConvPadding::zero;  ///< at both ends of a sequence
  std::span<const int> lengths;             ///< [B] n, tokens without padding; empty: all T
};

/// Depthwise convolution over time, as PyTorch's conv1d with groups = D:
///   y[b, t, c] = Σ_m w[c, m] x[b, t + m − a, c]        x [B, T, D], w [D, K]
/// Rows of padding are 0 and nothing is read from them.
Var depthwise(const Var& x, const Var& weight, const Conv&);

}  // namespace yonder
