#pragma once
#include <string>
#include <vector>

/// \file
/// How an encoding is written, in flags, files and checkpoints. Layers count from 0.
///
///   rope+logn                        both in every layer
///   rope+window@0-2,none+logn@3      rope behind a window in three layers, neither in the fourth
///   rope:rope.base=5e5@0,2,rope@1    options behind colons hold in these layers alone
namespace yonder {

/// The value of one option: {"rope.scaling", "yarn"}.
struct Setting {
  std::string option, value;
};

/// A setting of `option` to each of `values`.
inline std::vector<Setting> settings(const std::string& option,
                                     const std::vector<std::string>& values) {
  std::vector<Setting> all;
  for (const std::string& v : values) all.push_back({option, v});
  return all;
}

/// Reads "rope.scaling=yarn". UsageError, which begins with `where`, for anything else.
Setting read_setting(const std::string& text, const std::string& where);

/// Encodings that stand in the same layers.
struct LayerGroup {
  std::vector<std::string> names;  ///< joined by +
  std::vector<Setting> options;    ///< that hold in these layers alone
  std::vector<int> layers;         ///< ascending; empty: every layer
};

/// The groups of an encoding: one without layers, or several that name each of the layers 0.. once.
/// UsageError for any other. Names are not looked up.
std::vector<LayerGroup> groups_of(const std::string& encoding);
/// What groups_of reads back.
std::string text_of(const std::vector<LayerGroup>&);
/// Ranges of layers: "0-2,4".
std::string text_of(const std::vector<int>& layers);

/// The names in an encoding, each once.
std::vector<std::string> names_in(const std::string& encoding);

/// Where the encoding ends in "rope@0-2,none@3:rope.scaling=yarn"; options may follow.
std::size_t encoding_end(const std::string& entry);

/// The entries of a list with commas between. A comma within an encoding of layers parts nothing:
/// such an encoding goes on until a layer comes again, or until options follow.
std::vector<std::string> entries_of(const std::string& list);

}  // namespace yonder
