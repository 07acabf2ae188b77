#include <cassert>
#include <cmath>

#include "core/ops/ops.h"
#include "core/simd/simd_loops.h"

namespace yonder {
namespace {

constexpr real epsilon = real(1e-5);

// Saved per row: x̂ = (x − mean) · scale,  scale = 1/√(variance + ε); RMS has mean 0.
struct RowMoments {
  real mean, scale;
  Vec hat(Vec x) const { return hn::Mul(hn::Sub(x, vec(mean)), vec(scale)); }
};
using Rows = std::vector<RowMoments>;

RowMoments around(real mean, const real* x, std::int64_t n) {
  const auto squared = [mean](Vec v) {
    const Vec d = hn::Sub(v, vec(mean));
    return hn::Mul(d, d);
  };
  return {mean, 1 / std::sqrt(total(n, squared, x) / real(n) + epsilon)};
}

RowMoments moments(const real* x, std::int64_t n) {
  const real mean = total(
                        n, [](Vec v) { return v; }, x) /
                    real(n);
  return around(mean, x, n);
}

// Whether a row's mean is subtracted.
enum class Centred { yes, no };

// With g = dy · weight:  dx += scale (g − mean(g) − x̂ mean(g x̂)), without mean(g) if the mean is
// not subtracted; `before` is dx, or null if dx starts at 0.
void add_row_gradient(Centred centred, const RowMoments& row, std::int64_t n, const real* x,
                      const real* dy, const real* weight, const real* before, real* dx) {
  const auto g_hat = [row](Vec v, Vec d, Vec w) { return hn::Mul(hn::Mul(d, w), row.hat(v)); };
  const real mean_g = centred == Centred::no
                          ? real(0)
                          : total(
                                n, [](Vec d, Vec w) { return hn::Mul(d, w); }, dy, weight) /
                                real(n);
  const real mean_g_hat = total(n, g_hat, x, dy, weight) / real(n);
  const auto gradient = [=](Vec v, Vec d, Vec w) {
    const Vec g = hn::MulSub(d, w, vec(mean_g));
    return hn::Mul(vec(row.scale), hn::NegMulAdd(row.hat(v), vec(mean_g_hat), g));
  };
  const auto added = [=](Vec sum, Vec v, Vec d, Vec w) { return hn::Add(sum, gradient(v, d, w)); };
  if (before) map(n, dx, added, before, x, dy, weight);
  else map(n, dx, gradient, x, dy, weight);
}

// add_row_gradient() for all rows of x.
void add_gradient(Centred centred, const Rows& saved, const Var& x, const Tensor& dy,
                  const Var& weight) {
  const std::int64_t n = x.dim(-1);
  const Gradient::Target dx = x.gradient().target();
  parallel_rows(x.size() / n, n, [&](std::int64_t r) {
    real* const to = &dx.sum[r * n];
    add_row_gradient(centred, saved[r], n, &x.value()[r * n], &dy[r * n], &weight.value()[0],
                     dx.add ? to : nullptr, to);
  });
}

// dweight += Σ_rows dy · x̂,  dbias += Σ_rows dy;  pieces of rows are summed, then added in order
void add_weight_gradients(const Rows& saved, const Tensor& x, const Tensor& dy, real* dweight,
                          real* dbias) {
  const std::int64_t n = x.dim(-1), rows = x.size() / n, height = chunk_rows(n);
  const Tensor partial({int((rows + height - 1) / height), 2, int(n)});
  parallel_pieces(rows, height, [&](std::int64_t r, std::int64_t last) {
    real* const dw = &partial[r / height * 2 * n];
    for (; r < last; ++r) {
      const auto add = [row = saved[r]](Vec sum, Vec d, Vec v) {
        return hn::MulAdd(d, row.hat(v), sum);
      };
      map(n, dw, add, dw, &dy[r * n], &x[r * n]);
      map(n, dw + n, plus, dw + n, &dy[r * n]);
    }
  });
  for (int piece = 0; piece < partial.dim(0); ++piece) {
    if (dweight) map(n, dweight, plus, dweight, &partial[2 * piece * n]);
    if (dbias) map(n, dbias, plus, dbias, &partial[(2 * piece + 1) * n]);
  }
}

}  // namespace

// y = x̂ · weight + bias.  Ba et al. 2016, arXiv:1607.06450
Var layer_norm(const Var& x, const Var& weight, const Var& bias) {
  const std::int64_t n = x.dim(-1), rows = x.size() / n;
  assert(weight.size() == n && bias.size() == n);
  Tensor y = Tensor::uninitialized(x.shape());
  Rows saved(rows);
  parallel_rows(rows, n, [&](std::int64_t r) {
    const RowMoments row = saved[r] = moments(&x.value()[r * n], n);
    const auto norm = [row](Vec v, Vec w, Vec b) { return hn::MulAdd(row.hat(v), w, b); };
    map(n, &y[r * n], norm, &x.value()[r * n], &weight.value()[0], &bias.value()[0]);
  });
  const auto backward = [x, weight, dbias = bias.gradient(), saved](const Tensor& dy) {
    if (x.tracked()) add_gradient(Centred::yes, saved, x, dy, weight);
    if (weight.tracked() || dbias)
      add_weight_gradients(saved, x.value(), dy, weight.tracked() ? &weight.grad()[0] : nullptr,
                           dbias ? &dbias.sum()[0] : nullptr);
  };
  return Tape::record(y, {x, weight, bias}, backward);
}

// y = x/√(mean x² + ε) · weight.  Zhang & Sennrich 2019, arXiv:1910.07467
Var rms_norm(const Var& x, const Var& weight) {
  const std::int64_t n = x.dim(-1), rows = x.size() / n;
  assert(weight.size() == n);
  Tensor y = Tensor::uninitialized(x.shape());
  Rows saved(rows);
  parallel_rows(rows, n, [&](std::int64_t r) {
    const RowMoments row = saved[r] = around(0, &x.value()[r * n], n);
    const auto norm = [row](Vec v, Vec w) { return hn::Mul(row.hat(v), w); };
    map(n, &y[r * n], norm, &x.value()[r * n], &weight.value()[0]);
  });
  return Tape::record(y, {x, weight}, [x, weight, saved](const Tensor& dy) {
    if (x.tracked()) add_gradient(Centred::no, saved, x, dy, weight);
    if (weight.tracked()) add_weight_gradients(saved, x.value(), dy, &weight.grad()[0], nullptr);
  });
}

}  // namespace yonder
