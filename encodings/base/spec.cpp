#include "encodings/base/spec.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "core/error.h"
#include "core/options.h"

namespace yonder {
namespace {

constexpr int most_layers = 1024;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// The layers of "3" or "0-2", ascending; none if it is neither.
std::vector<int> range_of(const std::string& text) {
  int first = -1, last = -1;
  const char* const end = text.data() + text.size();
  const auto [dash, error] = std::from_chars(text.data(), end, first);
  if (error != std::errc() || first < 0) return {};
  last = first;
  if (dash != end) {
    if (*dash != '-' || dash + 1 == end || !is_digit(dash[1])) return {};
    const auto [stop, wrong] = std::from_chars(dash + 1, end, last);
    if (wrong != std::errc() || stop != end) return {};
  }
  std::vector<int> layers;
  if (last < most_layers)
    for (int l = first; l <= last; ++l) layers.push_back(l);
  return layers;
}

void add_layers(LayerGroup& group, const std::string& text, const std::string& encoding) {
  const std::vector<int> more = range_of(text);
  if (more.empty())
    throw UsageError("encoding: '" + text + "' in '" + encoding +
                     "' are no layers; write them as in rope@0-2,none@3");
  group.layers.insert(group.layers.end(), more.begin(), more.end());
}

bool has(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// "rope+window:window.size=16@0-2"; `at` is where its @ stands.
LayerGroup group_of(const std::string& text, std::size_t at, const std::string& encoding) {
  const auto parts = split(text.substr(0, at), ':');
  LayerGroup group{.names = split(parts[0], '+')};
  for (std::size_t i = 1; i < parts.size(); ++i) {
    group.options.push_back(read_setting(parts[i], "encoding"));
    const std::string& option = group.options.back().option;
    if (!has(group.names, option.substr(0, option.find('.'))))
      throw UsageError("encoding: " + option + " in '" + text + "' is no option of " + parts[0] +
                       "; only its own can stand before its layers");
  }
  add_layers(group, text.substr(at + 1), encoding);
  return group;
}

// Every layer from 0 to the last once.
void require_each_once(std::vector<LayerGroup>& groups, const std::string& encoding) {
  std::set<int> named;
  for (LayerGroup& g : groups) {
    if (g.layers.empty())
      throw UsageError("encoding: '" + encoding + "' names no layers for " + g.names[0] +
                       "; write them behind an @, as in rope@0-2,none@3");
    for (const int l : g.layers)
      if (!named.insert(l).second)
        throw UsageError("encoding: '" + encoding + "' names layer " + std::to_string(l) +
                         " twice; name every layer once");
    std::sort(g.layers.begin(), g.layers.end());
  }
  int expected = 0;
  for (const int l : named)
    if (l != expected++)
      throw UsageError("encoding: '" + encoding + "' does not name layer " +
                       std::to_string(expected - 1) +
                       "; name every layer once, none for one without positions");
}

// What an entry's piece between two commas does to an encoding of layers: the layers that it names
// (none: it is no piece of one), and whether options end the encoding.
struct Piece {
  std::vector<int> layers;
  bool ended = false;
};

Piece piece_of(const std::string& text) {
  const std::size_t at = text.find('@');
  const std::size_t first = at != text.npos ? at + 1 : 0;
  const std::size_t end = std::min(text.find(':', first), text.size());
  return {range_of(text.substr(first, end - first)), end < text.size()};
}

}  // namespace

Setting read_setting(const std::string& text, const std::string& where) {
  const auto equals = text.find('=');
  if (equals == std::string::npos || equals == 0 || equals + 1 == text.size())
    throw UsageError(where + ": '" + text +
                     "' is not of the form option=value; write it as in rope:rope.scaling=yarn");
  return {text.substr(0, equals), text.substr(equals + 1)};
}

std::vector<LayerGroup> groups_of(const std::string& encoding) {
  if (encoding.find_first_of("@,") == encoding.npos) return {{.names = split(encoding, '+')}};
  std::vector<LayerGroup> groups;
  for (const std::string& text : split(encoding, ',')) {
    const std::size_t at = text.rfind('@');
    if (at != text.npos) groups.push_back(group_of(text, at, encoding));
    else if (!groups.empty() && !text.empty() && is_digit(text[0]))
      add_layers(groups.back(), text, encoding);
    else groups.push_back({.names = split(text, '+')});
  }
  require_each_once(groups, encoding);
  return groups;
}

std::string text_of(const std::vector<int>& layers) {
  std::string text;
  for (std::size_t i = 0; i < layers.size();) {
    std::size_t last = i;
    while (last + 1 < layers.size() && layers[last + 1] == layers[last] + 1) ++last;
    text += (text.empty() ? "" : ",") + std::to_string(layers[i]);
    if (last > i) text += "-" + std::to_string(layers[last]);
    i = last + 1;
  }
  return text;
}

std::string text_of(const std::vector<LayerGroup>& groups) {
  std::string text;
  for (const LayerGroup& g : groups) {
    if (!text.empty()) text += ",";
    for (const std::string& name : g.names) text += (&name == &g.names[0] ? "" : "+") + name;
    for (const auto& [option, value] : g.options) text += ":" + option + "=" + value;
    if (!g.layers.empty()) text += "@" + text_of(g.layers);
  }
  return text;
}

std::vector<std::string> names_in(const std::string& encoding) {
  std::vector<std::string> names;
  for (const LayerGroup& g : groups_of(encoding))
    for (const std::string& name : g.names)
      if (!has(names, name)) names.push_back(name);
  return names;
}

std::size_t encoding_end(const std::string& entry) {
  std::size_t from = 0;
  for (std::size_t at; (at = entry.find('@', from)) != entry.npos;) {
    std::size_t end = std::min(entry.find_first_not_of("0123456789,-", at + 1), entry.size());
    if (entry[end - 1] == ',') --end;  // another group follows
    if (end == entry.size() || entry[end] != ',') {
      // Before a dot it is the address of an option, rope@0-2.base, and no layers of a group.
      if (end == entry.size() || entry[end] == ':') return end;
      break;
    }
    from = end + 1;
  }
  return std::min(entry.find(':', from), entry.size());
}

std::vector<std::string> entries_of(const std::string& list) {
  std::vector<std::string> entries;
  std::set<int> named;  // layers of the last entry
  bool open = false;    // whether more of them may follow
  for (const std::string& text : split(list, ',')) {
    const bool range = !text.empty() && is_digit(text[0]), group = text.find('@') != text.npos;
    const Piece piece = group || range ? piece_of(text) : Piece{};
    const bool again = std::any_of(piece.layers.begin(), piece.layers.end(),
                                   [&](int l) { return named.count(l) > 0; });
    if (open && !piece.layers.empty() && (range || !again)) entries.back() += "," + text;
    else entries.push_back(text), named.clear();
    named.insert(piece.layers.begin(), piece.layers.end());
    open = group ? !piece.layers.empty() && !piece.ended : open && range && !piece.ended;
  }
  return entries;
}

}  // namespace yonder
