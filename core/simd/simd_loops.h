#pragma once
#include <algorithm>

#include "core/parallel.h"
#include "core/simd/simd_math.h"
#include "core/tensor.h"

/// \file
/// Loops over vectors of `real`, on one thread and on all. The tail is computed as a masked vector,
/// so the bits of an element never depend on its index.
namespace yonder {

inline Vec load(const real* p) { return hn::LoadU(lanes, p); }  ///< needs no alignment
inline void store(Vec x, real* p) { hn::StoreU(x, lanes, p); }  ///< needs no alignment

/// Loads the first n lanes, with 0 in the others; reads nothing beyond them.
inline Vec load_some(const real* p, std::int64_t n) {
  return hn::MaskedLoad(hn::FirstN(lanes, std::size_t(n)), lanes, p);
}
/// Stores the first n lanes; writes nothing beyond them.
inline void store_some(Vec x, real* p, std::int64_t n) {
  hn::BlendedStore(x, hn::FirstN(lanes, std::size_t(n)), lanes, p);
}

/// out[i] = f(in[i], …) for i in 0..n−1; `out` may be one of the inputs.
template <class F, class... In>
void map(std::int64_t n, real* out, const F& f, const In*... in) {
  const std::int64_t step = hn::Lanes(lanes), i = n - n % step;
  by_fours(
      std::int64_t(0), i, step, [&](std::int64_t k) { return f(load(in + k)...); },
      [&](std::int64_t k, Vec y) { store(y, out + k); });
  if (i < n) store_some(f(load_some(in + i, n - i)...), out + i, n - i);
}

/// Σ f(in[i], …) over i in 0..n−1.
template <class F, class... In>
real total(std::int64_t n, const F& f, const In*... in) {
  const std::int64_t step = hn::Lanes(lanes), i = n - n % step;
  Vec sum = hn::Zero(lanes);
  by_fours(
      std::int64_t(0), i, step, [&](std::int64_t k) { return f(load(in + k)...); },
      [&](std::int64_t, Vec y) { sum = hn::Add(sum, y); });
  if (i < n) {
    const auto inside = hn::FirstN(lanes, std::size_t(n - i));
    sum = hn::Add(sum, hn::IfThenElseZero(inside, f(load_some(in + i, n - i)...)));
  }
  return hn::GetLane(hn::SumOfLanes(lanes, sum));
}

/// The largest of n ≥ 1 values.
inline real largest(std::int64_t n, const real* in) {
  const std::int64_t step = hn::Lanes(lanes);
  Vec most = vec(in[0]);
  std::int64_t i = 0;
  for (; i + step <= n; i += step) most = hn::Max(most, load(in + i));
  real result = hn::GetLane(hn::MaxOfLanes(lanes, most));
  for (; i < n; ++i) result = std::max(result, in[i]);
  return result;
}

/// Elements per work item: enough to amortise its scheduling, few enough to balance the threads.
constexpr std::int64_t chunk = 16384;

/// Calls f(first, last) for pieces of 0..n−1 of length `piece`, the last one possibly shorter.
template <class F>
void parallel_pieces(std::int64_t n, std::int64_t piece, const F& f) {
  if (n <= piece) return n > 0 ? f(0, n) : void();
  parallel_for((n + piece - 1) / piece,
               [&](std::int64_t i) { f(i * piece, std::min(n, (i + 1) * piece)); });
}

/// Rows of `width` reals per work item.
inline std::int64_t chunk_rows(std::int64_t width) {
  return std::max<std::int64_t>(1, chunk / std::max<std::int64_t>(1, width));
}

/// Calls f(r) for each of `rows` rows of `width` reals, on all threads.
template <class F>
void parallel_rows(std::int64_t rows, std::int64_t width, const F& f) {
  parallel_pieces(rows, chunk_rows(width), [&](std::int64_t r, std::int64_t last) {
    for (; r < last; ++r) f(r);
  });
}

/// map() on all threads.
template <class F, class... In>
void parallel_map(std::int64_t n, real* out, const F& f, const In*... in) {
  parallel_pieces(n, chunk, [&](std::int64_t first, std::int64_t last) {
    map(last - first, out + first, f, in + first...);
  });
}

/// out[i] = f(in[i], …, b[i mod period]) for i in 0..n−1, on all threads.
template <class F, class... In>
void parallel_map_repeating(std::int64_t n, real* out, const F& f, const real* b,
                            std::int64_t period, const In*... in) {
  parallel_pieces(n, chunk, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t i = first; i < last;) {
      const std::int64_t j = i % period, length = std::min(period - j, last - i);
      map(length, out + i, f, in + i..., b + j);
      i += length;
    }
  });
}

/// out[j] += Σ_r f(in[r·n + j], …), r in 0..rows−1: fixed pieces of rows, added in order.
template <class F, class... In>
void parallel_add_rows(std::int64_t rows, std::int64_t n, real* out, const F& f, const In*... in) {
  if (rows * n == 0) return;
  constexpr std::int64_t width = 1024;  // columns of one piece, so that its sums stay in cache
  const std::int64_t height = std::max<std::int64_t>(16, chunk / std::min(n, width));
  const std::int64_t pieces = (rows + height - 1) / height, strips = (n + width - 1) / width;
  const Tensor partial = Tensor::uninitialized({int(pieces), int(n)});
  parallel_pieces(pieces * strips, 1, [&](std::int64_t item, std::int64_t) {
    const std::int64_t p = item / strips, j = item % strips * width, w = std::min(width, n - j);
    real* const sum = &partial[p * n + j];
    const std::int64_t first = p * height, last = std::min(rows, first + height);
    map(w, sum, f, in + first * n + j...);
    for (std::int64_t r = first + 1; r < last; ++r)
      map(
          w, sum, [&](Vec s, auto... x) { return plus(s, f(x...)); }, sum, in + r * n + j...);
  });
  for (std::int64_t p = 0; p < pieces; ++p) map(n, out, plus, out, &partial[p * n]);
}

}  // namespace yonder
