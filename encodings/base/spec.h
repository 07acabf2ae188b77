#pragma once
#include <string>
#include <vector>

#include "core/options.h"

/// \file
/// How options and encodings are written, in flags, files and checkpoints; what knows the meaning
/// of '.', '@', ':', '=', ',' and ';'. Layers count from 0.
///
///   option    owner.name, owner@layers.name        rope.base, rope@0-2.base
///   override  option=value                         rope.scaling=yarn
///             numbers of a value with , between    rope.factors=1,2.5,4
///   layers    3, 0-2, 0-2,4
///   group     names joined by +, :override …       rope+window:window.size=16@0-2
///             @ layers
///   groups    group alone, without layers, or      rope+logn
///             several with , or ; between          rope+window@0-2;none+logn@3
///   encoding  groups :override …                   rope@0-2,none@3:rope.scaling=yarn
///   list      encodings with , between; a comma within an encoding of layers parts nothing: such
///             an encoding continues until a layer comes again, or until options follow
namespace yonder {

/// Ascending; empty: every one.
using Layers = std::vector<int>;
/// "0-2,4".
std::string text_of(const Layers&);

/// Which option: whose, in which layers, and its name there.
struct OptionKey {
  std::string owner;   ///< an encoding, a task, or a section of a configuration; may be empty
  Layers layers = {};  ///< where it holds; empty: every layer
  std::string name;    ///< without the owner

  OptionKey() = default;
  /// From its parts.
  OptionKey(std::string its_owner, Layers its_layers, std::string its_name)
      : owner(std::move(its_owner)), layers(std::move(its_layers)), name(std::move(its_name)) {}
  /// Reads "rope.base", "rope@0-2.base", and both behind "encoding." or "data.". UsageError for
  /// layers that are none.
  OptionKey(const std::string& text);
  OptionKey(const char* text) : OptionKey(std::string(text)) {}  ///< the same

  /// "rope@0-2".
  std::string address() const;
  bool operator==(const OptionKey&) const = default;  ///< by all three parts
};
std::string text_of(const OptionKey&);  ///< "rope@0-2.base"

/// The value that an option is given: {"rope.scaling", "yarn"}.
struct Override {
  OptionKey key;  ///< which option
  Value value;    ///< what it is given

  /// By what is written: a text may stand for a number.
  bool operator==(const Override&) const;
};
using Overrides = std::vector<Override>;  ///< in order; the last one of a key counts

/// One for each of `values`.
Overrides overrides(const OptionKey&, const std::vector<Value>& values);
/// The last of a key, or null.
const Override* find(const Overrides&, const OptionKey&);

/// An option's text and its value's: "rope.scaling" and "yarn". UsageError, which begins with
/// `where` and ends with an example, for what is not option=value.
std::pair<std::string, std::string> parse_assignment(const std::string& text,
                                                     const std::string& where,
                                                     const std::string& example);
/// Reads "rope.scaling=yarn:rope.factor=4"; none of an empty text.
Overrides parse_overrides(const std::string& text, const std::string& where,
                          const std::string& example = "rope.scaling=yarn:rope.factor=4");
std::string text_of(const Override&);  ///< "rope.scaling=yarn"
/// What parse_overrides() reads back.
std::string text_of(const Overrides&);

/// Encodings that stand in the same layers.
struct LayerGroup {
  std::vector<std::string> names;  ///< joined by +
  Overrides options;               ///< that hold in these layers alone
  Layers layers;                   ///< empty: every layer
};

/// An encoding and how a training configures it.
struct EncodingSpec {
  std::vector<LayerGroup> groups;  ///< one without layers, or several that name each of 0.. once
  Overrides options;               ///< behind the groups

  /// Each once.
  std::vector<std::string> names() const;
  bool has(const std::string& name) const;  ///< whether any group names it
};
/// UsageError for layers that can't be and options without a value. Names are not looked up.
EncodingSpec parse_encoding(const std::string& text);
/// What parse_encoding() reads back.
std::string text_of(const EncodingSpec&);

/// The groups of an encoding that no options follow.
std::vector<LayerGroup> groups_of(const std::string& encoding);
std::string text_of(const std::vector<LayerGroup>&);  ///< what groups_of() reads back
/// Whether every group has the name.
bool everywhere(const std::vector<LayerGroup>&, const std::string& name);
/// How many layers the groups name.
std::size_t layers_in(const std::vector<LayerGroup>&);

/// The encodings of a list. Empty ones too.
std::vector<std::string> entries_of(const std::string& list);

}  // namespace yonder
