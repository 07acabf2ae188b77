#include <cassert>

#include "core/ops/ops.h"
#include "core/simd/simd_loops.h"

namespace yonder {
namespace {

struct RotateExtents {
  std::int64_t tokens, heads, width, pairs, angles;  // angles: rows of cos and sin
};

// A rotation with a factor for every column:
//   y = x · along + partner(x) · across,  partner of column 2m is 2m + 1, or of m is m + pairs
struct Columns {
  Tensor along, across;  // cos cos …, −sin sin …; [angles, 2·pairs]
  bool interleaved;
};

Columns columns(const Rotation& by, const RotateExtents& e) {
  const Tensor along = Tensor::uninitialized({int(e.angles), int(2 * e.pairs)});
  const Tensor across = Tensor::uninitialized(along.shape);
  const std::int64_t step = by.interleaved ? 2 : 1, apart = by.interleaved ? 1 : e.pairs;
  parallel_rows(e.angles, 2 * e.pairs, [&](std::int64_t a) {
    for (std::int64_t m = 0; m < e.pairs; ++m) {
      const std::int64_t from = a * e.pairs + m, to = 2 * a * e.pairs + m * step;
      along[to] = along[to + apart] = by.cos[from];
      across[to] = -by.sin[from], across[to + apart] = by.sin[from];
    }
  });
  return {along, across, by.interleaved};
}

// y = R x for one head of one token, or y += Rᵀ x
enum class Turn { forward, add_transposed };

template <Turn turn>
void turn_head(const real* x, real* y, const RotateExtents& e, const real* along,
               const real* across, bool interleaved) {
  const auto put = [](Vec sum, Vec v, Vec partner, Vec f, Vec c) {
    if constexpr (turn == Turn::forward) return hn::MulAdd(v, f, hn::Mul(partner, c));
    return hn::NegMulAdd(partner, c, hn::MulAdd(v, f, sum));
  };
  const std::int64_t n = e.pairs;
  if (interleaved) {
    const auto swapped = [put](Vec sum, Vec v, Vec f, Vec c) {
      return put(sum, v, hn::Reverse2(lanes, v), f, c);
    };
    map(2 * n, y, swapped, y, x, along, across);
  } else {
    map(n, y, put, y, x, x + n, along, across);
    map(n, y + n, put, y + n, x + n, x, along + n, across + n);
  }
  for (std::int64_t i = 2 * n; i < e.width; ++i) y[i] = turn == Turn::forward ? x[i] : y[i] + x[i];
}

template <Turn turn>
void turn_all(const Tensor& x, const Tensor& y, const RotateExtents& e, const Columns& by) {
  const std::int64_t row = e.heads * e.width;
  parallel_rows(e.tokens, row, [&](std::int64_t t) {
    const std::int64_t angle = t % e.angles * 2 * e.pairs;
    for (std::int64_t at = t * row; at < (t + 1) * row; at += e.width)
      turn_head<turn>(&x[at], &y[at], e, &by.along[angle], &by.across[angle], by.interleaved);
  });
}

}  // namespace

Var rotate(const Var& x, const Rotation& by) {
  const RotateExtents e{.tokens = x.dim(0) * x.dim(1),
                        .heads = x.dim(2),
                        .width = x.dim(3),
                        .pairs = by.cos.dim(-1),
                        .angles = by.cos.dim(0)};
  assert((e.angles == e.tokens || e.angles == x.dim(1)) && 2 * e.pairs <= e.width);
  assert(by.sin.shape == by.cos.shape);
  const Columns c = columns(by, e);
  Tensor y = Tensor::uninitialized(x.shape());
  turn_all<Turn::forward>(x.value(), y, e, c);
  return Tape::record(y, {x}, [dx = x.gradient(), c, e](const Tensor& dy) {
    turn_all<Turn::add_transposed>(dy, dx.sum(), e, c);
  });
}

}  // namespace yonder
