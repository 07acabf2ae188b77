#include "core/attention_strips.h"

#include "core/parallel.h"

namespace yonder::fused {

Strips::Strips(const Plan& plan) : plan_(plan) {
  for (const StripBias& hook : plan.scores.strips) shared_ = shared_ && hook.shared;
  if (empty()) return;
  strip_ = Tensor::uninitialized({plan.H, side, plan.Tk});
  turned_ = Tensor::uninitialized({plan.H, plan.Tk, side});
}

bool Strips::tracked() const {
  for (const StripBias& hook : plan_.scores.strips)
    for (const Var& x : hook.inputs)
      if (x.tracked()) return true;
  return false;
}

void Strips::make(int b, int first) {
  b_ = b, first_ = first, rows_ = std::min(side, plan_.Tq - first);
  std::fill(turned_.flat().begin(), turned_.flat().end(), real(0));
  for (const StripBias& hook : plan_.scores.strips) {
    hook.forward(hook.shared ? 0 : b, first, rows_, strip_.data.get());
    parallel_for(plan_.H, [&](std::int64_t h) {
      const real* from = &strip_[h * rows_ * plan_.Tk];
      real* to = &turned_[h * plan_.Tk * side];
      for (int i = 0; i < rows_; ++i)
        for (int j = 0; j < plan_.Tk; ++j) to[j * side + i] += from[std::int64_t(i) * plan_.Tk + j];
    });
  }
}

void Strips::differentiate(const Tensor& turned) {
  parallel_for(plan_.H, [&](std::int64_t h) {
    const real* from = &turned[h * plan_.Tk * side];
    real* to = &strip_[h * rows_ * plan_.Tk];
    for (int i = 0; i < rows_; ++i)
      for (int j = 0; j < plan_.Tk; ++j) to[std::int64_t(i) * plan_.Tk + j] = from[j * side + i];
  });
  for (const StripBias& hook : plan_.scores.strips)
    hook.backward(hook.shared ? 0 : b_, first_, rows_, strip_.data.get());
}

}  // namespace yonder::fused
