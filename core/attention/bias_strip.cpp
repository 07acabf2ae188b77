#include "core/attention/bias_strip.h"

#include "core/parallel.h"

namespace yonder::fused {

Strips::Strips(const AttentionCall& call) : call_(call) {
  for (const StripBias& hook : call.scores.strips) shared_ = shared_ && hook.shared;
  if (empty()) return;
  strip_ = Tensor::uninitialized({call.H, side, call.Tk});
  transposed_ = Tensor::uninitialized({call.H, call.Tk, side});
}

bool Strips::tracked() const {
  for (const StripBias& hook : call_.scores.strips)
    for (const Var& x : hook.inputs)
      if (x.tracked()) return true;
  return false;
}

namespace {

// Calls f(key, row) for keys `first`..`end` − 1 and all rows, in blocks that keep both layouts in
// the cache.
template <class F>
void each_in_blocks(int first, int end, int rows, F&& f) {
  constexpr int block = 16;
  for (int start = first; start < end; start += block)
    for (int i = 0; i < rows; ++i)
      for (int j = start; j < std::min(start + block, end); ++j) f(j, i);
}

}  // namespace

// Only tiles of keys that the strip sees are transposed: attention reads no others.
void Strips::make(int b, int first) {
  b_ = b, first_ = first, rows_ = std::min(side, call_.Tq - first);
  const IndexRange seen = call_.band.keys({first, first + rows_}, call_.Tk);
  const int tile = seen.begin / side, tiles = (seen.end + side - 1) / side - tile;
  bool fresh = true;
  for (const StripBias& hook : call_.scores.strips) {
    hook.forward(hook.shared ? 0 : b, first, rows_, strip_.data.get());
    parallel_for(std::int64_t(call_.H) * std::max(tiles, 0), [&](std::int64_t n) {
      const std::int64_t h = n / tiles;
      const int key = (tile + int(n % tiles)) * side, end = std::min(key + side, call_.Tk);
      const real* from = &strip_[h * rows_ * call_.Tk];
      real* to = &transposed_[h * call_.Tk * side];
      if (fresh) std::fill_n(to + std::int64_t(key) * side, (end - key) * side, real(0));
      each_in_blocks(key, end, rows_, [&](int j, int i) {
        to[std::int64_t(j) * side + i] += from[std::int64_t(i) * call_.Tk + j];
      });
    });
    fresh = false;
  }
}

void Strips::differentiate(const Tensor& transposed) {
  parallel_for(call_.H, [&](std::int64_t h) {
    const real* from = &transposed[h * call_.Tk * side];
    real* to = &strip_[h * rows_ * call_.Tk];
    each_in_blocks(0, call_.Tk, rows_, [&](int j, int i) {
      to[std::int64_t(i) * call_.Tk + j] = from[std::int64_t(j) * side + i];
    });
  });
  for (const StripBias& hook : call_.scores.strips)
    hook.backward(hook.shared ? 0 : b_, first_, rows_, strip_.data.get());
}

}  // namespace yonder::fused
