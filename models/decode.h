#pragma once
#include <span>
#include <vector>

#include "models/transformer.h"

namespace yonder {

/// How far to generate.
struct Decoding {
  int most = 0;     ///< new tokens at most
  int end = -1;     ///< the token that ends a sequence; −1: none does
  int longest = 0;  ///< L of the encoding (see Positions); 0: the prompt and `most` tokens
};

/// Greedy decoding with cached keys and values: each new token is the one whose logit is largest,
/// of equal ones the first. prompts [B, T], all of one length. Returns the new tokens of each
/// sequence, `end` included where it came. UsageError for a bidirectional model, or where the
/// encoding is undefined that far.
std::vector<std::vector<int>> decode(Transformer&, std::span<const int> prompts, int batch,
                                     const Decoding&);

}  // namespace yonder
