#include "core/attention.h"

#include <algorithm>

#include "core/attention/call.h"
#include "core/error.h"
#include "core/simd/matmul.h"

namespace yonder {
namespace {

using fused::AttentionCall;
using fused::Band;
using fused::breaks_sticks;
using fused::IndexRange;
using fused::Pairing;
using fused::Visibility;

// What replaces q·k needs a causal model and excludes other products and stick-breaking.
void refuse_other_products(const Dots& dots, const ScoreTerms& scores, const Mask& mask) {
  if (!dots.log_decay && !dots.path.w) return;
  if (!mask.causal)
    throw UsageError(
        "attention: products that go through the tokens between query and key require a causal "
        "model; make the model causal");
  const auto reads_q_or_k = [](const RelativeTerm& term) { return term.A || term.B; };
  if ((dots.log_decay && dots.path.w) || dots.far_window > 0 || dots.chunk > 0 ||
      !scores.contextual.empty() || breaks_sticks(scores.weights) ||
      std::any_of(scores.relative.begin(), scores.relative.end(), reads_q_or_k))
    throw UsageError(
        "attention: products that go through the tokens between query and key can't be combined "
        "with other products of q or k, nor with stick-breaking; remove one of them");
}

void refuse_impossible(const Dots& dots, const ScoreTerms& scores, const Mask& mask) {
  if (scores.log_gate && !mask.causal)
    throw UsageError("attention: forget gates require a causal model; make the model causal");
  if (dots.chunk > 0 && !mask.causal)
    throw UsageError(
        "attention: chunks of positions require a causal model; make the model causal");
  const bool stick_breaking = breaks_sticks(scores.weights);
  if (scores.weights == Weights::entmax && scores.sink)
    throw UsageError("attention: entmax has no denominator for a sink; remove one of them");
  if (stick_breaking && !mask.causal)
    throw UsageError(
        "attention: stick-breaking attention requires a causal model; make the model causal");
  if (stick_breaking && scores.sink)
    throw UsageError(
        "attention: stick-breaking attention has no softmax denominator for a sink; remove one of "
        "them");
  refuse_other_products(dots, scores, mask);
  if (scores.contextual.empty()) return;
  const auto stretched = [](const RelativeTerm& term) { return bool(term.f); };
  if (stick_breaking || std::any_of(scores.relative.begin(), scores.relative.end(), stretched))
    throw UsageError(
        "attention: contextual positions require softmax and one scale for all distances; remove "
        "them or the other");
  if (!mask.causal)
    throw UsageError(
        "attention: contextual positions require a causal model; make the model causal");
  if (dots.far_window > 0 || dots.chunk > 0)
    throw UsageError(
        "attention: contextual positions can't be combined with another dot product beyond a "
        "window; remove one of them");
}

// Token distances within a window; 0: all.
Band within(int window) {
  return window > 0 ? Band{1 - window, window - 1} : Band{-Band::unlimited, Band::unlimited};
}

Band both(Band a, Band b) { return {std::max(a.least, b.least), std::min(a.most, b.most)}; }
Band around(Band a, Band b) { return {std::min(a.least, b.least), std::max(a.most, b.most)}; }

// Visibility of head h, in rows of this call.
Visibility visibility(const Mask& mask, Weights weights, int h, int shift) {
  Band head = within(mask.of_heads.empty() ? 0 : mask.of_heads[h]);
  if (!mask.sides.empty() && mask.sides[h] < 0) head.least = std::max(head.least, 0);
  if (!mask.sides.empty() && mask.sides[h] > 0) head.most = std::min(head.most, 0);
  if (mask.causal) head.least = breaks_sticks(weights) ? 1 : 0;
  return {.near = both(head, within(mask.window)).from(shift, 0), .sinks = head.from(shift, 0)};
}

std::vector<Pairing> pairings(const Dots& dots) {
  constexpr int limit = Band::unlimited;
  if (dots.chunk > 0)  // negative: hidden pairs, any product will do
    return {{dots.q, dots.k, -limit, 0},
            {dots.previous_q, dots.k, 1, 1},
            {dots.older_q, dots.k, 2, limit}};
  const int w = dots.far_window;
  if (w <= 0) return {{dots.q, dots.k, -limit, limit}};
  const Var& right = dots.far_q_right ? dots.far_q_right : dots.far_q;
  return {{dots.q, dots.k, 1 - w, w - 1},
          {dots.far_q, dots.far_k, w, limit, true},
          {right, dots.far_k, -limit, -w, true}};
}

[[maybe_unused]] bool fits(const Var& x, const Shape& shape) { return x.shape() == shape; }
// Whether a table is [R, H, d], [R, 1, d] or absent.
[[maybe_unused]] bool fits_table(const Var& x, int rows, int heads, int d) {
  return !x || fits(x, {rows, heads, d}) || fits(x, {rows, 1, d});
}

void check_extents([[maybe_unused]] const AttentionCall& call) {
  for ([[maybe_unused]] const Pairing& pairing : call.pairings) {
    assert(fits(pairing.q, {call.B, call.Tq, call.H, call.dk}));
    assert(fits(pairing.k, {call.B, call.Tk, call.H, call.dk}));
  }
  assert(fits(call.v, {call.B, call.Tk, call.H, call.dv}));
  for ([[maybe_unused]] const RelativeTerm& term : call.scores.relative) {
    assert(!term.c || fits(term.c, {term.bucket.rows, call.H}));
    assert(!term.f || term.f.shape == Shape{term.bucket.rows});
    assert(fits_table(term.A, term.bucket.rows, call.H, call.dk));
    assert(fits_table(term.B, term.bucket.rows, call.H, call.dk));
    assert(fits_table(term.V, term.bucket.rows, call.H, call.dv));
  }
  for ([[maybe_unused]] const ContextualTerm& term : call.scores.contextual)
    assert(fits(term.table, {term.table.dim(0), call.dk}));
  assert(!call.dots.log_decay || fits(call.dots.log_decay, {call.B, call.Tk, call.H, call.dk}));
  assert(!call.dots.path.w || (fits(call.dots.path.w, {call.B, call.Tk, call.H, call.dk}) &&
                               fits(call.dots.path.beta, {call.B, call.Tk, call.H})));
  assert(!call.scores.sink || fits(call.scores.sink, {call.H}));
  assert(!call.scores.log_gate || fits(call.scores.log_gate, {call.B, call.Tk, call.H}));
}

std::vector<Var> inputs(const AttentionCall& call) {
  std::vector<Var> all{call.v};
  for (const Pairing& pairing : call.pairings) all.insert(all.end(), {pairing.q, pairing.k});
  for (const RelativeTerm& term : call.scores.relative)
    all.insert(all.end(), {term.A, term.B, term.V, term.c});
  for (const StripBias& strip : call.scores.strips)
    all.insert(all.end(), strip.inputs.begin(), strip.inputs.end());
  for (const ContextualTerm& term : call.scores.contextual) all.push_back(term.table);
  all.insert(all.end(), {call.scores.log_gate, call.scores.sink, call.dots.log_decay,
                         call.dots.path.w, call.dots.path.beta});
  return all;
}

// Whether tiles are multiplied in bf16: weights are a softmax of plain dot products, and rows of q
// and v fill whole bf16 tiles.
bool rounds(const Dots& dots, const Var& v, const ScoreTerms& scores) {
  const auto fits = [](const Var& x) { return fused::wide(x.dim(3)) % bf16::lines == 0; };
  return precision() == Precision::bf16 && scores.weights == Weights::softmax && !dots.log_decay &&
         !dots.path.w && fits(dots.q) && fits(v);
}

// A table whose rows are multiplied with queries (A), keys (B) or sums of weights (V).
struct MultipliedTable {
  int rows, columns;
};

std::vector<MultipliedTable> multiplied_tables(const AttentionCall& call) {
  std::vector<MultipliedTable> all;
  for (const RelativeTerm& term : call.scores.relative)
    for (const Var& table : {term.A, term.B, term.V})
      if (table) all.push_back({fused::rows_read(call, term.bucket), table.dim(2)});
  return all;
}

// Of a forward pass: q·k and weights times values for each visible pair, and for each query one
// product with each row of a relative table that it reads, however many of its keys read that row.
// B, whose rows are multiplied with keys, is counted in the same way.
double flops(const AttentionCall& call) {
  const std::vector<MultipliedTable> tables = multiplied_tables(call);
  double sum = 0;
  for (int b = 0; b < call.B; ++b)
    for (const Visibility& head : call.visibility)
      for (int i = 0; i < call.queries_of(b); ++i) {
        const int all = call.keys_of(b);
        const IndexRange near = head.near.keys({i, i + 1}, all),
                         sinks = head.sinks.keys({i, i + 1}, std::min(call.sinks, all)),
                         twice{std::max(near.begin, sinks.begin), std::min(near.end, sinks.end)};
        const int seen = near.size() + sinks.size() - twice.size();
        sum += 2.0 * seen * (call.dk + call.dv);
        for (const MultipliedTable& t : tables) sum += 2.0 * std::min(seen, t.rows) * t.columns;
      }
  return sum;
}

}  // namespace

Var attention(const Dots& dots, const Var& v, const ScoreTerms& scores, const Mask& mask,
              const Positions& queries, const Positions& keys, const AttentionObserver* observer,
              std::vector<HeadSums>* seen) {
  refuse_impossible(dots, scores, mask);
  AttentionCall call{.dots = dots,
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
                     .sinks = std::max(mask.sinks - keys.first, 0),
                     .pairings = pairings(dots),
                     .gates = fused::GateSums(scores.log_gate),
                     .bf16 = rounds(dots, v, scores)};
  call.bf16_only = call.bf16 && scores.relative.empty() && scores.contextual.empty();
  for (int h = 0; h < call.H; ++h) {
    const Visibility own = visibility(mask, scores.weights, h, queries.first - keys.first);
    const Band visible = call.sinks > 0 ? around(own.near, own.sinks) : own.near;
    call.band = h == 0 ? visible : around(call.band, visible);
    call.visibility.push_back(own);
  }
  check_extents(call);

  Tensor z = Tensor::uninitialized({call.B, call.Tq, call.H, call.dv});
  Tensor log_sum_exp = Tensor::uninitialized({call.B, call.H, call.Tq});
  const std::vector<Var> operands = inputs(call);
  Tensor centre = z;
  if (scores.weights == Weights::entmax) {
    centre = Tape::records_any(operands) ? Tensor::uninitialized(z.shape) : Tensor();
    fused::forward_entmax(call, z, log_sum_exp, centre);
  } else fused::forward(call, z, log_sum_exp);
  if (observer) *seen = fused::observe(call, log_sum_exp, *observer);
  ProductCount::add([&call] { return flops(call); });

  return Tape::record(z, operands, [call, centre, log_sum_exp](const Tensor& dz) {
    ProductCount::add([&call] { return 2 * flops(call); });
    fused::backward(call, centre, log_sum_exp, dz);
  });
}

}  // namespace yonder
