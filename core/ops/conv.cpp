#include "core/ops/conv.h"

#include <vector>

#include "core/parallel.h"

namespace yonder {
namespace {

// Calls f(t, source, m) for each row t and each kernel column m, which reads row `source`.
template <class F>
void each_tap(int n, int kernel, const Conv& conv, F f) {
  for (int t = 0; t < n; ++t) {
    const int first = t - conv.anchor;
    if (conv.padding == ConvPadding::none && (first < 0 || first + kernel > n)) continue;
    for (int m = 0; m < kernel; ++m) {
      int source = first + m;
      if (conv.padding == ConvPadding::circular) source = ((source % n) + n) % n;
      if (source >= 0 && source < n) f(t, source, m);
    }
  }
}

}  // namespace

Var depthwise(const Var& x, const Var& weight, const Conv& conv) {
  const int B = x.dim(0), T = x.dim(1), D = x.dim(2), K = weight.dim(1);
  const std::vector<int> lengths = conv.lengths.empty()
                                       ? std::vector<int>(B, T)
                                       : std::vector<int>(conv.lengths.begin(), conv.lengths.end());
  const Conv rule{conv.anchor, conv.padding, {}};
  Tensor y(x.shape());
  parallel_for(B, [&](std::int64_t b) {
    each_tap(lengths[b], K, rule, [&](int t, int source, int m) {
      const real *from = &x.value()[(b * T + source) * D], *w = &weight.value()[m];
      real* to = &y[(b * T + t) * D];
      for (int c = 0; c < D; ++c) to[c] += w[c * K] * from[c];
    });
  });
  return Tape::record(y, {x, weight}, [x, weight, rule, lengths, B, T, D, K](const Tensor& dy) {
    Tensor dw({B, D, K});  // one partial sum per sequence, added in order
    const Tensor dx = x.tracked() ? x.grad() : Tensor();
    parallel_for(B, [&](std::int64_t b) {
      each_tap(lengths[b], K, rule, [&](int t, int source, int m) {
        const std::int64_t from = (b * T + source) * D;
        const real* d = &dy[(b * T + t) * D];
        if (dx)
          for (int c = 0; c < D; ++c) dx[from + c] += weight.value()[c * K + m] * d[c];
        for (int c = 0; c < D; ++c) dw[(b * D + c) * K + m] += x.value()[from + c] * d[c];
      });
    });
    if (weight.tracked())
      for (int b = 0; b < B; ++b)
        for (int i = 0; i < D * K; ++i) weight.grad()[i] += dw[std::int64_t(b) * D * K + i];
  });
}

}  // namespace yonder
