#pragma once
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "models/transformer.h"

namespace yonder {

/// How far to generate.
struct Decoding {
  int most = 0;            ///< new tokens at most
  int end = -1;            ///< the token that ends a sequence; −1: none does
  int longest = 0;         ///< L of the encoding (see Positions); 0: the prompt and `most` tokens
  double temperature = 0;  ///< logits are divided by it; 0: greedy
  int top_k = 0;           ///< only so many of the largest logits are drawn from; 0: all
  std::uint64_t seed = 0;  ///< of what is drawn
  std::function<void(int b, int token)> on_token;  ///< hears each new token as it comes
};

/// Decoding with cached keys and values. Greedy: each new token is the one whose logit is largest,
/// of equal ones the first. Else it is drawn from the softmax of the logits, by (seed, "sample",
/// number of the new token, b): the same for any number of threads. prompts [B, T], all of one
/// length. Returns the new tokens of each sequence, `end` included where it came. UsageError for a
/// bidirectional model, or where the encoding is undefined that far.
std::vector<std::vector<int>> decode(Transformer&, std::span<const int> prompts, int batch,
                                     const Decoding&);

}  // namespace yonder
