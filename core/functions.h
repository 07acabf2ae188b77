#pragma once
#include <hwy/highway.h>
// After highway.h, on which it relies.
#include <hwy/contrib/math/math-inl.h>

#include "core/real.h"

/// \file
/// Functions of a vector of `real`, element by element. They are objects, so that a loop that is
/// given one can inline it. Stated errors are of f32; f64 takes Highway's functions, right to
/// 1e-15.
namespace yonder {

namespace hn = hwy::HWY_NAMESPACE;
constexpr hn::ScalableTag<real> lanes;
using Vec = hn::Vec<decltype(lanes)>;

inline Vec vec(real x) { return hn::Set(lanes, x); }

inline constexpr auto plus = [](Vec a, Vec b) { return hn::Add(a, b); };

/// e^x to 1.5e-7 of its value; 0 where that is below the smallest normal number, ∞ beyond the
/// largest that fits, NaN for NaN.
///   e^x = 2^n e^r,  n = round(x/ln 2),  r = x − n ln 2 in two parts;  e^r = 1 + r + r² P(r) with P
///   from Cephes (Moshier 1992), expf
inline constexpr auto exp_of = [](Vec x) {
#ifdef YONDER_DOUBLE
  const Vec most = vec(709.78);
  const Vec y = hn::Exp(lanes, hn::Min(x, most));
#else
  const Vec least = vec(-87.3365f), most = vec(88.3762f);
  const Vec v = hn::Max(hn::Min(x, most), least);
  const Vec n = hn::Round(hn::Mul(v, vec(1.44269504f)));
  const Vec r = hn::NegMulAdd(n, vec(-2.12194440e-4f), hn::NegMulAdd(n, vec(0.693359375f), v));
  Vec p = vec(1.9875691500e-4f);
  for (const float c :
       {1.3981999507e-3f, 8.3334519073e-3f, 4.1665795894e-2f, 1.6666665459e-1f, 5.0000001201e-1f})
    p = hn::MulAdd(p, r, vec(c));
  const Vec e = hn::Add(hn::MulAdd(p, hn::Mul(r, r), r), vec(1));
  const hn::RebindToSigned<decltype(lanes)> whole;
  const auto power = hn::ShiftLeft<23>(hn::Add(hn::ConvertTo(whole, n), hn::Set(whole, 127)));
  const Vec y = hn::IfThenElseZero(hn::Ge(x, least), hn::Mul(e, hn::BitCast(lanes, power)));
#endif
  return hn::IfThenElse(hn::Le(x, most), y, hn::Add(x, hn::Inf(lanes)));
};

/// σ(x) = 1/(1 + e^−x), to 2e-7 of its value where that is a normal number.
inline constexpr auto sigmoid_of = [](Vec x) {
  return hn::Div(vec(1), hn::Add(vec(1), exp_of(hn::Neg(x))));
};

/// gelu(x) = x/2 (1 + tanh u), u = √(2/π)(x + 0.044715 x³), which is x σ(2u); and its slope,
///   σ + x σ (1 − σ) 2u',   2u' = 2√(2/π)(1 + 3·0.044715 x²)
struct Gelu {
  static constexpr real twice = real(1.5957691216057308), cubic = real(0.044715);  // 2√(2/π)

  struct Both {
    Vec value, slope;
  };
  static constexpr auto gate = [](Vec x) {
    const Vec x2 = hn::Mul(x, x);
    return sigmoid_of(hn::Mul(hn::Mul(vec(twice), x), hn::MulAdd(vec(cubic), x2, vec(1))));
  };
  static constexpr auto value = [](Vec x) { return hn::Mul(x, gate(x)); };
  static constexpr auto both = [](Vec x) {
    const Vec s = gate(x), value = hn::Mul(x, s);
    const Vec du = hn::Mul(vec(twice), hn::MulAdd(vec(3 * cubic), hn::Mul(x, x), vec(1)));
    return Both{value, hn::MulAdd(hn::Mul(value, du), hn::Sub(vec(1), s), s)};
  };
  static constexpr auto slope = [](Vec x) { return both(x).slope; };
};

}  // namespace yonder
