#pragma once
#include <memory>
#include <span>
#include <vector>

#include "encodings/base/encoding.h"
#include "models/layers.h"

/// \file
/// The compact Transformer used in every experiment, causal or bidirectional.
///
///   x = √D · E[token];  x = encoding.embed(x)
///   for each layer:  n = encoding.layer_input(norm1(x));  h = x + O·attention(Q n, K n, V n)
///                    x = h + Down·gelu(Up·norm2(h))
///   logits = Head·norm(x)
///
/// This is the plain block; Dims::block may select others, and the number of loops over the layers.
/// For the encoding `complex`, every vector of the residual stream is [re, im]; layers.h does the
/// rest.
namespace yonder {

/// The extents of a forward pass, and the positions of its tokens.
struct Pass {
  int batch = 1;             ///< B
  int tokens = 0;            ///< T
  int longest = 0;           ///< L: evaluation length, in training N; 0: `tokens`
  std::vector<int> lengths;  ///< [B] non-padding tokens; empty: no padding
  std::vector<int> at;  ///< [T] or [B, T], ≥ 0 in padding too; empty: the encoding's, or 0..T−1
  std::vector<int> digits;        ///< [B, T] as in Positions; empty: no digits
  RandomStream* draws = nullptr;  ///< in training only, for encodings that sample positions
};

/// The Positions of a pass, with the data that they point to: keep it until the backward pass is
/// done. It may be moved, since a moved vector keeps its address, but not copied.
class Placed {
 public:
  Placed(Composition&, Pass);             ///< asks the encoding if `at` is empty
  Placed(Placed&&) = default;             ///< its vectors stay valid
  Placed& operator=(Placed&&) = default;  ///< its vectors stay valid

  const Positions& positions() const { return positions_; }  ///< valid while this lives
  operator const Positions&() const { return positions_; }   ///< the same

 private:
  std::vector<int> at_, lengths_, digits_;
  Positions positions_;
};

/// Whether the output matrix is the embedding's (model.tie_embeddings) or a separate one.
enum class Head { own, tied };

/// The model around an encoding: embedding, layers and head.
class Transformer {
 public:
  /// A new model, initialised from `seed`. Throws UsageError for extents that don't fit each other
  /// ("width 130 is not a multiple of heads 4") or the encoding.
  Transformer(Dims dims, std::unique_ptr<Composition> encoding, std::uint64_t seed,
              Head head = Head::own)
      : Transformer(dims, std::move(encoding), Parameters(seed), head) {}
  /// A model with the given parameters, e.g. saved ones.
  Transformer(Dims dims, std::unique_ptr<Composition> encoding, Parameters, Head head);

  /// The same model with another encoding. Parameters of both keep their values, by name; new ones
  /// are drawn from the model's seed, those that the new encoding lacks are dropped. Throws
  /// UsageError if a name has two shapes, or if only one of the two models is complex.
  Transformer with_encoding(std::unique_ptr<Composition> encoding) const;

  const Dims& dims() const { return dims_; }  ///< extents of the model
  bool tied() const { return tied_; }         ///< whether its Head is tied
  /// Number of layers that a token passes through at the trained length.
  int depth() const { return dims_.layers * (loops_ > 0 ? loops_ : dims_.block.loops); }
  /// Number of position parameters: the encoding's, except those that only shape attention.
  std::int64_t position_parameters() const;
  /// Inference-time override: sets `model.loops`, where 0 means ⌈r·L/N⌉ with r the loops in
  /// training, or an option of the encoding, as Composition::set_at_inference does.
  void set_at_inference(const OptionKey&, const Value&);
  /// Before training continues at `longest` tokens: fixes the loops to those of that length.
  void freeze_loops(int longest);
  Composition& encoding() { return *encoding_; }                ///< options may be set at inference
  const Composition& encoding() const { return *encoding_; }    ///< the encoding in use
  Parameters& parameters() { return parameters_; }              ///< under their checkpoint names
  const Parameters& parameters() const { return parameters_; }  ///< under their checkpoint names

  /// Final hidden states after the last norm, [B, T − first, D], for the rows from `first` on. The
  /// last layer computes no others, unless positions are per sequence or the encoding replaces it.
  /// tokens [B·T]; padding is −1, at the right end only, and not counted in positions.lengths; its
  /// rows are finite but meaningless. Throws UsageError for a token outside the vocabulary, or for
  /// padding elsewhere. `observer`, if given, records the attention of every layer.
  Var hidden(std::span<const int> tokens, const Positions&, int first = 0,
             AttentionObserver* observer = nullptr);

  /// Logits [B, T − first, V].
  Var logits(std::span<const int> tokens, const Positions& at, int first = 0,
             AttentionObserver* observer = nullptr) {
    return head(hidden(tokens, at, first, observer));
  }

  /// Head·h for hidden states [.., D] → [.., V].
  Var head(const Var& hidden);

  /// Keys and values of the tokens seen so far, for decoding, and the encoding's per_keys(). Keys
  /// are cached as projected: the encoding transforms them at every step, so every encoding can
  /// decode with a cache.
  struct Cache {
    std::vector<int> tokens;        ///< [B, seen]
    std::vector<Var> keys, values;  ///< per loop and layer [B, seen, K, d]
    /// Per loop and layer, for each component of the encoding: [B, seen, ..], or empty.
    std::vector<std::vector<Var>> per_keys;
    int seen = 0;  ///< tokens in the cache
  };
  /// Logits [B, V] for the last of the new tokens [B, n], which are appended to the cache.
  /// `longest` is L, the same at every step of a sequence. No token is treated as a digit. Throws
  /// UsageError for a bidirectional model.
  Var step(std::span<const int> tokens, int batch, int longest, Cache&);

 private:
  struct Layer {
    Norm norm1, norm2;
    Norm attention_norm, mlp_norm;  // sandwich only
    Linear q, k, v, o;              // [D, D]; k, v [K·d, D]
    Linear up, gate, down;          // [F, D], swiglu only [F, D], [D, F]
  };

  /// One run of the layers: the cache, if any, holds the first keys, and `memory` the rest, of
  /// which `queries` are the last rows, or all.
  struct Run {
    Positions queries, memory, keys;
    Cache* cache = nullptr;
    AttentionObserver* observer = nullptr;
    int loop = 0;
  };

  Dims dims_;
  std::unique_ptr<Composition> encoding_;
  Parameters parameters_;
  Numbers numbers_;
  bool tied_;
  int loops_;  // in use; 0: ⌈r·L/N⌉
  Var embed_;  // [V, D]
  Norm norm_;
  Linear head_;  // [V, D]; the embedding if tied
  std::vector<Layer> layers_;

  void check_block() const;
  void check_loops(int loops) const;
  void make_parameters();
  void check(std::span<const int> tokens, const Positions&) const;
  Var embedded(std::span<const int> tokens, const Positions&);
  int loops_at(int longest) const;
  Var through_loops(const Var& embedded, Run, int first = 0);
  Var through_layers(Var x, const Run&, int first = 0);
  Var block(int layer, const Var& query, const Var& memory, const Run&);
  Var attend(int layer, const Var& query, const Var& memory, const Run&);
  Var feed_forward(int layer, const Var& n) const;
};

}  // namespace yonder
