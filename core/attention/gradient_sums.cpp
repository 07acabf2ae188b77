#include "core/attention/gradient_sums.h"

namespace yonder::fused {

GradientSums::GradientSums(const AttentionCall& call, const ByDistance& by_distance,
                           const Strips& strips)
    : parts(strips.empty() ? std::clamp(8 / (call.B * call.H), 1, (call.query_tiles() + 1) / 2)
                           : 1),
      tables(call, by_distance, call.B * parts) {
  const int n = call.B * call.H * parts, keys = tile::up_to(side, call.Tk);
  const auto sum = [&](const Var& x, int rows) {
    return x.tracked() ? Tensor::uninitialized({n, rows, wide(x.dim(-1))}) : Tensor();
  };
  k[0] = sum(call.dots.k, keys);
  const auto rows = [&](int width) { return Tensor::uninitialized({n, keys, width}); };
  if (call.dots.log_decay || call.dots.path.w) k[0] = rows(wide(call.dk));
  if (call.dots.log_decay) decay = rows(wide(call.dk));
  if (call.dots.path.w)
    path = {.w = rows(wide(call.dk)),
            .k = rows(wide(call.dk)),
            .minus_gw = rows(wide(call.dk)),
            .g = rows(side),
            .l_transposed = rows(side),
            .beta = rows(1)};
  if (call.dots.far_k) k[1] = sum(call.dots.far_k, keys);
  v = sum(call.v, keys);
  for (const ContextualTerm& term : call.scores.contextual)
    contextual.push_back(sum(term.table, tile::up_to(tile::stripe, term.table.dim(0))));
  if (call.scores.log_gate.tracked()) gates = Tensor::uninitialized({n, keys, 1});
  if (call.scores.sink.tracked()) sink = Tensor({n, 1, 1});
  if (!strips.tracked()) return;
  groups = std::min(call.B, std::max(1, 8 / call.H));
  strip = Tensor::uninitialized({groups, call.H, call.Tk, side});
}

Onto::Onto(const AttentionCall& call) {
  const auto ask = [](const Var& x) { return x.tracked() && x.gradient().target().add; };
  for (std::size_t n = 0; n < call.pairings.size(); ++n) q[n] = ask(call.pairings[n].q);
  k[0] = ask(call.dots.k);
  if (call.dots.far_k) k[1] = ask(call.dots.far_k);
  v = ask(call.v);
  for (const Var& x :
       {call.scores.log_gate, call.dots.log_decay, call.dots.path.w, call.dots.path.beta})
    if (x.tracked()) x.grad();
}

void add_head(const AttentionCall& call, const PackedProducts& products, const GradientSums& sums,
              const Onto& onto, int head) {
  const int b = head / call.H, h = head % call.H;
  for (int p = 0; p < sums.parts; ++p) {
    const std::int64_t n = std::int64_t(head) * sums.parts + p;
    real* dk = GradientSums::part(sums.k[0], n);
    if (products.decay) take_keys(call, b, h, dk, GradientSums::part(sums.decay, n));
    if (products.path)
      fold_path(call, *products.path, b, h, sums.path_of(n), dk,
                GradientSums::part(sums.path.beta, n));
  }
  const auto add = [&](const Var& x, const Tensor& sum, bool there) {
    for (int p = 0; sum && p < sums.parts; ++p)
      Rows{x.grad(), head / call.H, 0, call.Tk, head % call.H}.put(
          GradientSums::part(sum, std::int64_t(head) * sums.parts + p), there || p > 0);
  };
  if (call.dots.k.tracked()) add(call.dots.k, sums.k[0], onto.k[0]);
  if (call.dots.path.w.tracked()) add(call.dots.path.w, sums.path.w, true);
  add(call.dots.far_k, sums.k[1], onto.k[1]);
  add(call.v, sums.v, onto.v);
  for (int p = 0; sums.gates && p < sums.parts; ++p)
    add_gate_gradient(call, head / call.H, head % call.H,
                      GradientSums::part(sums.gates, std::int64_t(head) * sums.parts + p));
  for (int p = 0; p < sums.parts; ++p) {
    const std::int64_t n = std::int64_t(head) * sums.parts + p;
    if (call.dots.log_decay.tracked())
      add_decay_gradient(call, b, h, GradientSums::part(sums.decay, n));
    if (call.dots.path.beta.tracked())
      add_beta_gradient(call, b, h, GradientSums::part(sums.path.beta, n));
  }
}

void add_contextual(const AttentionCall& call, const GradientSums& sums) {
  for (std::size_t n = 0; n < sums.contextual.size(); ++n) {
    const Tensor& sum = sums.contextual[n];
    if (!sum) continue;
    const Tensor& table = call.scores.contextual[n].table.grad();
    for (int p = 0; p < sum.dim(0); ++p)
      for (int r = 0; r < table.dim(0); ++r)
        for (int c = 0; c < call.dk; ++c)
          table[std::int64_t(r) * call.dk + c] += GradientSums::part(sum, p)[r * sum.dim(2) + c];
  }
}

}  // namespace yonder::fused
