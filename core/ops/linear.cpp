#include <cassert>

#include "core/ops/ops.h"
#include "core/simd/matmul.h"
#include "core/simd/simd_loops.h"

namespace yonder {

Var linear(const Var& x, const Var& weight) { return linear(x, weight, Var()); }

// y = x Wᵀ + b;  dx += dy W,  dW += dyᵀ x,  db += Σ_rows dy
Var linear(const Var& x, const Var& weight, const Var& bias) {
  const std::int64_t N = weight.dim(0), K = weight.dim(1), M = x.size() / K;
  assert(x.dim(-1) == K && (!bias || bias.size() == N));
  Shape shape = x.shape();
  shape.back() = int(N);
  Tensor y = Tensor::uninitialized(shape);
  const auto in = [](const Tensor& t, std::int64_t stride) { return Matrix{t.data.get(), stride}; };
  const Tensor W = pad_rows(weight.value());
  matmul({.M = M,
          .N = N,
          .K = K,
          .a = in(x.value(), K),
          .b = {W.data.get(), padded_stride(K), true},
          .c = y.data.get(),
          .c_stride = N});
  if (bias)
    parallel_map_repeating(M * N, y.data.get(), plus, bias.value().data.get(), N, y.data.get());
  const auto backward = [x, weight, W, db = bias.gradient(), M, N, K, in](const Tensor& dy) {
    // Gradient of `to` = A·B, or += if it already holds a sum.
    const auto accumulate = [](const Var& to, Product p) {
      const Gradient::Target target = to.gradient().target();
      p.c = target.sum.data.get(), p.add = target.add;
      matmul(p);
    };
    const Matrix dy_transposed{dy.data.get(), N, true};
    if (x.tracked())
      accumulate(
          x, {.M = M, .N = K, .K = N, .a = in(dy, N), .b = in(W, padded_stride(K)), .c_stride = K});
    if (weight.tracked())
      accumulate(
          weight,
          {.M = N, .N = K, .K = M, .a = dy_transposed, .b = in(x.value(), K), .c_stride = K});
    if (db)
      parallel_add_rows(
          M, N, db.sum().data.get(), [](Vec d) { return d; }, dy.data.get());
  };
  return Tape::record(y, {x, weight, bias}, backward);
}

}  // namespace yonder
