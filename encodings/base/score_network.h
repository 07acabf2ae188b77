#pragma once
#include <algorithm>
#include <vector>

#include "core/autodiff.h"
#include "core/simd/simd_loops.h"

/// \file
/// Two convolutions along the keys that compute biases from a row's scores (DAPE):
///   f(x) = W_2 ∗ leaky(W_1 ∗ x + b_1) + b_2,   leaky(x) = max(x, 0.01 x)
/// A row has C channels of n keys and hidden columns 0..n, both with zeros outside.
namespace yonder {

/// Weights of one layer of the model: W_1 [F, C, K], b_1 [F], W_2 [H, F, K], b_2 [H].
struct ScoreLayers {
  Var in_weight, in_bias, out_weight, out_bias;  ///< as above
};

/// Evaluates f in rows of n keys, a piece of hidden columns at a time.
class ScoreNetwork {
 public:
  static constexpr int piece = 256;  ///< hidden columns at a time

  /// With these weights.
  explicit ScoreNetwork(const ScoreLayers& w)
      : w_(w),
        C_(w.in_weight.dim(1)),
        F_(w.in_weight.dim(0)),
        H_(w.out_weight.dim(0)),
        K_(w.in_weight.dim(2)),
        pad_(K_ / 2) {}

  /// Parameter gradients of one row.
  struct Sums {
    std::vector<double> in_weight, in_bias, out_weight, out_bias;  ///< as in ScoreLayers
  };
  Sums zeros() const {  ///< with the parameters' sizes
    const auto like = [](const Var& x) { return std::vector<double>(std::size_t(x.size())); };
    return {like(w_.in_weight), like(w_.in_bias), like(w_.out_weight), like(w_.out_bias)};
  }

  /// y[h · stride + j] = f_h of x[c · stride + j], j < n.
  void evaluate(const real* x, real* y, std::int64_t stride, int n) const {
    Buffers b(*this);
    for (int first = 0; first < n; first += piece) {
      const int count = std::min(piece, n - first);
      hidden(x, stride, n, first - pad_, count + 2 * pad_, b);
      for (int h = 0; h < H_; ++h) {
        real* to = y + h * stride + first;
        std::fill_n(to, count, w_.out_bias.value()[h]);
        for (int f = 0; f < F_; ++f)
          for (int m = 0; m < K_; ++m) add(out(h, f, m), b.active_of(f) + m, to, count);
      }
    }
  }

  /// Given dy, adds the gradients of x to dx and those of the parameters to `sums`.
  void differentiate(const real* x, const real* dy, real* dx, std::int64_t stride, int n,
                     Sums& sums) const {
    Buffers b(*this);
    for (int h = 0; h < H_; ++h)
      for (int j = 0; j < n; ++j) sums.out_bias[std::size_t(h)] += double(dy[h * stride + j]);
    for (int first = 0; first <= n; first += piece) {  // hidden columns 0..n
      const int count = std::min(piece, n + 1 - first);
      hidden(x, stride, n, first, count, b);
      for (int h = 0; h < H_; ++h)
        copy_piece(dy + h * stride, n, first - pad_, count + 2 * pad_, b.slope_of(h));
      for (int f = 0; f < F_; ++f) differentiate(f, count, b, sums);
      for (int c = 0; c < C_; ++c) {
        std::fill(b.sum.begin(), b.sum.end(), real(0));
        for (int f = 0; f < F_; ++f)
          for (int m = 0; m < K_; ++m)
            add(in(f, c, m), b.active_of(f), &b.sum[std::size_t(m)], count);
        for (int j = 0; j < count + 2 * pad_; ++j)
          if (const int at = first - pad_ + j; at >= 0 && at < n)
            dx[c * stride + at] += b.sum[std::size_t(j)];
      }
    }
  }

  /// Adds the rows' sums, in order, to the parameters' gradients.
  void fold(const std::vector<Sums>& rows) const {
    const auto to = [&rows](const Var& x, std::vector<double> Sums::*part) {
      if (!x.tracked()) return;
      for (std::int64_t i = 0; i < x.size(); ++i) {
        double sum = 0;
        for (const Sums& row : rows) sum += (row.*part)[std::size_t(i)];
        x.grad()[i] += real(sum);
      }
    };
    to(w_.in_weight, &Sums::in_weight), to(w_.in_bias, &Sums::in_bias);
    to(w_.out_weight, &Sums::out_weight), to(w_.out_bias, &Sums::out_bias);
  }
  std::vector<Var> parameters() const {  ///< in the order of ScoreLayers
    return {w_.in_weight, w_.in_bias, w_.out_weight, w_.out_bias};
  }

 private:
  ScoreLayers w_;
  int C_, F_, H_, K_, pad_;

  // Pieces of rows, with margins on both sides.
  struct Buffers {
    std::size_t width;
    std::vector<real> x, active, slope, sum;  // [C, width], [F, width], [H, width], [width]
    explicit Buffers(const ScoreNetwork& n)
        : width(std::size_t(piece + 4 * n.pad_)),
          x(std::size_t(n.C_) * width),
          active(std::size_t(n.F_) * width),
          slope(std::size_t(n.H_) * width),
          sum(width) {}
    real* x_of(int c) { return &x[std::size_t(c) * width]; }
    real* active_of(int f) { return &active[std::size_t(f) * width]; }
    real* slope_of(int h) { return &slope[std::size_t(h) * width]; }
  };

  real in(int f, int c, int m) const { return w_.in_weight.value()[(f * C_ + c) * K_ + m]; }
  real out(int h, int f, int m) const { return w_.out_weight.value()[(h * F_ + f) * K_ + m]; }

  static void add(real w, const real* x, real* to, int n) {
    map(
        n, to, [by = vec(w)](Vec sum, Vec v) { return hn::MulAdd(by, v, sum); }, to, x);
  }
  static double product(const real* x, const real* y, int n) {
    return double(total(n, times, x, y));
  }
  // Columns first..first+count−1 of a row of n, zeros beyond its ends.
  static void copy_piece(const real* row, int n, int first, int count, real* to) {
    const int begin = std::clamp(-first, 0, count), end = std::clamp(n - first, begin, count);
    std::fill_n(to, begin, real(0));
    std::copy(row + first + begin, row + first + end, to + begin);
    std::fill(to + end, to + count, real(0));
  }

  // b.active = the hidden layer's columns first..first+count−1, 0 outside 0..n; b.x = their inputs.
  void hidden(const real* x, std::int64_t stride, int n, int first, int count, Buffers& b) const {
    for (int c = 0; c < C_; ++c)
      copy_piece(x + c * stride, n, first - pad_, count + 2 * pad_, b.x_of(c));
    for (int f = 0; f < F_; ++f) {
      real* to = b.active_of(f);
      std::fill_n(to, count, w_.in_bias.value()[f]);
      for (int c = 0; c < C_; ++c)
        for (int m = 0; m < K_; ++m) add(in(f, c, m), b.x_of(c) + m, to, count);
      const auto leaky = [small = vec(real(0.01))](Vec v) { return hn::Max(v, hn::Mul(small, v)); };
      map(count, to, leaky, to);
      std::fill_n(to, std::clamp(-first, 0, count), real(0));
      const int end = std::clamp(n + 1 - first, 0, count);
      std::fill(to + end, to + count, real(0));
    }
  }

  // Adds the weight gradients of one hidden unit in a piece; its row of b.active becomes the
  // gradient of its pre-activation.
  void differentiate(int f, int count, Buffers& b, Sums& sums) const {
    real* active = b.active_of(f);
    std::fill(b.sum.begin(), b.sum.end(), real(0));
    for (int h = 0; h < H_; ++h)
      for (int m = 0; m < K_; ++m) {
        const real* dy = b.slope_of(h) + 2 * pad_ - m;  // y_j reads hidden column j + m − pad
        sums.out_weight[std::size_t((h * F_ + f) * K_ + m)] += product(active, dy, count);
        add(out(h, f, m), dy, b.sum.data(), count);
      }
    const auto steep = [small = vec(real(0.01))](Vec d, Vec a) {
      return hn::IfThenElse(hn::Gt(a, hn::Zero(lanes)), d, hn::Mul(small, d));
    };
    map(count, active, steep, b.sum.data(), active);
    const auto itself = [](Vec v) { return v; };
    sums.in_bias[std::size_t(f)] += double(total(count, itself, active));
    for (int c = 0; c < C_; ++c)
      for (int m = 0; m < K_; ++m)
        sums.in_weight[std::size_t((f * C_ + c) * K_ + m)] += product(active, b.x_of(c) + m, count);
  }
};

}  // namespace yonder
