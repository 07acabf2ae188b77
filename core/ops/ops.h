#pragma once
#include <span>
#include <vector>

#include "core/autodiff.h"

/// \file
/// The differentiable operations, except attention, each with its forward and backward pass in one
/// function. Mismatched shapes are programming errors and fail an assert.
namespace yonder {

// elementwise.cpp
/// Elementwise; b has the shape of a, or a suffix of it (broadcast over the leading axes).
Var operator+(const Var& a, const Var& b);
Var operator-(const Var& a, const Var& b);  ///< like +
Var operator*(const Var& a, const Var& b);  ///< elementwise, like +
Var operator*(real s, const Var& x);        ///< every element times s
Var tanh(const Var& x);                     ///< hyperbolic tangent
Var sigmoid(const Var& x);                  ///< 1/(1 + e^−x)
Var relu(const Var& x);                     ///< max(x, 0)
Var exp(const Var& x);                      ///< e^x
Var log1p(const Var& x);                    ///< ln(1 + x)
Var softplus(const Var& x);                 ///< ln(1 + e^x)
/// gelu(x) = x/2 (1 + tanh(√(2/π) (x + 0.044715 x³))).  Hendrycks & Gimpel 2016, arXiv:1606.08415
Var gelu(const Var& x);

Var relu2(const Var& x);  ///< max(x, 0)².  So et al. 2021, arXiv:2109.08668
/// silu(a) · b, silu(a) = a σ(a), elementwise; a and b have the same shape.  Shazeer 2020,
/// arXiv:2002.05202
Var silu_gate(const Var& a, const Var& b);

// linear.cpp
/// y = x Wᵀ.  x [.., K], W [N, K], y [.., N]
Var linear(const Var& x, const Var& weight);
/// y = x Wᵀ + b.  b [N]
Var linear(const Var& x, const Var& weight, const Var& bias);

// mlp.cpp
/// y = gelu(x Uᵀ) Dᵀ.  x [.., K], U [F, K], D [N, F], y [.., N]. The only intermediate saved is
/// x Uᵀ, and not even that if no gradient is needed.
Var mlp(const Var& x, const Var& up, const Var& down);

// norm.cpp
/// (x − mean)/√(variance + 1e-5) · weight + bias over the last axis, biased variance.  Ba et al.
/// 2016
Var layer_norm(const Var& x, const Var& weight, const Var& bias);
/// x/√(mean x² + 1e-5) · weight over the last axis.  Zhang & Sennrich 2019, arXiv:1910.07467
Var rms_norm(const Var& x, const Var& weight);

// normalized.cpp
Var l2_normalized(const Var& x);   ///< x/√(Σ x² + 1e-6) over the last axis
Var rms_normalized(const Var& x);  ///< x/√(mean x² + 1e-6) over the last axis

// loss.cpp
/// Mean cross-entropy in nats over the rows whose target is ≥ 0, a scalar. logits [.., V], one
/// target per row. Returns 0 if there is no target ≥ 0.
Var cross_entropy(const Var& logits, std::span<const int> targets);

/// Per row of logits, for evaluation: the loss in nats if its target is ≥ 0, else 0; the most
/// likely token, the first on ties. Not recorded on the tape.
struct TokenLoss {
  std::vector<real> loss;   ///< [rows]
  std::vector<int> argmax;  ///< [rows]
};
TokenLoss token_losses(const Tensor& logits, std::span<const int> targets);  ///< logits [rows, V]

// reshape.cpp
Var reshape(const Var& x, Shape shape);  ///< same size; shares storage, not recorded
/// y[i] = table[which[i]], 0 where which[i] < 0. → [n, ..]
Var gather(const Var& table, std::span<const int> which);
Var concat(const std::vector<Var>& parts, int axis);  ///< joined along `axis`; other extents equal
/// Indices first..first+extent−1 along `axis`.
Var slice(const Var& x, int axis, int first, int extent);
/// x [B, T, K, d] → [B, T, heads, d], head h being x's head ⌊h K/heads⌋.  Ainslie et al. 2023,
/// arXiv:2305.13245
Var repeat_heads(const Var& x, int heads);
Var sum(const Var& x);                  ///< of all elements, a scalar
Var outer(const Var& a, const Var& b);  ///< [M] × [N] → [M, N]

// rotate.cpp
/// Rotation of pairs of columns in each head by an angle that depends on the token.
/// (x, y) → (x cos − y sin, x sin + y cos);  x [B, T, H, d];  cos, sin [T or B·T, pairs].
/// interleaved: pair m is columns (2m, 2m+1), else (m, m + pairs); columns past 2·pairs are kept.
struct Rotation {
  Tensor cos, sin;          ///< of each pair's angle, [T or B·T, pairs]
  bool interleaved = true;  ///< pairs are adjacent columns
};
Var rotate(const Var& x, const Rotation& by);  ///< x [B, T, H, d]
/// The same with gradients for cos and sin, [B or 1, T, H or 1, pairs], which need not satisfy
/// cos² + sin² = 1.
Var rotate(const Var& x, const Var& cos, const Var& sin, bool interleaved);

}  // namespace yonder
