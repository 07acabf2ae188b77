#include "models/decode.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/random.h"

namespace yonder {
namespace {

int largest(std::span<const real> logits) {
  return int(std::max_element(logits.begin(), logits.end()) - logits.begin());
}

// Samples from the softmax of logits/temperature over the `top_k` largest logits.
int drawn(std::span<const real> logits, const Decoding& how, double uniform) {
  std::vector<int> tokens(logits.size());
  std::iota(tokens.begin(), tokens.end(), 0);
  std::stable_sort(tokens.begin(), tokens.end(),
                   [&](int a, int b) { return logits[std::size_t(a)] > logits[std::size_t(b)]; });
  if (how.top_k > 0 && how.top_k < int(tokens.size())) tokens.resize(std::size_t(how.top_k));
  const double most = double(logits[std::size_t(tokens.front())]);
  std::vector<double> weights;
  for (const int t : tokens)
    weights.push_back(std::exp((double(logits[std::size_t(t)]) - most) / how.temperature));
  double left = uniform * std::accumulate(weights.begin(), weights.end(), 0.0);
  for (std::size_t i = 0; i < tokens.size(); ++i)
    if ((left -= weights[i]) < 0) return tokens[i];
  return tokens.back();  // rounding
}

}  // namespace

std::vector<std::vector<int>> decode(Transformer& model, std::span<const int> prompts, int batch,
                                     const Decoding& how) {
  const int V = model.dims().vocabulary;
  const int longest = how.longest ? how.longest : int(prompts.size()) / batch + how.most;
  std::vector<std::vector<int>> written(static_cast<std::size_t>(batch));
  std::vector<int> next(prompts.begin(), prompts.end());
  Transformer::Cache cache;
  int open = batch;
  for (int i = 0; i < how.most && open > 0; ++i) {
    const Var logits = model.step(next, batch, longest, cache);  // [B, V]
    const Random draw(how.seed, "sample", std::uint32_t(i));
    next.resize(std::size_t(batch));
    for (int b = 0; b < batch; ++b) {
      const auto row = logits.value().flat().subspan(std::size_t(b) * V, std::size_t(V));
      next[b] =
          how.temperature > 0 ? drawn(row, how, draw.uniform(std::uint64_t(b))) : largest(row);
      // Tokens after the end of a sequence are ignored, and never affect the others.
      const bool ended = !written[b].empty() && written[b].back() == how.end;
      if (ended) continue;
      written[b].push_back(next[b]);
      if (how.on_token) how.on_token(b, next[b]);
      if (next[b] == how.end) --open;
    }
  }
  return written;
}

}  // namespace yonder
