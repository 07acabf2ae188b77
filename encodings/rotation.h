#pragma once
#include <cmath>
#include <string>

#include "core/ops.h"
#include "encodings/spectrum.h"

namespace yonder {

/// Pair m of the token at position i turned by place(i)·w_m and stretched by the amplitude.
/// Angles in double.
template <class Place>
Rotation rotation(std::span<const int> at, const Spectrum& s, const std::string& layout,
                  Place place) {
  const int tokens = int(at.size()), pairs = int(s.w.size());
  Rotation r{.cos = Tensor::uninitialized({tokens, pairs}),
             .sin = Tensor::uninitialized({tokens, pairs}),
             .interleaved = layout == "interleaved"};
  for (int t = 0; t < tokens; ++t)
    for (int m = 0; m < pairs; ++m) {
      const double angle = place(at[t]) * s.w[m];
      r.cos[std::int64_t(t) * pairs + m] = real(s.amplitude * std::cos(angle));
      r.sin[std::int64_t(t) * pairs + m] = real(s.amplitude * std::sin(angle));
    }
  return r;
}

}  // namespace yonder
