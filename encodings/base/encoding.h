#pragma once
#include <fmt/core.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/attention.h"
#include "core/error.h"
#include "core/options.h"
#include "core/parameters.h"
#include "core/positions.h"
#include "core/random.h"
#include "encodings/base/block_design.h"
#include "encodings/base/spec.h"

/// \file
/// The interface of a position encoding. Start here, then read any encoding's own file, which is
/// self-contained: formula, paper, options, parameters and gradients.
namespace yonder {

/// The dimensions of a model, in the notation of models/README.md.
struct Dims {
  int vocabulary = 0;     ///< V
  int width = 128;        ///< D
  int heads = 4;          ///< H
  int layers = 4;         ///< number of blocks
  int mlp = 512;          ///< F
  int trained = 0;        ///< N, training length in tokens
  bool causal = true;     ///< a token sees only itself and earlier ones; false: all
  int positions = 0;      ///< R, positions that training can show: N, or more if they are drawn
  bool monotonic = true;  ///< whether positions never decrease along a sequence (coupled: they may)
  bool biased = false;    ///< whether a plain bias is added to the scores of some layer
  BlockDesign block = {};  ///< of every block

  int head() const { return width / heads; }  ///< d
  /// K, the heads of k and v.
  int kv_heads() const { return block.kv_heads > 0 ? block.kv_heads : heads; }
  /// Whether a query can see keys to its right, at distances below 0.
  bool two_sided() const { return !causal || !monotonic; }
};

/// One call of self-attention, as an encoding sees it.
struct Attention {
  int layer;                       ///< its index, from 0
  Positions queries, keys;         ///< of the tokens of q, and of k and v
  Var query_weight, key_weight;    ///< W_q, W_k of this layer, [D, D], [K·d, D]
  Mask mask;                       ///< which keys the layer's queries see
  Var input = {};                  ///< [B, Tq, D], the normed input of the queries' rows
  Var per_key = {};                ///< [B, Tk, ..], Encoding::per_key() of the keys' tokens
  const Dots* products = nullptr;  ///< in scores(): the final q and k, or null
  /// per_key of each component of a composition, which sets per_key to a component's own.
  std::vector<Var> per_keys = {};

  /// The smallest distance i − j between any query and any key, masked keys included.
  int least() const;
  int most() const;  ///< the largest
  /// The smallest distance from a query to a key that it sees, at most 0.
  int least_seen() const;
  /// Throws UsageError if a query sees a key at a negative distance, for which a table has no row
  /// if Dims::two_sided() is false.
  void require_monotonic(const std::string& owner) const;
};

/// The positions of a pass's tokens: [T] if all sequences share their positions, else [B, T]. 0 for
/// padding, where an encoding need not be defined.
std::vector<int> token_positions(const Positions&);

/// Runs the last layer once: the residual stream follows `query`; keys and values come from
/// `memory`.
using Block = std::function<Var(const Var& query, const Var& memory)>;

/// A request for the positions of a pass.
struct Placing {
  int batch = 1, tokens = 0;      ///< B, T
  int longest = 0;                ///< L
  RandomStream* draws = nullptr;  ///< null except in training
  int layer = 0;                  ///< index below Encoding::placements()
};

/// A position encoding: hooks at the points where a Transformer can be given positions. Every hook
/// does nothing by default, so an encoding overrides only what it changes. In each layer the model
/// calls the hooks in order of declaration; it never knows which encoding it has. An encoding is a
/// pure function of options, parameters, positions and length: hooks keep no state between passes.
class Encoding {
 public:
  virtual ~Encoding() = default;

  /// The encoding's settings, bound to its fields. After build() they hold their resolved values.
  virtual Options options() { return {}; }

  /// R, the number of positions that training can show; modifiers that draw positions raise it.
  virtual int positions(const Dims& dims) { return dims.positions; }

  /// Throws UsageError if options don't fit each other or the model's dims_. Called by build() and
  /// again before each pass, since options may change at inference. Never called before build().
  virtual void check() const {}

  /// Whether its positions never decrease along a sequence (see Dims).
  virtual bool monotonic() const { return true; }

  /// Resolves defaults that depend on the model, creates parameters named "encoding.{name}.…".
  /// Overrides call Encoding::build first.
  virtual void build(const Dims& dims, Parameters&) {
    dims_ = dims;
    check();
  }

  /// Called before training continues at `longest` tokens: options whose 0 means a value computed
  /// from the evaluation length are fixed at the value for this length.
  virtual void freeze_for_length(int /*longest*/) {}

  /// Positions of a pass if the task gives none, [T] or [B, T]; empty means 0, 1, 2, ….
  virtual std::vector<int> sample_positions(const Placing&) { return {}; }
  /// How many sets of positions a pass needs: one, or one for each layer's attention.
  virtual int placements() const { return 1; }

  /// The same if a pass has digits [B, T] (see Positions): positions [B, T] computed from them, or
  /// empty for those of sample_positions().
  virtual std::vector<int> positions_from_digits(std::span<const int> /*digits*/, int /*tokens*/,
                                                 RandomStream*) {
    return {};
  }
  /// Offset added to the power of ten of every digit in a pass.
  virtual int sample_digit_offset(RandomStream*) { return 0; }
  /// Whether the encoding is meaningless without digits.
  virtual bool needs_digits() const { return false; }

  /// Whether it acts only inside blocks, so that it can be limited to some layers
  /// ("rope@0-2,none@3"). Empty: yes, except for absolute encodings.
  virtual std::optional<bool> by_layer() const { return {}; }

  /// Called once before each pass, for work that all layers share.
  virtual void begin(const Positions&) {}

  /// Absolute encodings act here. x [B, T, D] is sqrt(D)·E[token]; tokens [B·T], padding is −1.
  virtual Var embed(const Var& x, std::span<const int> /*tokens*/, const Positions&) { return x; }

  /// x [B, T, D] is the block's input, normed unless place = post; q, k and v are computed from it.
  virtual Var layer_input(const Var& x, int /*layer*/, const Positions&) { return x; }

  /// What later queries need of each token besides k and v, [B, T, ..], computed from the block's
  /// normed input x [B, T, D]; cached with k and v in decoding.
  virtual Var per_key(const Var& /*x*/, int /*layer*/) { return {}; }

  /// Which keys the queries of a layer see.
  virtual void mask(Mask&) {}
  /// Normalises q and k before any other use of them.
  virtual void normed(Dots&, const Attention&) {}
  /// Scales each query's row (log n), after normed() and before dots(). Modifiers come last.
  virtual void scale_queries(Dots&, const Attention&) {}
  /// Rotates or otherwise transforms q and k.
  virtual void dots(Dots&, const Attention&) {}
  /// Adds relative terms and biases, or replaces softmax.
  virtual void scores(ScoreTerms&, const Attention&) {}
  /// Changes the attention output z [B, Tq, H, d] before the layer's O.
  virtual Var output(const Var& z, const Attention&) { return z; }

  /// Replaces the last layer; an empty result means that it runs like any other.
  virtual Var last_layer(const Var& /*hidden*/, const Positions&, const Block&) { return {}; }
  /// Whether last_layer() replaces it.
  virtual bool replaces_last_layer() const { return false; }

  /// The angle per token by which each pair of columns rotates at `longest` tokens, 0 if it does
  /// not. Empty: no such angles to report.
  virtual std::vector<double> frequencies(int /*longest*/) const { return {}; }

  /// Whether it requires the complex Transformer.
  virtual bool complex() const { return false; }

 protected:
  Dims dims_;  ///< the model's, set by build()
};

/// Where an encoding acts: on the embedded tokens, on the scores (a plain bias can be joined to a
/// rotary encoding, other relative terms cannot), on q and k, or on another encoding. Determines
/// what can be joined by `+`.
enum class Kind { none, absolute, relative, bias, rotary, modifier };

/// The kinds of model that an encoding supports.
enum class Serves { both, causal_only, bidirectional_only };

/// An inference-time override that adds a modifier to a model trained without it: by which of its
/// options, and by which value, if only one does.
struct JoinsAtInference {
  std::string option;              ///< the option that adds it
  std::optional<Value> only = {};  ///< the value that does, if only one
};

/// An encoding that can't be combined with this one, and why, with a remedy after "; ".
struct Conflict {
  std::string with, why;  ///< the other's name; the reason and remedy
};

/// A baseline with its own flag: the same model with queries that see only the training length
/// (`--window-baseline`), or with q·k multiplied by a factor (`--sharpen`).
enum class Baseline { none, window, factor };

/// What a report plots for an encoding besides its bias and frequencies: the path of what it adds
/// at each position, or the similarity of the rows of its parameter `table`.
enum class Probe { none, path, table };

/// Whether an encoding is a default: of sweeps (compared), or of single runs as well (trained).
enum class Usual { no, compared, trained };

/// What `list` and `show` print about an encoding, and how to create one.
struct Entry {
  std::string name, title;  ///< "alibi"; its full name
  std::string printed;      ///< the name as papers print it: "RoPE"; empty: `name`
  std::vector<std::pair<std::string, std::string>> printed_values;  ///< {"yarn", "YaRN"}
  std::string paper;                                                ///< "arXiv:2108.12409"
  /// Other names in use, in lower case: of the encoding ("rotary"), or of an extension of it, with
  /// the override that it stands for ("yarn" is "rope:rope.scaling=yarn").
  std::vector<std::string> aliases;
  std::vector<std::pair<std::string, Override>> extension_aliases;  ///< name and override
  Usual usual = Usual::no;                                          ///< whether it is a default
  Kind kind = Kind::absolute;                                       ///< where it acts
  Serves serves = Serves::both;  ///< causal models, bidirectional ones or both
  std::string formula;           ///< one line of plain text
  /// Inference-time overrides for lengths beyond the training length, for set_at_inference().
  Overrides extensions;
  std::vector<JoinsAtInference> joins_at_inference;  ///< for modifiers only
  std::vector<Conflict> conflicts_with;              ///< besides those implied by its kind
  bool draws_positions = false;                      ///< in training; only one encoding may
  bool adds_content = false;                         ///< its parameters are not position parameters
  Baseline baseline = Baseline::none;                ///< which its first extension makes
  Probe probe = Probe::none;                         ///< what reports plot for it
  std::string file;  ///< name of the source file, filled in by Register
  std::unique_ptr<Encoding> (*make)() = nullptr;  ///< creates one with its defaults
};

/// Every encoding, in alphabetical order of names.
const std::vector<Entry>& registry();
/// The entry of that name, or null.
const Entry* find_entry(const std::string& name);
/// The same for a name or alias, ignoring case; throws UsageError with a suggestion if unknown.
const Entry& entry(const std::string& name);
/// Replaces aliases in an encoding as parse_encoding() reads it: "NoPE" becomes "none", "rope+yarn"
/// "rope:rope.scaling=yarn". Unknown names are kept.
std::string canonical_encoding(const std::string&);
std::string usual_encoding();                   ///< the default of a single run
std::vector<std::string> compared_encodings();  ///< the defaults of a sweep
std::string without_positions();                ///< the encoding without positions
/// The override that turns any model into the baseline: "window.size=0".
const Override& override_of(Baseline);

/// Several encodings as one: "rope+logn", or different ones by layer: "rope+window@0-2,none@3"
/// (spec.h). Encodings with the same name and options are one component, whatever their layers.
/// Options are addressed by component name: `{encoding}.{option}` means every component of that
/// name, `{encoding}@{layers}.{option}` a single one, if layers have options of their own. Throws
/// UsageError for combinations that encodings/README.md excludes.
class Composition final : public Encoding {
 public:
  explicit Composition(const std::string& names);  ///< from a text as above

  /// One of the encodings.
  struct Component {
    const Entry* entry;                  ///< its registry entry
    std::unique_ptr<Encoding> encoding;  ///< the encoding itself
    Layers layers = {};                  ///< in which it acts; empty: all
    Overrides own_options = {};          ///< that are fixed for its layers

    bool in(int layer) const;  ///< whether it acts in a layer
  };
  /// From existing components in every layer, which need not be registered.
  Composition(std::string name, std::vector<Component> components)
      : name_(std::move(name)), groups_(groups_of(name_)), components_(std::move(components)) {}

  const std::vector<Component>& components() const {
    return components_;
  }  ///< in the order of the name
  /// As given: "rope+logn"; a modifier that was added at inference is appended.
  const std::string& name() const { return name_; }
  /// The same, split by layers.
  const std::vector<LayerGroup>& groups() const { return groups_; }

  /// Why the modifier of that name can't be added to the layers that lack it; empty if it can.
  std::optional<std::string> refusal_of(const std::string& modifier) const;
  /// Whether set() accepts the option, whatever its value.
  bool takes(const OptionKey&);
  /// The options of all components by their full names, "rope.base".
  Options options() override;
  /// Their values.
  Overrides values() const;
  /// Sets an option such as "rope.base", before training or from a checkpoint.
  void set(const OptionKey&, const Value&);
  /// The same on a trained model: throws UsageError for options frozen in training; those named by
  /// Entry::joins_at_inference add their modifier to the layers that lack it. The value "N-1" is
  /// the largest distance seen in training. check() checks that the options are consistent, once
  /// all are set and before each pass.
  void set_at_inference(const OptionKey&, const Value&);

  void check() const override;
  int positions(const Dims&) override;
  bool monotonic() const override;
  void build(const Dims&, Parameters&) override;
  void freeze_for_length(int longest) override;
  std::vector<int> sample_positions(const Placing&) override;
  int placements() const override;
  std::vector<int> positions_from_digits(std::span<const int> digits, int tokens,
                                         RandomStream*) override;
  int sample_digit_offset(RandomStream*) override;
  bool needs_digits() const override;
  /// Which keys a layer's queries see.
  Mask mask_in(int layer) const;
  void begin(const Positions&) override;
  Var embed(const Var& x, std::span<const int> tokens, const Positions&) override;
  Var layer_input(const Var& x, int layer, const Positions&) override;
  /// per_key() of each component, in their order; empty if it has none.
  std::vector<Var> per_keys(const Var& x, int layer);
  void normed(Dots&, const Attention&) override;
  void scale_queries(Dots&, const Attention&) override;
  void dots(Dots&, const Attention&) override;
  void scores(ScoreTerms&, const Attention&) override;
  Var output(const Var& z, const Attention&) override;
  Var last_layer(const Var& hidden, const Positions&, const Block&) override;
  bool replaces_last_layer() const override;
  std::vector<double> frequencies(int longest) const override;
  bool complex() const override;

 private:
  using Encoding::mask;     // per layer: use mask_in
  using Encoding::per_key;  // per component: use per_keys

  std::string name_;
  std::vector<LayerGroup> groups_;
  std::vector<Component> components_;

  OptionKey key_of(const Component&, const std::string& option) const;
  std::vector<Component*> addressed(const OptionKey&);
  bool assign_to(Component&, const OptionKey&, const Value&);
  std::optional<std::string> refusal_of(const Component& modifier) const;
  void join(const OptionKey&, const Value&);
  void build(Component&, Parameters&);
};

/// Adds an encoding to the registry.
void add_entry(Entry);
/// The same for class T, from its own file:
///   const Register<Alibi> registered{{.name = "alibi", .title = …, .kind = Kind::bias}};
template <class T>
struct Register {
  /// `file` is the caller's.
  explicit Register(Entry e, std::string file = __builtin_FILE()) {
    e.file = file.substr(file.rfind('/') + 1);
    e.make = [] { return std::unique_ptr<Encoding>(new T); };
    add_entry(std::move(e));
  }
};

}  // namespace yonder
