#include "core/attention.h"

#include "core/attention_plan.h"
#include "core/error.h"

namespace yonder {
namespace {

using fused::Band;
using fused::Pairing;
using fused::Plan;

void refuse_impossible(const Dots& dots, const Scores& scores, const Mask& mask) {
  if (scores.contextual.empty()) return;
  if (!mask.causal)
    throw UsageError(
        "attention: contextual positions count the keys up to the query, which only a causal model "
        "has; make the model causal");
  if (dots.far_window > 0)
    throw UsageError(
        "attention: contextual positions and another dot product far away don't go together; leave "
        "one of them");
}

// Visible token distances, in rows of this call.
Band visible(const Mask& mask, const Positions& queries, const Positions& keys) {
  Band band{-Band::unlimited, Band::unlimited};
  if (mask.window > 0) band = {1 - mask.window, mask.window - 1};
  if (mask.causal) band.least = 0;
  const int shift = queries.first - keys.first;
  return {band.least - shift, band.most - shift};
}

std::vector<Pairing> pairings(const Dots& dots) {
  constexpr int limit = Band::unlimited;
  const int w = dots.far_window;
  if (w <= 0) return {{dots.q, dots.k, -limit, limit}};
  const Var& right = dots.far_q_right ? dots.far_q_right : dots.far_q;
  return {{dots.q, dots.k, 1 - w, w - 1},
          {dots.far_q, dots.far_k, w, limit},
          {right, dots.far_k, -limit, -w}};
}

[[maybe_unused]] bool fits(const Var& x, const Shape& shape) { return x.shape() == shape; }
// A table [R, H, d] or [R, 1, d], or none.
[[maybe_unused]] bool fits_table(const Var& x, int rows, int heads, int d) {
  return !x || fits(x, {rows, heads, d}) || fits(x, {rows, 1, d});
}

void check_extents([[maybe_unused]] const Plan& plan) {
  for ([[maybe_unused]] const Pairing& pairing : plan.pairings) {
    assert(fits(pairing.q, {plan.B, plan.Tq, plan.H, plan.dk}));
    assert(fits(pairing.k, {plan.B, plan.Tk, plan.H, plan.dk}));
  }
  assert(fits(plan.v, {plan.B, plan.Tk, plan.H, plan.dv}));
  for ([[maybe_unused]] const RelativeTerm& term : plan.scores.relative) {
    assert(!term.c || fits(term.c, {term.bucket.rows, plan.H}));
    assert(fits_table(term.A, term.bucket.rows, plan.H, plan.dk));
    assert(fits_table(term.B, term.bucket.rows, plan.H, plan.dk));
    assert(fits_table(term.V, term.bucket.rows, plan.H, plan.dv));
  }
  for ([[maybe_unused]] const ContextualTerm& term : plan.scores.contextual)
    assert(fits(term.table, {term.table.dim(0), plan.dk}));
}

std::vector<Var> inputs(const Plan& plan) {
  std::vector<Var> all{plan.v};
  for (const Pairing& pairing : plan.pairings) all.insert(all.end(), {pairing.q, pairing.k});
  for (const RelativeTerm& term : plan.scores.relative)
    all.insert(all.end(), {term.A, term.B, term.V, term.c});
  for (const StripBias& strip : plan.scores.strips)
    all.insert(all.end(), strip.inputs.begin(), strip.inputs.end());
  for (const ContextualTerm& term : plan.scores.contextual) all.push_back(term.table);
  return all;
}

}  // namespace

Var attention(const Dots& dots, const Var& v, const Scores& scores, const Mask& mask,
              const Positions& queries, const Positions& keys) {
  refuse_impossible(dots, scores, mask);
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
                  .band = visible(mask, queries, keys),
                  .pairings = pairings(dots)};
  check_extents(plan);

  Tensor z({plan.B, plan.Tq, plan.H, plan.dv});
  Tensor log_sums = Tensor::uninitialized({plan.B, plan.H, plan.Tq});
  fused::forward(plan, z, log_sums);

  return Tape::record(z, inputs(plan), [plan, z, log_sums](const Tensor& dz) {
    fused::backward(plan, z, log_sums, dz);
  });
}

}  // namespace yonder
