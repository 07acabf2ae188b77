#include "core/ops/gru.h"

#include "core/simd/matmul.h"
#include "core/simd/simd_loops.h"

namespace yonder {
namespace {

// Activations of one step saved for the backward pass: [B, 4, D].
enum Saved { reset, update, fresh, hidden };

struct Extents {
  int B, T, D;
  Direction direction;
  std::vector<int> lengths;

  explicit Extents(const Gru& g)
      : B(g.gates.dim(0)),
        T(g.gates.dim(1)),
        D(g.gates.dim(2) / 3),
        direction(g.direction),
        lengths(g.lengths.begin(), g.lengths.end()) {}

  int time(int step) const { return direction == Direction::forward ? step : T - 1 - step; }
  int before(int t) const { return direction == Direction::forward ? t - 1 : t + 1; }
  // Whether token t is the first read of sequence b, or padding before it: no state precedes it.
  bool begins(int b, int t) const {
    if (direction == Direction::forward) return t == 0;
    return t + 1 >= (lengths.empty() ? T : lengths[b]);
  }
  std::int64_t row(int b, int t) const { return std::int64_t(b) * T + t; }
};

// Computes h' of one sequence and saves its gates; `a` is W_h h + b_h.
void step_forward(int D, const real* g, const real* a, const real* before, real* after,
                  real* saved) {
  const int lane = int(hn::Lanes(lanes));
  for (int c = 0; c < D; c += lane) {
    const int n = std::min(lane, D - c);
    auto at = [&](const real* p) { return load_some(p + c, n); };
    const Vec r = sigmoid_of(hn::Add(at(g), at(a)));
    const Vec z = sigmoid_of(hn::Add(at(g + D), at(a + D)));
    const Vec u = at(a + 2 * D);
    const Vec candidate = hn::Tanh(lanes, hn::MulAdd(r, u, at(g + 2 * D)));
    store_some(hn::MulAdd(z, hn::Sub(at(before), candidate), candidate), after + c, n);
    if (!saved) continue;
    store_some(r, saved + reset * D + c, n);
    store_some(z, saved + update * D + c, n);
    store_some(candidate, saved + fresh * D + c, n);
    store_some(u, saved + hidden * D + c, n);
  }
}

// From dh, the gradient of the state after the step: sets da, adds to dg, and puts z∘dh into
// `through`.
void step_backward(int D, const real* saved, const real* before, const real* dh, real* da, real* dg,
                   real* through) {
  for (int c = 0; c < D; ++c) {
    const real r = saved[reset * D + c], z = saved[update * D + c];
    const real n = saved[fresh * D + c], u = saved[hidden * D + c];
    const real dn = dh[c] * (1 - z) * (1 - n * n);
    const real dz = dh[c] * (before[c] - n) * z * (1 - z);
    const real dr = dn * u * r * (1 - r);
    da[c] = dr, da[D + c] = dz, da[2 * D + c] = dn * r;
    if (dg) dg[c] += dr, dg[D + c] += dz, dg[2 * D + c] += dn;
    through[c] = dh[c] * z;
  }
}

// Gathers the states before time t, [B, D].
void gather_before(const Extents& e, int t, const Tensor& states, const Tensor& start,
                   real* before) {
  for (int b = 0; b < e.B; ++b) {
    real* to = before + std::int64_t(b) * e.D;
    if (!e.begins(b, t)) std::copy_n(&states[e.row(b, e.before(t)) * e.D], e.D, to);
    else if (start) std::copy_n(&start[std::int64_t(b) * e.D], e.D, to);
    else std::fill_n(to, e.D, real(0));
  }
}

void run_backward(const Extents& e, const Tensor& y, const Tensor& saved, const Gru& g,
                  const Tensor& dy) {
  const auto [B, T, D] = std::tuple(e.B, e.T, e.D);
  Tensor before = Tensor::uninitialized({T, B, D}), da = Tensor::uninitialized({T, B, 3 * D});
  Tensor dh({B, D}), through = Tensor::uninitialized({B, D});
  for (int step = T - 1; step >= 0; --step) {
    const int t = e.time(step);
    const std::int64_t at = std::int64_t(t) * B;
    gather_before(e, t, y, g.start.value(), &before[at * D]);
    for (int b = 0; b < B; ++b) {
      for (int c = 0; c < D; ++c) dh[b * D + c] += dy[e.row(b, t) * D + c];
      step_backward(
          D, &saved[(at + b) * 4 * D], &before[(at + b) * D], &dh[b * D], &da[(at + b) * 3 * D],
          g.gates.tracked() ? &g.gates.grad()[e.row(b, t) * 3 * D] : nullptr, &through[b * D]);
    }
    std::swap(dh, through);
    matmul({.M = B,
            .N = D,
            .K = 3 * D,
            .a = {&da[at * 3 * D], 3 * D},
            .b = {g.weight.value().data.get(), D},
            .c = dh.data.get(),
            .c_stride = D,
            .add = true});
    for (int b = 0; b < B; ++b) {
      if (!e.begins(b, t)) continue;
      if (g.start.tracked())
        for (int c = 0; c < D; ++c) g.start.grad()[b * D + c] += dh[b * D + c];
      std::fill_n(&dh[b * D], D, real(0));
    }
  }
  if (g.weight.tracked())
    matmul({.M = 3 * D,
            .N = D,
            .K = std::int64_t(T) * B,
            .a = {da.data.get(), 3 * D, true},
            .b = {before.data.get(), D},
            .c = g.weight.grad().data.get(),
            .c_stride = D,
            .add = true});
  if (g.bias.tracked())
    for (std::int64_t i = 0; i < std::int64_t(T) * B; ++i)
      for (int c = 0; c < 3 * D; ++c) g.bias.grad()[c] += da[i * 3 * D + c];
}

}  // namespace

Var gru(const Gru& g) {
  const Extents e(g);
  const auto [B, T, D] = std::tuple(e.B, e.T, e.D);
  const bool records = Tape::records(g.gates, g.weight, g.bias, g.start);
  Tensor y = Tensor::uninitialized({B, T, D});
  Tensor before = Tensor::uninitialized({B, D}), a = Tensor::uninitialized({B, 3 * D});
  Tensor saved = records ? Tensor::uninitialized({T, B, 4, D}) : Tensor();
  for (int step = 0; step < T; ++step) {
    const int t = e.time(step);
    gather_before(e, t, y, g.start.value(), before.data.get());
    for (int b = 0; b < B; ++b)
      std::copy_n(g.bias.value().data.get(), 3 * D, &a[std::int64_t(b) * 3 * D]);
    matmul({.M = B,
            .N = 3 * D,
            .K = D,
            .a = {before.data.get(), D},
            .b = {g.weight.value().data.get(), D, true},
            .c = a.data.get(),
            .c_stride = 3 * D,
            .add = true});
    for (int b = 0; b < B; ++b)
      step_forward(D, &g.gates.value()[e.row(b, t) * 3 * D], &a[b * 3 * D], &before[b * D],
                   &y[e.row(b, t) * D],
                   records ? &saved[(std::int64_t(t) * B + b) * 4 * D] : nullptr);
  }
  return Tape::record(y, {g.gates, g.weight, g.bias, g.start},
                      [e, y, saved, g](const Tensor& dy) { run_backward(e, y, saved, g, dy); });
}

}  // namespace yonder
