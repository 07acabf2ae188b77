#pragma once
#include <string>
#include <vector>

#include "core/options.h"

/// \file
/// How options and encodings are written in flags, files and checkpoints: the meaning of '.', '@',
/// ':', '=', ',' and ';'. Layers are numbered from 0.
///
///   option    owner.name, owner@layers.name        rope.base, rope@0-2.base
///   override  option=value                         rope.scaling=yarn
///             value: numbers separated by ,        rope.factors=1,2.5,4
///   layers    3, 0-2, 0-2,4
///   group     names joined by +, :override …       rope+window:window.size=16@0-2
///             @ layers
///   groups    group alone, without layers, or      rope+logn
///             several separated by , or ;          rope+window@0-2;none+logn@3
///   encoding  groups :override …                   rope@0-2,none@3:rope.scaling=yarn
///   list      encodings separated by commas; a comma in an encoding with layers does not end it:
///             such an encoding continues until a layer is repeated, or ends after its options
namespace yonder {

/// Layer indices, ascending; empty: every layer.
using Layers = std::vector<int>;
/// "0-2,4".
std::string text_of(const Layers&);

/// Identifies an option: its owner, layers and name.
struct OptionKey {
  std::string owner;   ///< an encoding, a task, or a section of a configuration; may be empty
  Layers layers = {};  ///< where it holds; empty: every layer
  std::string name;    ///< without the owner

  OptionKey() = default;
  /// From its parts.
  OptionKey(std::string its_owner, Layers its_layers, std::string its_name)
      : owner(std::move(its_owner)), layers(std::move(its_layers)), name(std::move(its_name)) {}
  /// Reads "rope.base" and "rope@0-2.base", also after "encoding." or "data.". Throws UsageError
  /// for invalid layers.
  OptionKey(const std::string& text);
  OptionKey(const char* text) : OptionKey(std::string(text)) {}  ///< the same

  /// "rope@0-2".
  std::string address() const;
  bool operator==(const OptionKey&) const = default;  ///< by all three parts
};
std::string text_of(const OptionKey&);  ///< "rope@0-2.base"

/// A value for an option: {"rope.scaling", "yarn"}.
struct Override {
  OptionKey key;  ///< which option
  Value value;    ///< its value

  /// Compares the written form: a text may stand for a number.
  bool operator==(const Override&) const;
};
using Overrides = std::vector<Override>;  ///< in order; the last one for a key counts

/// One override of the option for each of `values`.
Overrides overrides(const OptionKey&, const std::vector<Value>& values);
/// The last override for a key, or null.
const Override* find(const Overrides&, const OptionKey&);

/// Splits option=value into its two texts: "rope.scaling" and "yarn". Throws UsageError, beginning
/// with `where` and ending with `example`, for anything else.
std::pair<std::string, std::string> parse_assignment(const std::string& text,
                                                     const std::string& where,
                                                     const std::string& example);
/// Reads "rope.scaling=yarn:rope.factor=4"; an empty text gives none.
Overrides parse_overrides(const std::string& text, const std::string& where,
                          const std::string& example = "rope.scaling=yarn:rope.factor=4");
std::string text_of(const Override&);  ///< "rope.scaling=yarn"
/// The text that parse_overrides() reads back.
std::string text_of(const Overrides&);

/// Encodings that act in the same layers.
struct LayerGroup {
  std::vector<std::string> names;  ///< joined by +
  Overrides options;               ///< for these layers only
  Layers layers;                   ///< empty: every layer
};

/// An encoding and its options.
struct EncodingSpec {
  std::vector<LayerGroup> groups;  ///< one without layers, or several that name each layer once
  Overrides options;               ///< after the groups

  /// All encodings, each once.
  std::vector<std::string> names() const;
  bool has(const std::string& name) const;  ///< whether any group names it
};
/// Throws UsageError for invalid layers and options without a value. Names are not looked up.
EncodingSpec parse_encoding(const std::string& text);
/// The text that parse_encoding() reads back.
std::string text_of(const EncodingSpec&);

/// The groups of an encoding without options after them.
std::vector<LayerGroup> groups_of(const std::string& encoding);
std::string text_of(const std::vector<LayerGroup>&);  ///< what groups_of() reads back
/// Whether every group contains the name.
bool everywhere(const std::vector<LayerGroup>&, const std::string& name);
/// The number of layers that the groups name.
std::size_t layers_in(const std::vector<LayerGroup>&);

/// The encodings of a list, empty ones included.
std::vector<std::string> entries_of(const std::string& list);

}  // namespace yonder
