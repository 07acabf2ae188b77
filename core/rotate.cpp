#include <cassert>

#include "core/ops.h"
#include "core/parallel.h"
#include "core/vector.h"

namespace yonder {
namespace {

struct Extents {
  std::int64_t tokens, heads, width, pairs, angles;  // rows of cos and sin
};

// One token, all heads: out = or += (x cos ∓ y sin, y cos ± x sin)
template <class Put>
void turn(const real* in, real* out, const Extents& e, const real* cos, const real* sin, real sign,
          bool interleaved, Put put) {
  const std::int64_t step = interleaved ? 2 : 1, apart = interleaved ? 1 : e.pairs;
  for (std::int64_t h = 0; h < e.heads; ++h, in += e.width, out += e.width) {
    for (std::int64_t m = 0; m < e.pairs; ++m) {
      const real x = in[m * step], y = in[m * step + apart], c = cos[m], s = sign * sin[m];
      put(out[m * step], x * c - y * s);
      put(out[m * step + apart], x * s + y * c);
    }
    for (std::int64_t m = 2 * e.pairs; m < e.width; ++m) put(out[m], in[m]);
  }
}

template <class Put>
void turn_all(const Tensor& in, const Tensor& out, const Extents& e, const Rotation& by, real sign,
              Put put) {
  const std::int64_t row = e.heads * e.width;
  parallel_pieces(e.tokens, std::max<std::int64_t>(1, chunk / row),
                  [&](std::int64_t t, std::int64_t last) {
                    for (; t < last; ++t) {
                      const std::int64_t angle = t % e.angles * e.pairs;
                      turn(&in[t * row], &out[t * row], e, &by.cos[angle], &by.sin[angle], sign,
                           by.interleaved, put);
                    }
                  });
}

}  // namespace

Var rotate(const Var& x, const Rotation& by) {
  const Extents e{.tokens = x.dim(0) * x.dim(1),
                  .heads = x.dim(2),
                  .width = x.dim(3),
                  .pairs = by.cos.dim(-1),
                  .angles = by.cos.dim(0)};
  assert((e.angles == e.tokens || e.angles == x.dim(1)) && 2 * e.pairs <= e.width);
  assert(by.sin.shape == by.cos.shape);
  Tensor y = Tensor::uninitialized(x.shape());
  turn_all(x.value(), y, e, by, 1, [](real& out, real v) { out = v; });
  return Tape::record(y, {x}, [dx = x.gradient(), by, e](const Tensor& dy) {
    turn_all(dy, dx.sum(), e, by, -1, [](real& out, real v) { out += v; });
  });
}

}  // namespace yonder
