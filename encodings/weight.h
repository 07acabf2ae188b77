#pragma once
#include <algorithm>

#include "encodings/encoding.h"

/// \file
/// Factors of the queries' rows, for modifiers that make attention sharper or flatter.
namespace yonder {

/// c_i, the keys that query i sees: [1, Tq], or [B, Tq] where each sequence has its own n. Windows
/// of single heads don't count. A row of padding counts as 1: nothing comes of it.
inline Tensor visible(const Attention& a) {
  const Positions& p = a.queries;
  const Mask& m = a.mask;
  const bool own = !m.causal && !p.lengths.empty();
  Tensor c = Tensor::uninitialized({own ? p.batch : 1, p.tokens});
  for (int b = 0; b < c.dim(0); ++b)
    for (int t = 0; t < p.tokens; ++t) {
      const int i = p.first + t, n = own ? p.length(b) : p.first + p.tokens;
      const int reach = m.window > 0 ? std::min(m.window, n) - 1 : n;
      const int first = std::max(0, i - reach), last = m.causal ? i : std::min(n - 1, i + reach);
      const int later = m.causal ? 0 : std::min(m.sinks, n) - 1 - last;
      const int sinks = std::min(m.sinks, first) + std::max(later, 0);
      c[b * p.tokens + t] = real(std::max(1, last - first + 1 + sinks));
    }
  return c;
}

/// Multiplies the rows of q by `factor` [B or 1, Tq], and what multiplies them already.
inline void weigh(Dots& d, const Tensor& factor) {
  if (!d.row) return void(d.row = factor);
  const Tensor before = d.row;
  d.row = Tensor::uninitialized(before.dim(0) > factor.dim(0) ? before.shape : factor.shape);
  for (std::int64_t i = 0; i < d.row.size(); ++i)
    d.row[i] = factor[i % factor.size()] * before[i % before.size()];
}

/// The same for all queries.
inline void weigh(Dots& d, const Attention& a, double factor) {
  const Tensor same = Tensor::uninitialized({1, a.queries.tokens});
  std::fill_n(same.data.get(), same.size(), real(factor));
  weigh(d, same);
}

}  // namespace yonder
