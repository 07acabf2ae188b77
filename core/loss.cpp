#include <cassert>
#include <cmath>

#include "core/ops.h"
#include "core/vector.h"

namespace yonder {
namespace {

// log Σ_j e^x_j, shifted by the largest x so that nothing overflows.
real log_sum_exp(const real* x, std::int64_t n) {
  const real most = *std::max_element(x, x + n);
  const real sum = total(
      n, [most](Vec v) { return hn::Exp(lanes, hn::Sub(v, vec(most))); }, x);
  return most + std::log(sum);
}

}  // namespace

// loss = 1/n Σ_r (log Σ_j e^x_rj − x_rt);  dx_rj += (softmax_rj − [j = t]) dy/n
Var cross_entropy(const Var& logits, std::span<const int> targets) {
  const std::int64_t V = logits.dim(-1), rows = logits.size() / V,
                     height = std::max<std::int64_t>(1, 4096 / V);
  assert(std::int64_t(targets.size()) == rows);
  const Tensor saved = Tensor::uninitialized({int(rows)});  // log-sum-exp of each row
  parallel_pieces(rows, height, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t r = first; r < last; ++r)
      if (targets[r] >= 0) saved[r] = log_sum_exp(&logits.value()[r * V], V);
  });
  double sum = 0;
  int counted = 0;
  for (std::int64_t r = 0; r < rows; ++r)
    if (targets[r] >= 0) {
      sum += double(saved[r]) - double(logits.value()[r * V + targets[r]]);
      ++counted;
    }
  Tensor y({1});
  if (counted) y[0] = real(sum / counted);
  const std::vector<int> target(targets.begin(), targets.end());
  return Tape::record(
      y, {logits}, [logits, target, saved, counted, V, rows, height](const Tensor& dy) {
        const Tensor& dx = logits.grad();
        const real share = dy[0] / real(counted);
        parallel_pieces(rows, height, [&](std::int64_t first, std::int64_t last) {
          for (std::int64_t r = first; r < last; ++r) {
            if (target[r] < 0) continue;
            real* const g = &dx[r * V];
            map(
                V, g,
                [share, lse = saved[r]](Vec s, Vec x) {
                  return hn::MulAdd(vec(share), hn::Exp(lanes, hn::Sub(x, vec(lse))), s);
                },
                g, &logits.value()[r * V]);
            g[target[r]] -= share;
          }
        });
      });
}

TokenLoss token_losses(const Tensor& logits, std::span<const int> targets) {
  const std::int64_t V = logits.dim(-1), rows = logits.size() / V;
  assert(std::int64_t(targets.size()) == rows);
  TokenLoss result{std::vector<real>(rows), std::vector<int>(rows)};
  parallel_pieces(rows, std::max<std::int64_t>(1, 4096 / V),
                  [&](std::int64_t first, std::int64_t last) {
                    for (std::int64_t r = first; r < last; ++r) {
                      const real* const x = &logits[r * V];
                      result.argmax[r] = int(std::max_element(x, x + V) - x);
                      if (targets[r] >= 0) result.loss[r] = log_sum_exp(x, V) - x[targets[r]];
                    }
                  });
  return result;
}

}  // namespace yonder
