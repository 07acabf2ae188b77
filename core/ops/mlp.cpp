#include <cassert>

#include "core/ops/ops.h"
#include "core/simd/matmul.h"
#include "core/simd/simd_loops.h"

namespace yonder {
namespace {

// Rows pass through all products in parts of `part_rows`, so that intermediates stay in cache.
constexpr std::int64_t part_rows = 256;

// Rows `first` onward of a matrix [.., stride]; all its rows; a matrix read as its transpose.
Matrix rows_of(const Tensor& x, std::int64_t first, std::int64_t stride) {
  return {x.data.get() + first * stride, stride};
}
Matrix whole(const Tensor& x) { return rows_of(x, 0, x.dim(-1)); }
Matrix transposed(const Matrix& m) { return {m.data, m.stride, true}; }

// Storage for a matrix [rows, width] with padded rows.
Tensor padded(std::int64_t rows, std::int64_t width) {
  return Tensor::uninitialized({int(rows), int(padded_stride(width))});
}

struct MlpExtents {
  std::int64_t M, K, F, N;  // of x [M, K], U [F, K], D [N, F]
  std::int64_t parts() const { return (M + part_rows - 1) / part_rows; }
  std::int64_t rows(std::int64_t part) const { return std::min(part_rows, M - part * part_rows); }
  double flops() const { return 2.0 * double(M) * double(F) * double(K + N); }  // forward
};

// Each part's contribution to the gradient of a weight [out, in], before summation.
struct Shares {
  std::int64_t out, in;
  Tensor all;  // [parts, out, padded_stride(in)]; empty if not tracked
  Shares(const Var& weight, std::int64_t parts) : out(weight.dim(0)), in(weight.dim(1)) {
    if (weight.tracked())
      all = Tensor::uninitialized({int(parts), int(out), int(padded_stride(in))});
  }

  real* row(std::int64_t part, std::int64_t r) const {
    return &all[(part * out + r) * padded_stride(in)];
  }
  // dyᵀ x over `rows` rows, dy [rows, out] and x [rows, in]
  void set(std::int64_t part, Matrix dy, Matrix x, std::int64_t rows) const {
    if (all) multiply({out, in, rows, transposed(dy), x, row(part, 0), padded_stride(in)});
  }
  // Adds the parts in order.
  void add_to(const Gradient& dw) const {
    if (!all) return;
    const auto [sum, add] = dw.target();
    const int parts = all.dim(0);
    parallel_rows(out, in * parts, [&, dw = sum.data.get(), add = add](std::int64_t r) {
      real* const to = dw + r * in;
      if (!add) std::copy_n(row(0, r), in, to);
      for (int part = add ? 0 : 1; part < parts; ++part) map(in, to, plus, to, row(part, r));
    });
  }
};

// Recomputes g = gelu(h) and turns dg, held in dh, into dh = gelu'(h) ∘ dg.
void gelu_backward(std::int64_t n, const real* h, real* g, real* dh) {
  const std::int64_t step = hn::Lanes(lanes), i = n - n % step;
  by_fours(
      std::int64_t(0), i, step, [&](std::int64_t k) { return Gelu::both(load(h + k)); },
      [&](std::int64_t k, const Gelu::Both& x) {
        store(x.value, g + k);
        store(hn::Mul(load(dh + k), x.slope), dh + k);
      });
  if (i == n) return;
  const auto [value, slope] = Gelu::both(load_some(h + i, n - i));
  store_some(value, g + i, n - i);
  store_some(hn::Mul(load_some(dh + i, n - i), slope), dh + i, n - i);
}

}  // namespace

// h = x Uᵀ, y = gelu(h) Dᵀ;  dh = gelu'(h) ∘ (dy D),  dx += dh U,  dU += dhᵀ x,  dD += dyᵀ gelu(h)
Var mlp(const Var& x, const Var& up, const Var& down) {
  const MlpExtents e{x.size() / up.dim(1), up.dim(1), up.dim(0), down.dim(0)};
  assert(x.dim(-1) == e.K && down.dim(1) == e.F);
  Shape shape = x.shape();
  shape.back() = int(e.N);
  const Tensor y = Tensor::uninitialized(shape);
  const bool records = Tape::records(x, up, down);
  const Tensor h = records ? padded(e.M, e.F) : Tensor();
  const Tensor U = pad_rows(up.value()), D = pad_rows(down.value());
  const RightFactor U_transposed(transposed(whole(U)), e.K, e.F),
      D_transposed(transposed(whole(D)), e.F, e.N);

  ProductCount::add([&e] { return e.flops(); });
  parallel_for(e.parts(), [&](std::int64_t part) {
    const std::int64_t first = part * part_rows, n = e.rows(part), stride = padded_stride(e.F);
    const Tensor g = padded(n, e.F);
    real* const hidden = records ? &h[first * stride] : g.data.get();
    multiply({n, e.F, e.K, rows_of(x.value(), first, e.K), U_transposed, hidden, stride});
    for (std::int64_t r = 0; r < n; ++r) map(e.F, &g[r * stride], Gelu::value, hidden + r * stride);
    multiply({n, e.N, e.F, rows_of(g, 0, stride), D_transposed, &y[first * e.N], e.N});
  });

  return Tape::record(y, {x, up, down}, [=](const Tensor& dy) {
    const auto [dx, add] = x.tracked() ? x.gradient().target() : Gradient::Target{};
    const RightFactor plain_U(whole(U), e.F, e.K), plain_D(whole(D), e.N, e.F);
    const Shares dU(up, e.parts()), dD(down, e.parts());
    ProductCount::add([&e] { return 2 * e.flops(); });
    parallel_for(e.parts(), [&, dx = dx, add = add](std::int64_t part) {
      const std::int64_t first = part * part_rows, n = e.rows(part), stride = padded_stride(e.F);
      const Tensor g = padded(n, e.F), dh = padded(n, e.F);
      const Matrix dy_rows = rows_of(dy, first, e.N), dh_rows = rows_of(dh, 0, stride);
      multiply({n, e.F, e.N, dy_rows, plain_D, dh.data.get(), stride});  // dg
      for (std::int64_t r = 0; r < n; ++r)
        gelu_backward(e.F, &h[(first + r) * stride], &g[r * stride], &dh[r * stride]);
      dD.set(part, dy_rows, rows_of(g, 0, stride), n);
      dU.set(part, dh_rows, rows_of(x.value(), first, e.K), n);
      if (dx) multiply({n, e.K, e.F, dh_rows, plain_U, &dx[first * e.K], e.K, add});
    });
    dU.add_to(up.gradient());
    dD.add_to(down.gradient());
  });
}

}  // namespace yonder
