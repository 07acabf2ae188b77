#pragma once
#include <memory>
#include <span>
#include <vector>

#include "encodings/encoding.h"

/// \file
/// The compact pre-norm Transformer of every experiment, causal or bidirectional.
///
///   x = √D · E[token];  x = encoding.embed(x)
///   for each layer:  n = encoding.layer_input(norm1(x));  h = x + O·attention(Q n, K n, V n)
///                    x = h + Down·gelu(Up·norm2(h))
///   logits = Head·norm(x)
namespace yonder {

class Transformer {
 public:
  /// Parameters are drawn from `seed`. Throws UsageError for extents that don't fit each other
  /// ("width 130 is not a multiple of heads 4") or the encoding.
  Transformer(Dims dims, std::unique_ptr<Composition> encoding, std::uint64_t seed,
              bool tied = false);

  const Dims& dims() const { return dims_; }
  bool tied() const { return tied_; }
  Composition& encoding() { return *encoding_; }
  const Composition& encoding() const { return *encoding_; }
  Parameters& parameters() { return parameters_; }
  const Parameters& parameters() const { return parameters_; }

  /// Final hidden states after the last norm, [B, T, D]. tokens [B·T]; padding is −1, at the right
  /// end only, and counted out of positions.lengths.
  Var hidden(std::span<const int> tokens, const Positions&);

  /// Logits [B, T, V] of all rows.
  Var logits(std::span<const int> tokens, const Positions&);

  /// Head·h for hidden states [.., D] → [.., V].
  Var head(const Var& hidden);

  /// Keys and values of the tokens seen so far, for decoding. Keys are kept as projected: the
  /// encoding turns them at each step, so every encoding decodes with a cache.
  struct Cache {
    std::vector<int> tokens;        // [B, seen]
    std::vector<Var> keys, values;  // per layer [B, seen, H, d]
    int seen = 0;
  };
  /// Logits [B, V] of the last of the new tokens [B, n], appended to the cache. Causal models only.
  Var step(std::span<const int> tokens, int batch, int longest, Cache&);

 private:
  struct Layer {
    Var norm1_weight, norm1_bias, norm2_weight, norm2_bias;  // [D]
    Var q, k, v, o;                                          // [D, D]
    Var up;                                                  // [F, D]
    Var down;                                                // [D, F]
  };

  Dims dims_;
  bool tied_;
  std::unique_ptr<Composition> encoding_;
  Parameters parameters_;
  Var embed_, norm_weight_, norm_bias_, head_;
  std::vector<Layer> layers_;

  Var block(int layer, const Var& query, const Var& memory, const Positions&);
};

/// Positions 0..T−1 (or the encoding's own) of a pass, holding what its spans point to.
struct Placed {
  std::vector<int> at, lengths;
  Positions positions;
};

}  // namespace yonder
