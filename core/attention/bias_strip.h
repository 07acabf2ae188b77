#pragma once
#include "core/attention/tile_pair.h"
#include "core/parallel.h"

namespace yonder::fused {

/// The sum of a call's strip biases, for one strip of query rows at a time.
class Strips {
 public:
  explicit Strips(const AttentionCall&);  ///< allocates one strip of all heads

  bool empty() const { return call_.scores.strips.empty(); }  ///< whether there are no biases
  /// Whether some hook has a tracked input.
  bool tracked() const;

  /// Calls f(first row, sequences) for each strip in order, with its bias computed: one strip
  /// serves all sequences if all hooks are shared.
  template <class F>
  void each(F&& f) {
    const int at_once = shared_ ? call_.B : 1;
    for (int t = 0; t < call_.query_tiles(); ++t)
      for (int b = 0; b < call_.B; b += at_once) {
        make(b, t * side);
        f(t * side, IndexRange{b, b + at_once});
      }
  }
  /// Bias of head h, [Tk, side], stored by key like Square.
  const real* bias(int h) const { return &transposed_[std::int64_t(h) * call_.Tk * side]; }
  /// Passes d(loss)/d(bias), [H, Tk, side], of the current strip to the hooks.
  void differentiate(const Tensor& transposed);

 private:
  const AttentionCall& call_;
  bool shared_ = true;
  int b_ = 0, first_ = 0, rows_ = 0;
  Tensor strip_;       // [H, rows, Tk] as hooks see it
  Tensor transposed_;  // [H, Tk, side]

  void make(int b, int first);
};

/// Calls f(tile of queries, its strip bias or null) for every tile of a call, in any order.
template <class F>
void each_query_tile(const AttentionCall& call, F&& f) {
  if (Strips strips(call); !strips.empty()) {
    strips.each([&](int first, IndexRange sequences) {
      parallel_for(std::int64_t(sequences.size()) * call.H, [&](std::int64_t n) {
        const int b = sequences.begin + int(n / call.H), h = int(n % call.H);
        f(TileOrigin{b, h, first}, strips.bias(h));
      });
    });
    return;
  }
  const int tiles = call.query_tiles(), heads = call.B * call.H;
  parallel_for(std::int64_t(tiles) * heads, [&](std::int64_t n) {
    // The longest rows first, so that threads don't wait for a long one at the end.
    const int head = int(n % heads), t = tiles - 1 - int(n / heads);
    f(TileOrigin{head / call.H, head % call.H, t * side}, static_cast<const real*>(nullptr));
  });
}

}  // namespace yonder::fused
