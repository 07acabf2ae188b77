#pragma once
#include <memory>
#include <span>
#include <vector>

#include "encodings/base/encoding.h"
#include "models/layers.h"

/// \file
/// The compact Transformer of every experiment, causal or bidirectional.
///
///   x = √D · E[token];  x = encoding.embed(x)
///   for each layer:  n = encoding.layer_input(norm1(x));  h = x + O·attention(Q n, K n, V n)
///                    x = h + Down·gelu(Up·norm2(h))
///   logits = Head·norm(x)
///
/// That is the plain block; Dims::block may choose others, and how often the layers are gone
/// through. For the encoding `complex` every vector of the stream is [re, im]; layers.h does the
/// rest.
namespace yonder {

/// What a pass consists of, and the positions of its tokens.
struct Pass {
  int batch = 1;             ///< B
  int tokens = 0;            ///< T
  int longest = 0;           ///< L: the length of the test, training: N; 0: as many as `tokens`
  std::vector<int> lengths;  ///< [B] tokens without padding; empty: no padding
  std::vector<int> at;  ///< [T] or [B, T], ≥ 0 in padding too; empty: the encoding's, or 0..T−1
  std::vector<int> digits;        ///< [B, T] as Positions has them; empty: no digits
  RandomStream* draws = nullptr;  ///< in training only, for encodings that draw positions
};

/// The Positions of a pass, with the numbers that they point to: keep it until the backward pass is
/// over. It may be moved, since a moved vector keeps its place in memory, but not copied.
class Placed {
 public:
  Placed(Composition&, Pass);             ///< asks the encoding where `at` is empty
  Placed(Placed&&) = default;             ///< its vectors stay valid
  Placed& operator=(Placed&&) = default;  ///< its vectors stay valid

  const Positions& positions() const { return positions_; }  ///< valid while this lives
  operator const Positions&() const { return positions_; }   ///< the same

 private:
  std::vector<int> at_, lengths_, digits_;
  Positions positions_;
};

/// Whether the matrix of the logits is the embedding's (model.tie_embeddings) or one of its own.
enum class Head { own, tied };

/// The model around an encoding: embedding, layers and head.
class Transformer {
 public:
  /// A new model, initialised from `seed`. Throws UsageError for extents that don't fit each other
  /// ("width 130 is not a multiple of heads 4") or the encoding.
  Transformer(Dims dims, std::unique_ptr<Composition> encoding, std::uint64_t seed,
              Head head = Head::own)
      : Transformer(dims, std::move(encoding), Parameters(seed), head) {}
  /// A model of the given parameters, e.g. saved ones.
  Transformer(Dims dims, std::unique_ptr<Composition> encoding, Parameters, Head head);

  /// The same model with another encoding. What both have stays as it is, by name; parameters that
  /// the other one adds are drawn from the model's seed, those that it lacks are gone. UsageError
  /// if the two can't follow each other: a name has two shapes, or one model is complex.
  Transformer with_encoding(std::unique_ptr<Composition> encoding) const;

  const Dims& dims() const { return dims_; }  ///< extents of the model
  bool tied() const { return tied_; }         ///< whether its Head is tied
  /// Layers that a token of a pass of the trained length goes through.
  int depth() const { return dims_.layers * (loops_ > 0 ? loops_ : dims_.block.loops); }
  /// The numbers that tell positions: those of the encoding, without what only shapes attention.
  std::int64_t position_parameters() const;
  /// Sets `model.loops`, where 0 stands for ⌈r·L/N⌉, r being the loops of training, or an option of
  /// the encoding, as Composition::set_at_test does.
  void set_at_test(const OptionKey&, const Value&);
  /// Before training continues at `longest` tokens: the loops of that length hold from now on.
  void freeze_loops(int longest);
  Composition& encoding() { return *encoding_; }                ///< options may be set at test time
  const Composition& encoding() const { return *encoding_; }    ///< the encoding in use
  Parameters& parameters() { return parameters_; }              ///< under their checkpoint names
  const Parameters& parameters() const { return parameters_; }  ///< under their checkpoint names

  /// Final hidden states after the last norm, [B, T − first, D], of the rows from `first` on. The
  /// last layer computes only these: a caller that needs the end only does not pay for the rest.
  /// tokens [B·T]; padding is −1, at the right end only, and counted out of positions.lengths; its
  /// rows are finite and mean nothing. UsageError for a token beyond the vocabulary, or padding
  /// elsewhere. `observer`, if given, sees the attention of every layer.
  Var hidden(std::span<const int> tokens, const Positions&, int first = 0,
             AttentionObserver* observer = nullptr);

  /// Logits [B, T − first, V].
  Var logits(std::span<const int> tokens, const Positions& at, int first = 0,
             AttentionObserver* observer = nullptr) {
    return head(hidden(tokens, at, first, observer));
  }

  /// Head·h for hidden states [.., D] → [.., V].
  Var head(const Var& hidden);

  /// Keys and values of the tokens seen so far, for decoding, and what the encoding makes of each.
  /// Keys are kept as projected: the encoding turns them at each step, so every encoding decodes
  /// with a cache.
  struct Cache {
    std::vector<int> tokens;        ///< [B, seen]
    std::vector<Var> keys, values;  ///< per loop and layer [B, seen, K, d]
    /// Per loop and layer, of each component of the encoding [B, seen, ..], or empty ones.
    std::vector<std::vector<Var>> per_keys;
    int seen = 0;  ///< tokens in the cache
  };
  /// Logits [B, V] of the last of the new tokens [B, n], which are appended to the cache. `longest`
  /// is L, the same at every step of a sequence. No token counts as a digit. UsageError for a
  /// bidirectional model.
  Var step(std::span<const int> tokens, int batch, int longest, Cache&);

 private:
  struct Layer {
    Norm norm1, norm2;
    Norm attention_norm, mlp_norm;  // of a sandwich
    Linear q, k, v, o;              // [D, D]; k, v [K·d, D]
    Linear up, gate, down;          // [F, D], of swiglu [F, D], [D, F]
  };

  /// One run of a layer: the cache, if any, knows the first keys, and `memory` are the rest, of
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
  int loops_;  // at test; 0: ⌈r·L/N⌉
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
