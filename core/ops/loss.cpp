#include <cassert>
#include <cmath>

#include "core/ops/ops.h"
#include "core/simd/simd_loops.h"

namespace yonder {
namespace {

// log Σ_j e^x_j, shifted by the largest x so that nothing overflows.
real log_sum_exp(const real* x, std::int64_t n) {
  const real most = largest(n, x);
  const auto shifted = [most](Vec v) { return exp_of_negative(hn::Sub(v, vec(most))); };
  return most + std::log(total(n, shifted, x));
}

}  // namespace

// loss = 1/n Σ_r (lse_r − x_rt),  lse_r = log Σ_j e^x_rj;  dx_rj += (e^(x_rj − lse_r) − [j = t])
// dy/n
Var cross_entropy(const Var& logits, std::span<const int> targets) {
  const std::int64_t V = logits.dim(-1), rows = logits.size() / V;
  assert(std::int64_t(targets.size()) == rows);
  const std::vector<int> target(targets.begin(), targets.end());
  std::vector<real> lse(rows);
  parallel_rows(rows, V, [&](std::int64_t r) {
    if (target[r] >= 0) lse[r] = log_sum_exp(&logits.value()[r * V], V);
  });
  double sum = 0;
  int counted = 0;
  for (std::int64_t r = 0; r < rows; ++r)
    if (target[r] >= 0) {
      sum += double(lse[r]) - double(logits.value()[r * V + target[r]]);
      ++counted;
    }
  Tensor y({1});
  if (counted) y[0] = real(sum / counted);
  return Tape::record(y, {logits}, [logits, target, lse, counted, V, rows](const Tensor& dy) {
    const auto [dx, add] = logits.gradient().target();
    const real share = dy[0] / real(counted);
    parallel_rows(rows, V, [&, to = dx.data.get(), add = add](std::int64_t r) {
      real* const row = to + r * V;
      if (!add) std::fill_n(row, V, real(0));
      if (target[r] < 0) return;
      const auto added = [share, shift = lse[r]](Vec g, Vec x) {
        return hn::MulAdd(vec(share), exp_of_negative(hn::Sub(x, vec(shift))), g);
      };
      map(V, row, added, row, &logits.value()[r * V]);
      row[target[r]] -= share;
    });
  });
}

TokenLoss token_losses(const Tensor& logits, std::span<const int> targets) {
  const std::int64_t V = logits.dim(-1), rows = logits.size() / V;
  assert(std::int64_t(targets.size()) == rows);
  TokenLoss result{std::vector<real>(rows), std::vector<int>(rows)};
  parallel_rows(rows, V, [&](std::int64_t r) {
    const real* const x = &logits[r * V];
    result.argmax[r] = int(std::max_element(x, x + V) - x);
    if (targets[r] >= 0) result.loss[r] = log_sum_exp(x, V) - x[targets[r]];
  });
  return result;
}

}  // namespace yonder
