#pragma once
#include <cmath>
#include <string>
#include <vector>

#include "core/ops/ops.h"
#include "encodings/base/spectrum.h"

namespace yonder {

/// Which columns of a head are pair m: (2m, 2m+1), or (m, m + d/2).
enum class Layout { interleaved, half };
inline std::vector<std::string> names(Layout) { return {"interleaved", "half"}; }  ///< as options
/// The option of an encoding that rotates twice `half` columns of a head.
inline Option layout_option(Layout* layout, const std::string& half = "d/2") {
  return choice("layout", layout, "pairs of columns: (2m, 2m+1), or (m, m + " + half + ")");
}

/// Rotates pair m of the token at position i by f(i)·w_m and scales it by the amplitude; a pair
/// with w_m = 0 is unchanged. Positions below s.kept use s.kept_w, unscaled. Angles in double.
template <class F>
Rotation rotation(const Positions& p, const Spectrum& s, Layout layout, F f) {
  const std::vector<int> at = token_positions(p);
  const int tokens = int(at.size()), pairs = int(s.w.size());
  Rotation r{.cos = Tensor::uninitialized({tokens, pairs}),
             .sin = Tensor::uninitialized({tokens, pairs}),
             .interleaved = layout == Layout::interleaved};
  for (int t = 0; t < tokens; ++t) {
    const bool kept = at[t] < s.kept;
    const std::vector<double>& w = kept ? s.kept_w : s.w;
    for (int m = 0; m < pairs; ++m) {
      const double angle = f(at[t]) * w[m], stretch = kept || w[m] == 0 ? 1 : s.amplitude;
      r.cos[std::int64_t(t) * pairs + m] = real(stretch * std::cos(angle));
      r.sin[std::int64_t(t) * pairs + m] = real(stretch * std::sin(angle));
    }
  }
  return r;
}

}  // namespace yonder
