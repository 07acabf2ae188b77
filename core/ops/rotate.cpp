#include <cassert>

#include "core/ops/ops.h"
#include "core/simd/simd_loops.h"

namespace yonder {
namespace {

struct RotateExtents {
  std::int64_t tokens, heads, width, pairs, angles;  // angles: rows of cos and sin
};

// A rotation with one pair of factors per column:
//   y = x · along + partner(x) · across,  columns 2m and 2m + 1, or m and m + pairs, are partners
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

namespace {

// Indexes x, and cos and sin [B or 1, T, H or 1, pairs], by token and head.
struct GivenExtents {
  int B, T, H, d, pairs;
  int batches, heads;  // of cos and sin
  int step, apart;     // column strides between pairs and within a pair

  std::int64_t factor(int b, int t, int h) const {
    return ((std::int64_t(batches == 1 ? 0 : b) * T + t) * heads + (heads == 1 ? 0 : h)) * pairs;
  }
  // Calls f(offset of a head in x, offset of its factors) for each token, by sequence, then head.
  // Tokens with the same index t may share factors, so one thread handles them all.
  template <class F>
  void each(const F& f) const {
    parallel_rows(T, std::int64_t(B) * H * d, [&](std::int64_t t) {
      for (int b = 0; b < B; ++b)
        for (int h = 0; h < H; ++h)
          f(((b * std::int64_t(T) + t) * H + h) * d, factor(b, int(t), h));
    });
  }
};

}  // namespace

//   x' = x c − y s      dx = c dx' + s dy'     dc = x dx' + y dy'
//   y' = x s + y c      dy = c dy' − s dx'     ds = x dy' − y dx'
Var rotate(const Var& x, const Var& cos, const Var& sin, bool interleaved) {
  const int pairs = cos.dim(3);
  const GivenExtents e{x.dim(0),
                       x.dim(1),
                       x.dim(2),
                       x.dim(3),
                       pairs,
                       cos.dim(0),
                       cos.dim(2),
                       interleaved ? 2 : 1,
                       interleaved ? 1 : pairs};
  assert(cos.shape() == sin.shape() && cos.dim(1) == e.T && 2 * pairs <= e.d);
  assert((e.batches == 1 || e.batches == e.B) && (e.heads == 1 || e.heads == e.H));
  Tensor y = Tensor::uninitialized(x.shape());
  e.each([&](std::int64_t at, std::int64_t by) {
    const real *from = &x.value()[at], *c = &cos.value()[by], *s = &sin.value()[by];
    real* to = &y[at];
    for (int m = 0; m < e.pairs; ++m) {
      const real one = from[m * e.step], two = from[m * e.step + e.apart];
      to[m * e.step] = one * c[m] - two * s[m];
      to[m * e.step + e.apart] = one * s[m] + two * c[m];
    }
    std::copy(from + 2 * e.pairs, from + e.d, to + 2 * e.pairs);
  });
  return Tape::record(y, {x, cos, sin}, [x, cos, sin, e](const Tensor& dy) {
    const auto sum = [](const Var& v) { return v.tracked() ? v.grad() : Tensor(); };
    const Tensor dx = sum(x), dcos = sum(cos), dsin = sum(sin);
    e.each([&](std::int64_t at, std::int64_t by) {
      const real *from = &x.value()[at], *d = &dy[at];
      const real *c = &cos.value()[by], *s = &sin.value()[by];
      for (int m = 0; m < e.pairs; ++m) {
        const int first = m * e.step, second = first + e.apart;
        if (dx) dx[at + first] += c[m] * d[first] + s[m] * d[second];
        if (dx) dx[at + second] += c[m] * d[second] - s[m] * d[first];
        if (dcos) dcos[by + m] += from[first] * d[first] + from[second] * d[second];
        if (dsin) dsin[by + m] += from[first] * d[second] - from[second] * d[first];
      }
      for (int i = 2 * e.pairs; dx && i < e.d; ++i) dx[at + i] += d[i];
    });
  });
}

}  // namespace yonder
