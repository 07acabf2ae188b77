#pragma once
#include <bit>
#include <cmath>

/// \file
/// ALiBi's slopes, which other encodings start from.
namespace yonder {

/// m_h of head h = 0, 1, … of H: 2^(−8(h+1)/H). For H not a power of two, as in the paper's code:
/// the slopes of the power c below H, then every second one of those of 2c.  Press et al. 2022,
/// arXiv:2108.12409
inline double alibi_slope(int h, int H) {
  const int c = int(std::bit_floor(unsigned(H)));
  return h < c ? std::exp2(-8.0 * (h + 1) / c) : std::exp2(-8.0 * (2 * (h - c) + 1) / (2 * c));
}

}  // namespace yonder
