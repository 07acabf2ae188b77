#include <cassert>
#include <cmath>

#include "core/ops.h"
#include "core/vector.h"

namespace yonder {
namespace {

constexpr real epsilon = real(1e-5);

struct Row {
  real mean, scale;  // scale = 1/√(variance + ε)
};

Row moments(const real* x, std::int64_t n) {
  const real mean = total(
                        n, [](Vec v) { return v; }, x) /
                    n;
  const real variance = total(
                            n,
                            [mean](Vec v) {
                              const Vec d = hn::Sub(v, vec(mean));
                              return hn::Mul(d, d);
                            },
                            x) /
                        n;
  return {mean, 1 / std::sqrt(variance + epsilon)};
}

// With x̂ = (x − mean) · scale and g = dy · weight, written to `g`:
//   dx += scale (g − mean(g) − x̂ mean(g x̂))
void add_row_gradient(const Row& row, std::int64_t n, const real* x, const real* dy,
                      const real* weight, real* dx) {
  const auto hat = [row](Vec v) { return hn::Mul(hn::Sub(v, vec(row.mean)), vec(row.scale)); };
  const real g = total(
                     n, [](Vec d, Vec w) { return hn::Mul(d, w); }, dy, weight) /
                 n;
  const real gx =
      total(
          n, [hat](Vec v, Vec d, Vec w) { return hn::Mul(hn::Mul(d, w), hat(v)); }, x, dy, weight) /
      n;
  map(
      n, dx,
      [=](Vec sum, Vec v, Vec d, Vec w) {
        const Vec centred = hn::Sub(hn::Mul(d, w), vec(g));
        return hn::MulAdd(vec(row.scale), hn::NegMulAdd(hat(v), vec(gx), centred), sum);
      },
      dx, x, dy, weight);
}

}  // namespace

// y = x̂ · weight + bias.  Ba et al. 2016, arXiv:1607.06450
Var layer_norm(const Var& x, const Var& weight, const Var& bias) {
  const std::int64_t n = x.dim(-1), rows = x.size() / n,
                     height = std::max<std::int64_t>(1, 4096 / n);
  assert(weight.size() == n && bias.size() == n);
  Tensor y = Tensor::uninitialized(x.shape());
  const Tensor saved = Tensor::uninitialized({int(rows), 2});  // mean and scale of each row
  parallel_pieces(rows, height, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t r = first; r < last; ++r) {
      const Row row = moments(&x.value()[r * n], n);
      saved[2 * r] = row.mean, saved[2 * r + 1] = row.scale;
      map(
          n, &y[r * n],
          [row](Vec v, Vec w, Vec b) {
            return hn::MulAdd(hn::Mul(hn::Sub(v, vec(row.mean)), vec(row.scale)), w, b);
          },
          &x.value()[r * n], weight.value().data.get(), bias.value().data.get());
    }
  });
  return Tape::record(
      y, {x, weight, bias}, [x, weight, bias, saved, n, rows, height](const Tensor& dy) {
        if (x.tracked()) {
          const Tensor& dx = x.grad();
          parallel_pieces(rows, height, [&](std::int64_t first, std::int64_t last) {
            for (std::int64_t r = first; r < last; ++r)
              add_row_gradient({saved[2 * r], saved[2 * r + 1]}, n, &x.value()[r * n], &dy[r * n],
                               weight.value().data.get(), &dx[r * n]);
          });
        }
        const std::int64_t pieces = (rows + height - 1) / height;
        const Tensor partial(
            {int(pieces), 2, int(n)});  // d(weight) and d(bias) of each piece of rows
        parallel_for(pieces, [&](std::int64_t p) {
          real* const dw = &partial[p * 2 * n];
          real* const db = dw + n;
          for (std::int64_t r = p * height; r < std::min(rows, (p + 1) * height); ++r) {
            map(
                n, dw,
                [m = saved[2 * r], s = saved[2 * r + 1]](Vec sum, Vec d, Vec v) {
                  return hn::MulAdd(d, hn::Mul(hn::Sub(v, vec(m)), vec(s)), sum);
                },
                dw, &dy[r * n], &x.value()[r * n]);
            map(n, db, plus, db, &dy[r * n]);
          }
        });
        for (std::int64_t p = 0; p < pieces; ++p) {
          if (weight.tracked())
            map(n, &weight.grad()[0], plus, &weight.grad()[0], &partial[2 * p * n]);
          if (bias.tracked())
            map(n, &bias.grad()[0], plus, &bias.grad()[0], &partial[(2 * p + 1) * n]);
        }
      });
}

}  // namespace yonder
