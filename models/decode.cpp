#include "models/decode.h"

#include <algorithm>

namespace yonder {

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
    next.resize(std::size_t(batch));
    for (int b = 0; b < batch; ++b) {
      const auto row = logits.value().flat().subspan(std::size_t(b) * V, std::size_t(V));
      next[b] = int(std::max_element(row.begin(), row.end()) - row.begin());
      // What follows its end no longer matters to a sequence, and never did to the others.
      const bool ended = !written[b].empty() && written[b].back() == how.end;
      if (ended) continue;
      written[b].push_back(next[b]);
      if (next[b] == how.end) --open;
    }
  }
  return written;
}

}  // namespace yonder
