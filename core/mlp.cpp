#include <cassert>

#include "core/matmul.h"
#include "core/ops.h"
#include "core/vector.h"

namespace yonder {
namespace {

// Rows go through all products together, `height` at a time: what lies between stays in the cache.
constexpr std::int64_t height = 256;

// The rows from `first` on of a matrix [.., width], and a matrix as its transpose.
Matrix rows_of(const Tensor& x, std::int64_t first, std::int64_t width) {
  return {x.data.get() + first * width, width};
}
Matrix turned(Matrix m) { return {m.data, m.stride, true}; }

struct Extents {
  std::int64_t M, K, F, N;  // of x [M, K], U [F, K], D [N, F]
  std::int64_t parts() const { return (M + height - 1) / height; }
  std::int64_t rows(std::int64_t part) const { return std::min(height, M - part * height); }
};

// What the rows of each part give to a weight [out, in], before it is added up.
struct Shares {
  Tensor all;  // [parts, out · in]; empty if not tracked
  Shares(const Var& weight, std::int64_t parts)
      : all(weight.tracked() ? Tensor::uninitialized({int(parts), int(weight.size())}) : Tensor()) {
  }

  // dyᵀ x of `rows` rows
  void set(std::int64_t part, Matrix dy, Matrix x, std::int64_t rows) const {
    if (all)
      multiply({.M = dy.stride,
                .N = x.stride,
                .K = rows,
                .a = turned(dy),
                .b = x,
                .c = &all[part * all.dim(1)],
                .c_stride = x.stride});
  }
  // In the order of the parts.
  void add_to(const Gradient& dw) const {
    if (!all) return;
    const auto [sum, add] = dw.target();
    parallel_pieces(all.dim(1), chunk, [&, to = sum.data.get(), add = add](auto first, auto last) {
      if (!add) std::copy(&all[first], &all[0] + last, to + first);
      for (int part = add ? 0 : 1; part < all.dim(0); ++part)
        map(last - first, to + first, plus, to + first, &all[part * all.dim(1) + first]);
    });
  }
};

// g = gelu(h) again, and of dg in dh: dh = gelu'(h) ∘ dg
void give_back(std::int64_t n, const real* h, real* g, real* dh) {
  const std::int64_t step = hn::Lanes(lanes);
  std::int64_t i = 0;
  for (; i + step <= n; i += step) {
    const auto [value, slope] = Gelu::both(load(h + i));
    store(value, g + i);
    store(hn::Mul(load(dh + i), slope), dh + i);
  }
  if (i == n) return;
  const auto [value, slope] = Gelu::both(load_some(h + i, n - i));
  store_some(value, g + i, n - i);
  store_some(hn::Mul(load_some(dh + i, n - i), slope), dh + i, n - i);
}

}  // namespace

// h = x Uᵀ, y = gelu(h) Dᵀ;  dh = gelu'(h) ∘ (dy D),  dx += dh U,  dU += dhᵀ x,  dD += dyᵀ gelu(h)
Var mlp(const Var& x, const Var& up, const Var& down) {
  const Extents e{x.size() / up.dim(1), up.dim(1), up.dim(0), down.dim(0)};
  assert(x.dim(-1) == e.K && down.dim(1) == e.F);
  const auto [M, K, F, N] = e;
  Shape shape = x.shape();
  shape.back() = int(N);
  const Tensor y = Tensor::uninitialized(shape);
  const bool records = Tape::records(x, up, down);
  const Tensor h = records ? Tensor::uninitialized({int(M), int(F)}) : Tensor();
  const Matrix U = rows_of(up.value(), 0, K), D = rows_of(down.value(), 0, F);

  parallel_for(e.parts(), [&, F = F, K = K, N = N](std::int64_t part) {
    const std::int64_t first = part * height, n = e.rows(part);
    const Tensor g = Tensor::uninitialized({int(n), int(F)});
    real* const hidden = records ? &h[first * F] : g.data.get();
    multiply({n, F, K, rows_of(x.value(), first, K), turned(U), hidden, F});
    map(n * F, g.data.get(), Gelu::value, hidden);
    multiply({n, N, F, rows_of(g, 0, F), turned(D), &y[first * N], N});
  });

  return Tape::record(y, {x, up, down}, [=](const Tensor& dy) {
    const auto [dx, add] = x.tracked() ? x.gradient().target() : Gradient::Target{};
    const Shares dU(up, e.parts()), dD(down, e.parts());
    parallel_for(e.parts(), [&, F = F, K = K, N = N, dx = dx, add = add](std::int64_t part) {
      const std::int64_t first = part * height, n = e.rows(part);
      const Tensor g = Tensor::uninitialized({int(n), int(F)}), dh = Tensor::uninitialized(g.shape);
      const Matrix dy_rows = rows_of(dy, first, N);
      multiply({n, F, N, dy_rows, D, dh.data.get(), F});  // dg, at first
      give_back(n * F, &h[first * F], g.data.get(), dh.data.get());
      dD.set(part, dy_rows, rows_of(g, 0, F), n);
      dU.set(part, rows_of(dh, 0, F), rows_of(x.value(), first, K), n);
      if (dx) multiply({n, K, F, rows_of(dh, 0, F), U, &dx[first * K], K, add});
    });
    dU.add_to(up.gradient());
    dD.add_to(down.gradient());
  });
}

}  // namespace yonder
