#pragma once
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "models/transformer.h"

namespace yonder {

/// How to generate, and how far.
struct Decoding {
  int most = 0;            ///< maximum number of new tokens
  int end = -1;            ///< the token that ends a sequence; −1: none
  int longest = 0;         ///< L of the encoding (see Positions); 0: prompt length + `most`
  double temperature = 0;  ///< logits are divided by it; 0: greedy
  int top_k = 0;           ///< sample from this many largest logits only; 0: all
  std::uint64_t seed = 0;  ///< of the sampling
  std::function<void(int b, int token)> on_token;  ///< called with each new token
};

/// Decodes with cached keys and values. Greedy: each new token is the one with the largest logit,
/// the first on ties. Otherwise it is sampled from the softmax of the logits, keyed by (seed,
/// "sample", index of the new token, b): the same for any number of threads. prompts [B, T], all of
/// the same length. Returns the new tokens of each sequence, including `end` if generated. Throws
/// UsageError for a bidirectional model, or if the encoding is undefined that far.
std::vector<std::vector<int>> decode(Transformer&, std::span<const int> prompts, int batch,
                                     const Decoding&);

}  // namespace yonder
