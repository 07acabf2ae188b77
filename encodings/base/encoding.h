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
/// What a position encoding is. Open this first; then any encoding's own file, which is complete in
/// itself: formula, paper, options, parameters and gradients.
namespace yonder {

/// The extents of a model, in the letters of models/README.md.
struct Dims {
  int vocabulary = 0;   ///< V
  int width = 128;      ///< D
  int heads = 4;        ///< H
  int layers = 4;       ///< number of blocks
  int mlp = 512;        ///< F
  int trained = 0;      ///< N, the trained length in tokens
  bool causal = true;   ///< a token sees earlier ones only; false: all
  int positions = 0;    ///< R, positions that training can show: N, or more with random and offset
  bool rising = true;   ///< whether no token stands before an earlier one; coupled ones may
  bool biased = false;  ///< whether a plain bias is added to the scores of some layer
  BlockDesign block = {};  ///< of every block

  int head() const { return width / heads; }  ///< d
  /// K, the heads of k and v.
  int kv_heads() const { return block.kv_heads > 0 ? block.kv_heads : heads; }
  /// Whether a query sees keys to the right of it, at distances below 0.
  bool two_sided() const { return !causal || !rising; }
};

/// One call of self-attention, as an encoding sees it.
struct Attention {
  int layer;                       ///< its index, from 0
  Positions queries, keys;         ///< of the tokens of q, and of k and v
  Var query_weight, key_weight;    ///< W_q, W_k of this layer, [D, D], [K·d, D]
  Mask mask;                       ///< what the layer's queries see
  Var input = {};                  ///< [B, Tq, D], the normed input of the queries' rows
  Var per_key = {};                ///< [B, Tk, ..], what Encoding::per_key made of the keys' tokens
  const Dots* products = nullptr;  ///< in scores(): q and k as they meet, if they do
  /// The same as per_key of each component of a composition, which shows every one its own.
  std::vector<Var> per_keys = {};

  /// The smallest distance i − j between any query and any key, hidden ones too.
  int least() const;
  int most() const;  ///< the largest
  /// The smallest distance of a key that its query sees, or 0.
  int least_seen() const;
  /// Refuses positions at which a query sees a key to the right, for want of a row. Of use where
  /// Dims::two_sided() is false.
  void require_rising(const std::string& owner) const;
};

/// Where the tokens of a pass stand: [T] if all sequences share their positions, else [B, T]. 0 for
/// padding, since an encoding need not be defined where no token stands.
std::vector<int> token_positions(const Positions&);

/// Runs the last layer once: the residual stream follows `query`; keys and values come from
/// `memory`.
using Block = std::function<Var(const Var& query, const Var& memory)>;

/// What positions are wanted for.
struct Placing {
  int batch = 1, tokens = 0;      ///< B, T
  int longest = 0;                ///< L
  RandomStream* draws = nullptr;  ///< not null in training only
  int layer = 0;                  ///< of Encoding::placements()
};

/// A position encoding: the places where a Transformer may learn where a token is. Every hook does
/// nothing by default, so an encoding states only what it changes. The model calls the hooks in the
/// order in which they stand here and never knows which encoding it has. An encoding is a pure
/// function of options, parameters, positions and length: hooks keep nothing from pass to pass.
class Encoding {
 public:
  virtual ~Encoding() = default;

  /// The encoding's settings, bound to its fields. After build() they hold their resolved values.
  virtual Options options() { return {}; }

  /// The positions that training can show (R); modifiers that draw positions raise it.
  virtual int positions(const Dims& dims) { return dims.positions; }

  /// Refuses (UsageError) options that don't fit each other or the model's dims_. Runs in build and
  /// again before each pass, since options may have changed at test time. Not before build.
  virtual void check() const {}

  /// Whether its positions rise from token to token (see Dims).
  virtual bool rising() const { return true; }

  /// Resolves defaults that depend on the model, creates parameters named "encoding.{name}.…".
  /// Overriders call Encoding::build first.
  virtual void build(const Dims& dims, Parameters&) {
    dims_ = dims;
    check();
  }

  /// Before training continues at `longest` tokens: an option whose 0 stands for a number that each
  /// test makes of its own length gets the number of this one, so that it holds from now on.
  virtual void freeze_for_length(int /*longest*/) {}

  /// Positions of a pass where the task gives none, [T] or [B, T]; empty means 0, 1, 2, ….
  virtual std::vector<int> sample_positions(const Placing&) { return {}; }
  /// How often a pass is placed: once, or for the attention of each layer.
  virtual int placements() const { return 1; }

  /// The same where a pass has digits [B, T] (see Positions): positions [B, T] that follow from
  /// them, or empty for those of sample_positions().
  virtual std::vector<int> positions_from_digits(std::span<const int> /*digits*/, int /*tokens*/,
                                                 RandomStream*) {
    return {};
  }
  /// Added to what every digit of a pass counts.
  virtual int sample_digit_offset(RandomStream*) { return 0; }
  /// Whether it means nothing without digits.
  virtual bool needs_digits() const { return false; }

  /// Whether all that it does is done inside blocks, so that some layers may have it and others not
  /// ("rope@0-2,none@3"). Empty: all but absolute encodings do.
  virtual std::optional<bool> by_layer() const { return {}; }

  /// Once before each pass, for work that all layers share.
  virtual void begin(const Positions&) {}

  /// Absolute encodings act here. x [B, T, D] is sqrt(D)·E[token]; tokens [B·T], padding is −1.
  virtual Var embed(const Var& x, std::span<const int> /*tokens*/, const Positions&) { return x; }

  /// x [B, T, D] is the block's normed input, from which q, k and v are made.
  virtual Var layer_input(const Var& x, int /*layer*/, const Positions&) { return x; }

  /// What later queries will ask of each token beside its k and v, [B, T, ..], made of the block's
  /// normed input x [B, T, D]; kept with them where a sequence is written token by token.
  virtual Var per_key(const Var& /*x*/, int /*layer*/) { return {}; }

  /// What the queries of a layer see.
  virtual void mask(Mask&) {}
  /// Norms q and k, before any other use of them.
  virtual void normed(Dots&, const Attention&) {}
  /// A factor for the row of each query, before any other use of q (log n). Modifiers come last.
  virtual void scale_queries(Dots&, const Attention&) {}
  /// Turns q and k (rotary).
  virtual void dots(Dots&, const Attention&) {}
  /// Relative terms and biases.
  virtual void scores(ScoreTerms&, const Attention&) {}
  /// Changes what attention gives, z [B, Tq, H, d], before the layer's O.
  virtual Var output(const Var& z, const Attention&) { return z; }

  /// Replaces the last layer; an empty result means: run it as any other.
  virtual Var last_layer(const Var& /*hidden*/, const Positions&, const Block&) { return {}; }
  /// Whether last_layer() does so.
  virtual bool replaces_last_layer() const { return false; }

  /// The angles per token by which pairs of columns turn in a test of `longest` tokens, 0 of those
  /// that stay. Empty unless it turns q and k.
  virtual std::vector<double> frequencies(int /*longest*/) const { return {}; }

  /// Whether the model has to be the complex Transformer.
  virtual bool complex() const { return false; }

 protected:
  Dims dims_;  ///< of the model, from build() on
};

/// Where an encoding acts: on the embedded tokens, on the scores (a plain bias may be added to
/// turned scores, other relative terms may not), on q and k, or on another encoding. What may be
/// composed by `+` depends on it.
enum class Kind { none, absolute, relative, bias, rotary, modifier };

/// The kinds of model that an encoding serves.
enum class Serves { both, causal_only, bidirectional_only };

/// How a test may add a modifier to a model that was trained without it: by which of its options,
/// and by which value, if only one does.
struct JoinsAtTest {
  std::string option;              ///< the option that adds it
  std::optional<Value> only = {};  ///< the value that does, if only one
};

/// An encoding that can't stand beside this one, and why ("; " and the way out).
struct Conflict {
  std::string with, why;  ///< the other's name; the reason
};

/// What models are compared with under a flag of its own: themselves where a query sees only the
/// trained length (`windowed`), or where q·k is multiplied by a factor (`--sharpen`).
enum class Baseline { none, window, factor };

/// What a report draws of an encoding beside its bias and its frequencies: the path of what it adds
/// by position, or how alike the rows of its parameter `table` are.
enum class Probe { none, path, table };

/// Where an encoding is taken unnamed: in a sweep, beside others; or as the one of a training too.
enum class Usual { no, compared, trained };

/// What `list` and `show` say of an encoding, and how to make one.
struct Entry {
  std::string name, title;  ///< "alibi"; its full name
  std::string printed;      ///< the name as papers print it: "RoPE"; empty: `name`
  std::vector<std::pair<std::string, std::string>> printed_values;  ///< {"yarn", "YaRN"}
  std::string paper;                                                ///< "arXiv:2108.12409"
  /// Other names of the field, in lower case: of the encoding ("rotary"), or, with what they set,
  /// of a way to extend it ("yarn" is "rope:rope.scaling=yarn").
  std::vector<std::string> aliases;
  std::vector<std::pair<std::string, Override>> extension_aliases;  ///< and what each sets
  Usual usual = Usual::no;                                          ///< where it is taken unnamed
  Kind kind = Kind::absolute;                                       ///< where it acts
  Serves serves = Serves::both;  ///< causal models, bidirectional ones or both
  std::string formula;           ///< one line of plain text
  /// Test-time settings meant for lengths beyond the trained one, as set_at_test takes them.
  Overrides extensions;
  std::vector<JoinsAtTest> joins_at_test;  ///< for modifiers only
  std::vector<Conflict> conflicts_with;    ///< beside those that follow from its kind
  bool draws_positions = false;            ///< of training; one encoding may
  bool adds_content = false;               ///< its parameters do not count as those of positions
  Baseline baseline = Baseline::none;      ///< that its first extension is
  Probe probe = Probe::none;               ///< what reports draw of it
  std::string file;                        ///< name of the source file, filled in by Register
  std::unique_ptr<Encoding> (*make)() = nullptr;  ///< an encoding with its defaults
};

/// Every encoding, in alphabetical order of names.
const std::vector<Entry>& registry();
/// The entry of one name, or null.
const Entry* find_entry(const std::string& name);
/// That of a name or an alias in whatever case; UsageError with a "did you mean" if there is none.
const Entry& entry(const std::string& name);
/// An encoding as parse_encoding() reads it, every name as its entry has it: "NoPE" becomes "none",
/// "rope+yarn" "rope:rope.scaling=yarn". Unknown names stay.
std::string canonical_encoding(const std::string&);
std::string usual_encoding();                   ///< what is trained where nothing is named
std::vector<std::string> compared_encodings();  ///< what is compared where nothing is named
std::string without_positions();                ///< the encoding without positions
/// The override that makes a baseline of any model: "window.size=0".
const Override& override_of(Baseline);

/// Several encodings as one: "rope+logn", or others in other layers: "rope+window@0-2,none@3"
/// (spec.h). Encodings of one name and the same options are one, whichever layers they stand in.
/// Knows its components by name, so that options are read and written as `{encoding}.{option}`,
/// which means every component of that name; `{encoding}@{layers}.{option}` means one, where layers
/// have options of their own. Refuses (UsageError) what encodings/README.md does.
class Composition final : public Encoding {
 public:
  explicit Composition(const std::string& names);  ///< from a text as above

  /// One of the encodings.
  struct Component {
    const Entry* entry;                  ///< its registry entry
    std::unique_ptr<Encoding> encoding;  ///< the encoding itself
    Layers layers = {};                  ///< that it stands in
    Overrides own_options = {};          ///< that its layers fix

    bool in(int layer) const;  ///< whether it acts in a layer
  };
  /// Of ready components in every layer, which the registry need not know.
  Composition(std::string name, std::vector<Component> components)
      : name_(std::move(name)), groups_(groups_of(name_)), components_(std::move(components)) {}

  const std::vector<Component>& components() const {
    return components_;
  }  ///< in the order of the name
  /// As given: "rope+logn"; a modifier that was added at test time is appended.
  const std::string& name() const { return name_; }
  /// The same, parted by layers.
  const std::vector<LayerGroup>& groups() const { return groups_; }

  /// Why a test can't add the modifier of that name to the layers that lack it; empty if it can.
  std::optional<std::string> refusal_of(const std::string& modifier) const;
  /// Whether set() would take the option, values aside.
  bool takes(const OptionKey&);
  /// The options of all components by their full names, "rope.base".
  Options options() override;
  /// What they hold.
  Overrides values() const;
  /// Sets "rope.base" and the like, before training or as a checkpoint has it.
  void set(const OptionKey&, const Value&);
  /// The same on a trained model: options that training has frozen are refused, and what
  /// Entry::joins_at_test names adds that modifier to the layers where it is missing. "N-1" as a
  /// value is the largest distance that training showed. How options fit each other is checked by
  /// check(), when all are set, and before each pass.
  void set_at_test(const OptionKey&, const Value&);

  void check() const override;
  int positions(const Dims&) override;
  bool rising() const override;
  void build(const Dims&, Parameters&) override;
  void freeze_for_length(int longest) override;
  std::vector<int> sample_positions(const Placing&) override;
  int placements() const override;
  std::vector<int> positions_from_digits(std::span<const int> digits, int tokens,
                                         RandomStream*) override;
  int sample_digit_offset(RandomStream*) override;
  bool needs_digits() const override;
  /// What a layer's queries see.
  Mask mask_in(int layer) const;
  void begin(const Positions&) override;
  Var embed(const Var& x, std::span<const int> tokens, const Positions&) override;
  Var layer_input(const Var& x, int layer, const Positions&) override;
  /// per_key() of each component, in their order; empty where it makes nothing.
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
  using Encoding::mask;     // of one layer only: mask_in
  using Encoding::per_key;  // of one component only: per_keys

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
