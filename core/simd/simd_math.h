#pragma once
/// Vectors are kept in arrays and have a constant size, which ARM's SVE vectors can't have.
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)
/// Disables Highway's run-time dispatch: with it, functions are compiled for ARM with AES and can't
/// be inlined if -march does not include AES.
#define TOOLCHAIN_MISS_SYS_AUXV_H
#include <hwy/highway.h>
// After highway.h, which it depends on.
#include <hwy/contrib/math/math-inl.h>

#include "core/real.h"

/// \file
/// Elementwise functions of a vector of `real`. They are function objects, so that loops which are
/// passed one can inline it. Stated errors are for f32; f64 uses Highway's functions, accurate to
/// 1e-15.
namespace yonder {

namespace hn = hwy::HWY_NAMESPACE;
constexpr hn::ScalableTag<real> lanes;  ///< Highway's tag of a full vector
using Vec = hn::Vec<decltype(lanes)>;   ///< one SIMD register

inline Vec vec(real x) { return hn::Set(lanes, x); }  ///< x in every lane

inline constexpr auto plus = [](Vec a, Vec b) { return hn::Add(a, b); };   ///< a + b
inline constexpr auto times = [](Vec a, Vec b) { return hn::Mul(a, b); };  ///< a b

/// Calls g(i, f(i)) for i in first..last−1 in steps of `step`, in order, with f evaluated four at a
/// time. Each evaluation is latency-bound and the out-of-order window too short to overlap the next
/// one; interleaving four hides the latency.
template <class Index, class F, class G>
void by_fours(Index first, Index last, Index step, const F& f, const G& g) {
  for (; first + 3 * step < last; first += 4 * step) {
    decltype(f(first)) x[4];
#pragma GCC unroll 4
    for (int k = 0; k < 4; ++k) x[k] = f(first + k * step);
#pragma GCC unroll 4
    for (int k = 0; k < 4; ++k) g(first + k * step, x[k]);
  }
  for (; first < last; first += step) g(first, f(first));
}

#ifdef YONDER_DOUBLE
inline constexpr real least_exponent = -708.39, largest_exponent = 709.78;  ///< e^x is normal
#else
inline constexpr real least_exponent = -87.3365f, largest_exponent = 88.3762f;  ///< e^x is normal
#endif

/// e^x to a relative error of 1.5e-7, x from `least_exponent` to `largest_exponent`.
///   e^x = 2^n e^r,  n = round(x/ln 2),  r = x − n ln 2 in two parts;  e^r = 1 + r + r² P(r) with P
///   from Cephes (Moshier 1992), expf
/// Adding 1.5 · 2^23 rounds x/ln 2 and leaves n in the lowest bits, which are added to the
/// exponent of e^r. P is evaluated in pairs (Estrin's scheme), for shorter dependency chains.
inline constexpr auto exp_within = [](Vec x) {
#ifdef YONDER_DOUBLE
  return hn::IfThenElse(hn::IsNaN(x), x, hn::Exp(lanes, x));
#else
  const Vec high = vec(12582912.f), shifted = hn::MulAdd(x, vec(1.44269504f), high);
  const Vec n = hn::Sub(shifted, high);
  const Vec r = hn::NegMulAdd(n, vec(-2.12194440e-4f), hn::NegMulAdd(n, vec(0.693359375f), x));
  const Vec r2 = hn::Mul(r, r);
  const auto pair = [r](float a, float b) { return hn::MulAdd(vec(a), r, vec(b)); };
  Vec p = pair(1.9875691500e-4f, 1.3981999507e-3f);
  p = hn::MulAdd(p, r2, pair(8.3334519073e-3f, 4.1665795894e-2f));
  p = hn::MulAdd(p, r2, pair(1.6666665459e-1f, 5.0000001201e-1f));
  const Vec e = hn::Add(hn::MulAdd(p, r2, r), vec(1));
  const hn::RebindToSigned<decltype(lanes)> bits;
  const auto power = hn::ShiftLeft<23>(hn::BitCast(bits, shifted));
  return hn::BitCast(lanes, hn::Add(hn::BitCast(bits, e), power));
#endif
};

/// e^x to a relative error of 1.5e-7, with x clamped to the range of `exp_within`.
inline constexpr auto bounded_exp_of = [](Vec x) {
  return exp_within(hn::Max(hn::Min(x, vec(largest_exponent)), vec(least_exponent)));
};

/// e^x to a relative error of 1.5e-7; 0 below `least_exponent`, ∞ above `largest_exponent`, NaN
/// for NaN.
inline constexpr auto exp_of = [](Vec x) {
  const Vec y = hn::IfThenElseZero(hn::Ge(x, vec(least_exponent)), bounded_exp_of(x));
  return hn::IfThenElse(hn::Le(x, vec(largest_exponent)), y, hn::Add(x, hn::Inf(lanes)));
};

/// The same for x ≤ 0, as in a softmax, without the upper bound; NaN for NaN.
inline constexpr auto exp_of_negative = [](Vec x) {
  const Vec least = vec(least_exponent);
  const auto below = hn::Lt(x, least);
#if HWY_ARCH_X86
  const Vec within = hn::Max(least, x);  // x86: the second operand if either is NaN
#else
  const Vec within = hn::IfThenElse(below, least, x);
#endif
  return hn::IfThenZeroElse(below, exp_within(within));
};

/// σ(x) = 1/(1 + e^−x), to a relative error of 2e-7 if the result is a normal number.
inline constexpr auto sigmoid_of = [](Vec x) {
  return hn::Div(vec(1), hn::Add(vec(1), exp_of(hn::Neg(x))));
};

/// gelu(x) = x/2 (1 + tanh u), u = √(2/π)(x + 0.044715 x³), which is x σ(2u); and its slope,
///   σ + x σ (1 − σ) 2u',   2u' = 2√(2/π)(1 + 3·0.044715 x²)
struct Gelu {
  static constexpr real twice = real(1.5957691216057308), cubic = real(0.044715);  ///< 2√(2/π)

  /// gelu and its derivative.
  struct Both {
    Vec value, slope;  ///< gelu(x), gelu'(x)
  };
  /// σ(2u). Clamping turns a NaN into a number; the product with x makes it NaN again.
  static constexpr auto gate = [](Vec x) {
    const Vec x2 = hn::Mul(x, x);
    const Vec minus = hn::Mul(hn::Mul(vec(-twice), x), hn::MulAdd(vec(cubic), x2, vec(1)));
    return hn::Div(vec(1), hn::Add(vec(1), bounded_exp_of(minus)));
  };
  static constexpr auto value = [](Vec x) { return hn::Mul(x, gate(x)); };  ///< gelu(x)
  /// gelu(x) and gelu'(x), at the cost of one σ.
  static constexpr auto both = [](Vec x) {
    const Vec s = gate(x), value = hn::Mul(x, s);
    const Vec du = hn::Mul(vec(twice), hn::MulAdd(vec(3 * cubic), hn::Mul(x, x), vec(1)));
    return Both{value, hn::MulAdd(hn::Mul(value, du), hn::Sub(vec(1), s), s)};
  };
  static constexpr auto slope = [](Vec x) { return both(x).slope; };  ///< gelu'(x)
};

}  // namespace yonder
