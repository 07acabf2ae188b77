#include "core/attention.h"

#include "core/attention_plan.h"
#include "core/error.h"

namespace yonder {
namespace {

using fused::Band;
using fused::Plan;

// Terms that are declared and not built yet.
void refuse_unbuilt(const Dots& dots, const Scores& scores) {
  bool unbuilt = dots.far_q || dots.far_k || dots.far_q_right || dots.far_window;
  unbuilt = unbuilt || !scores.strips.empty() || !scores.contextual.empty();
  for (const RelativeTerm& term : scores.relative) unbuilt |= term.A || term.B || term.V;
  if (unbuilt)
    throw UsageError("attention: of the terms of a score only q·k and c are built; leave the rest");
}

// Visible token distances, in rows of this call.
Band visible(const Mask& mask, const Positions& queries, const Positions& keys) {
  Band band{-Band::unlimited, Band::unlimited};
  if (mask.window > 0) band = {1 - mask.window, mask.window - 1};
  if (mask.causal) band.least = 0;
  const int shift = queries.first - keys.first;
  return {band.least - shift, band.most - shift};
}

[[maybe_unused]] bool has_extents(const Var& x, const Shape& shape) { return x.shape() == shape; }

void check_extents([[maybe_unused]] const Plan& plan) {
  assert(has_extents(plan.dots.q, {plan.B, plan.Tq, plan.H, plan.dk}));
  assert(has_extents(plan.dots.k, {plan.B, plan.Tk, plan.H, plan.dk}));
  assert(has_extents(plan.v, {plan.B, plan.Tk, plan.H, plan.dv}));
  for ([[maybe_unused]] const RelativeTerm& term : plan.scores.relative)
    assert(!term.c || has_extents(term.c, {term.bucket.rows, plan.H}));
}

}  // namespace

Var attention(const Dots& dots, const Var& v, const Scores& scores, const Mask& mask,
              const Positions& queries, const Positions& keys) {
  refuse_unbuilt(dots, scores);
  const Plan plan{.dots = dots,
                  .v = v,
                  .scores = scores,
                  .queries = queries,
                  .keys = keys,
                  .consecutive = queries.consecutive && keys.consecutive,
                  .B = dots.q.dim(0),
                  .Tq = dots.q.dim(1),
                  .Tk = dots.k.dim(1),
                  .H = dots.q.dim(2),
                  .dk = dots.q.dim(3),
                  .dv = v.dim(3),
                  .band = visible(mask, queries, keys)};
  check_extents(plan);

  Tensor z({plan.B, plan.Tq, plan.H, plan.dv});
  Tensor log_sums = Tensor::uninitialized({plan.B, plan.H, plan.Tq});
  forward(plan, by_distance(plan), z, log_sums);

  std::vector<Var> inputs{dots.q, dots.k, v};
  for (const RelativeTerm& term : scores.relative) inputs.push_back(term.c);
  return Tape::record(
      z, inputs, [plan, z, log_sums](const Tensor& dz) { fused::backward(plan, z, log_sums, dz); });
}

}  // namespace yonder
