#pragma once
#include <span>

#include "core/autodiff.h"

/// \file
/// A gated recurrent unit run over time, with one batched matrix product per step.
///
///   r = σ(g_r + W_hr h + b_hr)   z = σ(g_z + W_hz h + b_hz)   n = tanh(g_n + r∘(W_hn h + b_hn))
///   h' = (1 − z)∘n + z∘h                 g = W_i x + b_i, the part that needs no recurrence
///
/// Cho et al. 2014, arXiv:1406.1078, with the gates in PyTorch's order r, z, n.
namespace yonder {

/// The order in which tokens are read.
enum class Direction { forward, backward };

/// Operands of gru(), in the notation above.
struct Gru {
  Var gates;   ///< g, [B, T, 3D]
  Var weight;  ///< W_h, [3D, D]
  Var bias;    ///< b_h, [3D]
  Var start;   ///< h before the first step, [B, D]; empty: zeros
  /// backward reads each sequence from its last real token to its first
  Direction direction = Direction::forward;
  std::span<const int> lengths;  ///< [B] non-padding tokens; empty: all T
};

/// The state after each step, [B, T, D]: row t is the state after reading token t. Padding rows are
/// finite but meaningless.
Var gru(const Gru&);

}  // namespace yonder
