#include "core/ops/neural_ode.h"

#include "core/simd/matmul.h"
#include "core/simd/simd_loops.h"

namespace yonder {
namespace {

constexpr int at_once = 2;  // rows of `start` that one thread integrates together

// y[r, :] = first[:] + time · last[:] + Σ_k x[r, k] W[k, :] for 1 or 2 rows, W [D, D] with
// `stride`.
template <int R>
void product(int D, const real* x, const real* W, std::int64_t stride, const real* first, real time,
             const real* last, real* y) {
  constexpr int V = 4;  // SIMD vectors of columns in registers
  const int lane = int(hn::Lanes(lanes));
  for (int c = 0; c < D; c += V * lane) {
    Vec sum[R][V];
    int width[V];
    for (int v = 0; v < V; ++v) {
      width[v] = std::clamp(D - c - v * lane, 0, lane);
      Vec s = hn::Zero(lanes);
      if (first) s = load_some(first + c + v * lane, width[v]);
      if (last) s = hn::MulAdd(vec(time), load_some(last + c + v * lane, width[v]), s);
      for (int r = 0; r < R; ++r) sum[r][v] = s;
    }
    const bool whole = c + V * lane <= D;
    for (int k = 0; k < D; ++k)
      for (int v = 0; v < V; ++v) {
        const real* w = W + k * stride + c + v * lane;
        const Vec column = whole ? load(w) : load_some(w, width[v]);
        for (int r = 0; r < R; ++r) sum[r][v] = hn::MulAdd(vec(x[r * D + k]), column, sum[r][v]);
      }
    for (int v = 0; v < V; ++v)
      for (int r = 0; r < R; ++r) store_some(sum[r][v], y + r * D + c + v * lane, width[v]);
  }
}

// The flow with its matrices laid out so that products run along rows.
struct OdeLayout {
  int L, D, steps;  // total Runge-Kutta steps
  double delta, dt;
  int substeps;
  Tensor in_t, out_t;  // [D+1, D], the transposes

  static Tensor transposed(const Tensor& w) {
    const int D = w.dim(0), K = w.dim(1);
    Tensor t({K, D});
    for (int i = 0; i < D; ++i)
      for (int k = 0; k < K; ++k) t[k * D + i] = w[i * K + k];
    return t;
  }
  OdeLayout(const Var& start, const Flow& f, int n)
      : L(start.dim(0)),
        D(start.dim(1)),
        steps((n - 1) * f.substeps),
        delta(f.dt / f.substeps),
        dt(f.dt),
        substeps(f.substeps),
        in_t(transposed(f.in_weight.value())),
        out_t(transposed(f.out_weight.value())) {}

  double time(int step) const {
    return (step / substeps + double(step % substeps) / substeps) * dt;
  }
  std::int64_t state(int step, int row) const { return (std::int64_t(step) * L + row) * D; }
};

// a = W_in [p; t] + b_in, its relu u, and k = h(p, t), for R rows.
template <int R>
void stage(const OdeLayout& layout, const Flow& f, const real* p, double t, real* a, real* u,
           real* k) {
  const int D = layout.D;
  product<R>(D, p, layout.in_t.data.get(), D, f.in_bias.value().data.get(), real(t),
             &layout.in_t[D * D], a);
  for (int i = 0; i < R * D; ++i) u[i] = std::max(a[i], real(0));
  product<R>(D, u, layout.out_t.data.get(), D, f.out_bias.value().data.get(), real(t),
             &layout.out_t[D * D], k);
}

// The four stages of one step: the points at which h is evaluated, and its values there.
template <int R>
struct Stages {
  std::vector<real> p[4], a[4], u[4], k[4];
  double t[4];

  explicit Stages(int D) {
    for (int s = 0; s < 4; ++s)
      for (auto* x : {&p[s], &a[s], &u[s], &k[s]}) x->resize(R * D);
  }
  void run(const OdeLayout& layout, const Flow& f, const real* from, double time) {
    constexpr double ahead[] = {0, 0.5, 0.5, 1};
    for (int s = 0; s < 4; ++s) {
      const real h = real(ahead[s] * layout.delta);
      for (int i = 0; i < R * layout.D; ++i) p[s][i] = s ? from[i] + h * k[s - 1][i] : from[i];
      t[s] = time + ahead[s] * layout.delta;
      stage<R>(layout, f, p[s].data(), t[s], a[s].data(), u[s].data(), k[s].data());
    }
  }
};

template <int R>
void rk4_forward(const OdeLayout& layout, const Flow& f, int row, const Tensor& states) {
  Stages<R> stages(layout.D);
  const real sixth = real(layout.delta / 6);
  for (int step = 0; step < layout.steps; ++step) {
    const real* from = &states[layout.state(step, row)];
    real* to = &states[layout.state(step + 1, row)];
    stages.run(layout, f, from, layout.time(step));
    const auto& k = stages.k;
    for (int i = 0; i < R * layout.D; ++i)
      to[i] = from[i] + sixth * (k[0][i] + 2 * (k[1][i] + k[2][i]) + k[3][i]);
  }
}

// Saved for the weight gradients, one row per (step, stage, row): d(k), [u; t], d(a), [p; t].
struct SavedStages {
  Tensor dk, u, da, p;
  explicit SavedStages(const OdeLayout& layout)
      : SavedStages(layout.steps * 4 * layout.L, layout.D) {}
  SavedStages(int n, int D)
      : dk(Tensor::uninitialized({n, D})),
        u(Tensor::uninitialized({n, D + 1})),
        da(Tensor::uninitialized({n, D})),
        p(Tensor::uninitialized({n, D + 1})) {}
};

// Backpropagates dp, the gradient of the state after the last step, to that of the start. dy is
// added to dp wherever a step ends at a position.
template <int R>
void rk4_backward(const OdeLayout& layout, const Flow& f, int row, const Tensor& states,
                  const Tensor& dy, const SavedStages& saved, real* dp) {
  const int D = layout.D;
  Stages<R> stages(D);
  std::vector<real> dk(R * D), du(R * D), da(R * D), dq(R * D), g(R * D);
  constexpr double weight[] = {1 / 6.0, 1 / 3.0, 1 / 3.0, 1 / 6.0}, ahead[] = {0, 0.5, 0.5, 1};
  for (int step = layout.steps - 1; step >= 0; --step) {
    if ((step + 1) % layout.substeps == 0)
      for (int i = 0; i < R * D; ++i)
        dp[i] += dy[layout.state((step + 1) / layout.substeps, row) + i];
    stages.run(layout, f, &states[layout.state(step, row)], layout.time(step));
    std::copy_n(dp, R * D, g.data());
    for (int s = 3; s >= 0; --s) {
      const real own = real(weight[s] * layout.delta),
                 next = s < 3 ? real(ahead[s + 1] * layout.delta) : 0;
      for (int i = 0; i < R * D; ++i) dk[i] = own * g[i] + (s < 3 ? next * dq[i] : 0);
      product<R>(D, dk.data(), f.out_weight.value().data.get(), D + 1, nullptr, 0, nullptr,
                 du.data());
      for (int i = 0; i < R * D; ++i) da[i] = stages.a[s][i] > 0 ? du[i] : 0;
      product<R>(D, da.data(), f.in_weight.value().data.get(), D + 1, nullptr, 0, nullptr,
                 dq.data());
      for (int i = 0; i < R * D; ++i) dp[i] += dq[i];
      for (int r = 0; r < R; ++r) {
        const std::int64_t at = (std::int64_t(step) * 4 + s) * layout.L + row + r;
        std::copy_n(&dk[r * D], D, &saved.dk[at * D]);
        std::copy_n(&da[r * D], D, &saved.da[at * D]);
        std::copy_n(&stages.u[s][r * D], D, &saved.u[at * (D + 1)]);
        std::copy_n(&stages.p[s][r * D], D, &saved.p[at * (D + 1)]);
        saved.u[at * (D + 1) + D] = saved.p[at * (D + 1) + D] = real(stages.t[s]);
      }
    }
  }
  for (int i = 0; i < R * D; ++i) dp[i] += dy[layout.state(0, row) + i];
}

// Calls f.operator()<R>(row) for the rows of `start`, at_once at a time, an odd last one alone.
template <class F>
void each_group(int L, const F& f) {
  parallel_for((L + at_once - 1) / at_once, [&](std::int64_t g) {
    const int row = int(g) * at_once;
    if (row + at_once <= L) f.template operator()<at_once>(row);
    else f.template operator()<1>(row);
  });
}

// weight += dyᵀ x, whose last column is t; bias += the column sums of dy.
void add_outer(const Tensor& dy, const Tensor& x, const Var& weight, const Var& bias) {
  const int n = dy.dim(0), D = dy.dim(1), K = x.dim(1);
  if (weight.tracked())
    matmul({.M = D,
            .N = K,
            .K = n,
            .a = {dy.data.get(), D, true},
            .b = {x.data.get(), K},
            .c = weight.grad().data.get(),
            .c_stride = K,
            .add = true});
  if (bias.tracked())
    parallel_add_rows(
        n, D, bias.grad().data.get(), [](Vec v) { return v; }, dy.data.get());
}

}  // namespace

Var trajectory(const Var& start, const Flow& f, int n) {
  const OdeLayout layout(start, f, n);
  const int L = layout.L, D = layout.D;
  Tensor states = Tensor::uninitialized({layout.steps + 1, L, D});  // after every step
  std::copy_n(start.value().data.get(), L * D, states.data.get());
  each_group(L, [&]<int R>(int row) { rk4_forward<R>(layout, f, row, states); });
  Tensor y = states;
  if (f.substeps > 1) {
    y = Tensor::uninitialized({n, L, D});
    for (int i = 0; i < n; ++i)
      std::copy_n(&states[layout.state(i * f.substeps, 0)], L * D, &y[layout.state(i, 0)]);
  }
  return Tape::record(y, {start, f.in_weight, f.in_bias, f.out_weight, f.out_bias},
                      [layout, start, f, states, L, D](const Tensor& dy) {
                        const SavedStages saved(layout);
                        Tensor dp({L, D});
                        each_group(L, [&]<int R>(int row) {
                          rk4_backward<R>(layout, f, row, states, dy, saved, &dp[row * D]);
                        });
                        if (start.tracked())
                          for (int i = 0; i < L * D; ++i) start.grad()[i] += dp[i];
                        if (layout.steps == 0) return;
                        add_outer(saved.dk, saved.u, f.out_weight, f.out_bias);
                        add_outer(saved.da, saved.p, f.in_weight, f.in_bias);
                      });
}

}  // namespace yonder
