#pragma once
#include <string>

#include "core/parameters.h"

/// \file
/// The two kinds of layer in a Transformer besides attention, real or complex. A complex
/// vector is stored as [re, im], twice as wide; the weights of an imaginary part are named
/// "imaginary." + name.  Wang et al. 2020, arXiv:1912.12333
namespace yonder {

/// Real vectors, or complex ones as [re, im].
enum class Numbers { plain, complex };

/// y = W x + b, W [out, in]; complex: W = A + iB, re' = A re − B im, im' = B re + A im.
struct Linear {
  Var weight, imaginary;  ///< A, B; B is empty in a real model
  Var bias = {};          ///< b [out], or empty

  /// W ~ N(0, deviation²); the two parts of a complex W have half that variance each.
  static Linear make(Parameters&, const std::string& name, int out, int in, double deviation,
                     Numbers);
  /// The same, real, with b initialised to 0.
  static Linear with_bias(Parameters&, const std::string& name, int out, int in, double deviation);
  /// x [.., in] or [.., 2·in] → [.., out] or [.., 2·out].
  Var operator()(const Var& x) const;
  /// W as a real matrix: [[A, −B], [B, A]] if complex.
  Var matrix() const;
  /// The real values A re + B im, [.., out].
  Var real_part(const Var& x) const;
};

/// LayerNorm, or RMSNorm, which has no bias; complex: re and im are normalised separately, each
/// with its own weight and bias.
struct Norm {
  Var weight, bias, imaginary_weight, imaginary_bias;  ///< [D]

  /// Weights start at 1, biases at 0.
  static Norm make(Parameters&, const std::string& name, int width, Numbers);
  /// RMSNorm for a real model.
  static Norm rms(Parameters&, const std::string& name, int width);
  Var operator()(const Var& x) const;  ///< x [.., D] or [.., 2D]
};

/// [B, T, D] → [B, T, H, d], head h has columns h·d..(h+1)·d−1; complex: [B, T, 2D] →
/// [B, T, H, 2d], so that the dot product of heads is Re⟨q, conj k⟩ = q_re·k_re + q_im·k_im.
Var split_heads(const Var& x, int heads, Numbers);
/// The inverse.
Var join_heads(const Var& x, Numbers);

}  // namespace yonder
