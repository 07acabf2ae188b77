#include <cmath>

#include "core/ops/ops.h"
#include "core/simd/simd_loops.h"

namespace yonder {
namespace {

// y = r x, r = 1/√(share Σ x² + 1e-6);  dx = r (dy − share (y·dy) y), over the last axis
Var normalized(const Var& x, real share, Operation op) {
  const std::int64_t n = x.dim(-1), rows = x.size() / n;
  Tensor y = Tensor::uninitialized(x.shape()), scale = Tensor::uninitialized({int(rows)});
  parallel_rows(rows, n, [&](std::int64_t r) {
    const real* from = &x.value()[r * n];
    scale[r] = 1 / std::sqrt(share * total(n, times, from, from) + real(1e-6));
    map(
        n, &y[r * n], [by = vec(scale[r])](Vec v) { return hn::Mul(by, v); }, from);
  });
  const auto backward = [dx = x.gradient(), y, scale, share, n, rows](const Tensor& dy) {
    const Gradient::Target to = dx.target();
    parallel_rows(rows, n, [&](std::int64_t r) {
      const real *d = &dy[r * n], *out = &y[r * n];
      const Vec by = vec(scale[r]), along = vec(-share * total(n, times, out, d));
      real* const sum = &to.sum[r * n];
      const auto slope = [=](Vec g, Vec v) { return hn::Mul(by, hn::MulAdd(along, v, g)); };
      const auto added = [=](Vec s, Vec g, Vec v) { return hn::Add(s, slope(g, v)); };
      if (to.add) map(n, sum, added, sum, d, out);
      else map(n, sum, slope, d, out);
    });
  };
  return Tape::record(y, {x}, backward, op);
}

}  // namespace

Var l2_normalized(const Var& x) { return normalized(x, 1, Operation::current()); }

Var rms_normalized(const Var& x) {
  return normalized(x, 1 / real(x.dim(-1)), Operation::current());
}

}  // namespace yonder
