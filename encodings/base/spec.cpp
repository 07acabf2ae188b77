#include "encodings/base/spec.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "core/error.h"
#include "core/options.h"

namespace yonder {
namespace {

constexpr int most_layers = 1024;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// The layers of "3" or "0-2", ascending; empty if the text is neither.
Layers range_of(const std::string& text) {
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
  Layers layers;
  if (last < most_layers)
    for (int l = first; l <= last; ++l) layers.push_back(l);
  return layers;
}

void add_layers(Layers& layers, const std::string& text, const std::string& whole) {
  const Layers more = range_of(text);
  if (more.empty())
    throw UsageError(fmt::format(
        "encoding: '{}' in '{}' are not layers; write them as in rope@0-2,none@3", text, whole));
  layers.insert(layers.end(), more.begin(), more.end());
}

// "rope+window:window.size=16@0-2"; `at` is the index of its @.
LayerGroup group_of(const std::string& text, std::size_t at, const std::string& encoding) {
  const std::size_t colon = std::min(text.find(':'), at);
  LayerGroup group{.names = split(text.substr(0, colon), '+')};
  if (colon < at)
    group.options =
        parse_overrides(text.substr(colon + 1, at - colon - 1), "encoding", "rope:rope.base=500@0");
  for (const Override& o : group.options)
    if (!has(group.names, o.key.owner))
      throw UsageError("encoding: " + text_of(o.key) + " in '" + text + "' is not an option of " +
                       text.substr(0, colon) + "; only its own can stand before its layers");
  add_layers(group.layers, text.substr(at + 1), encoding);
  return group;
}

// Throws UsageError unless each layer from 0 to the last is named once; sorts the layers.
void require_each_once(std::vector<LayerGroup>& groups, const std::string& encoding) {
  std::set<int> named;
  for (LayerGroup& g : groups) {
    if (g.layers.empty())
      throw UsageError("encoding: '" + encoding + "' names no layers for " + g.names[0] +
                       "; write them after an @, as in rope@0-2,none@3");
    for (const int l : g.layers)
      if (!named.insert(l).second)
        throw UsageError(
            fmt::format("encoding: '{}' names layer {} twice; name every layer once", encoding, l));
    std::sort(g.layers.begin(), g.layers.end());
  }
  int expected = 0;
  for (const int l : named)
    if (l != expected++)
      throw UsageError("encoding: '" + encoding + "' does not name layer " +
                       std::to_string(expected - 1) +
                       "; name every layer once (use 'none' for a layer without positions)");
}

// A piece between two commas as part of an encoding with layers: the layers that it names (none: it
// is not such a part), and whether options end the encoding.
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

// Whether a comma is inside the value of an option, a list of numbers: "rope.factors=1,2".
bool within_value(const std::string& before, char after) {
  const std::size_t equals = before.rfind('=');
  return equals != before.npos && is_digit(after) && before.find('@', equals) == before.npos;
}

// The pieces of a list between its commas and semicolons, except commas inside a value. A piece
// after a semicolon belongs to the encoding of the piece before it.
struct Parted {
  std::vector<std::string> pieces{""};
  std::vector<bool> joined{false};  // by a semicolon to the piece before
};

Parted parted(const std::string& list) {
  Parted all;
  for (std::size_t i = 0; i < list.size(); ++i)
    if (const char c = list[i]; c == ',' && within_value(all.pieces.back(), list[i + 1]))
      all.pieces.back() += c;
    else if (c == ',' || c == ';') all.pieces.emplace_back(), all.joined.push_back(c == ';');
    else all.pieces.back() += c;
  return all;
}

// Where the groups end in "rope@0-2,none@3:rope.scaling=yarn"; options may follow.
std::size_t groups_end(const std::string& encoding) {
  std::size_t from = 0;
  for (std::size_t at; (at = encoding.find('@', from)) != encoding.npos;) {
    std::size_t end = std::min(encoding.find_first_not_of("0123456789,-", at + 1), encoding.size());
    if (encoding[end - 1] == ',') --end;  // another group follows
    if (end == encoding.size() || (encoding[end] != ',' && encoding[end] != ';')) {
      // Before a dot it is the address of an option, rope@0-2.base, not the layers of a group.
      if (end == encoding.size() || encoding[end] == ':') return end;
      break;
    }
    from = end + 1;
  }
  return std::min(encoding.find(':', from), encoding.size());
}

}  // namespace

OptionKey::OptionKey(const std::string& text) {
  std::size_t from = 0, dot = text.find('.');
  const std::string first = text.substr(0, dot);
  if (dot != text.npos && (first == "encoding" || first == "data"))
    if (const std::size_t next = text.find('.', dot + 1); next != text.npos)
      from = dot + 1, dot = next;
  const std::string whose = dot == text.npos ? "" : text.substr(from, dot - from);
  name = snake_case(dot == text.npos ? text : text.substr(dot + 1));
  const std::size_t at = std::min(whose.find('@'), whose.size());
  owner = whose.substr(0, at);
  if (at == whose.size()) return;
  for (const std::string& range : split(whose.substr(at + 1), ',')) add_layers(layers, range, text);
  std::sort(layers.begin(), layers.end());
}

std::string OptionKey::address() const {
  return layers.empty() ? owner : owner + "@" + text_of(layers);
}

std::string text_of(const OptionKey& key) {
  return key.owner.empty() ? key.name : key.address() + "." + key.name;
}

bool Override::operator==(const Override& other) const {
  return key == other.key && text_of(value) == text_of(other.value);
}

Overrides overrides(const OptionKey& key, const std::vector<Value>& values) {
  Overrides all;
  for (const Value& v : values) all.push_back({key, v});
  return all;
}

const Override* find(const Overrides& all, const OptionKey& key) {
  const auto found =
      std::find_if(all.rbegin(), all.rend(), [&key](const Override& o) { return o.key == key; });
  return found == all.rend() ? nullptr : &*found;
}

std::pair<std::string, std::string> parse_assignment(const std::string& text,
                                                     const std::string& where,
                                                     const std::string& example) {
  const auto equals = text.find('=');
  if (equals == text.npos || equals == 0 || equals + 1 == text.size())
    throw UsageError(fmt::format("{}: '{}' is not of the form option=value; write it as in {}",
                                 where, text, example));
  return {text.substr(0, equals), text.substr(equals + 1)};
}

Overrides parse_overrides(const std::string& text, const std::string& where,
                          const std::string& example) {
  Overrides all;
  if (text.empty()) return all;
  for (const std::string& one : split(text, ':')) {
    const auto [option, value] = parse_assignment(one, where, example);
    all.push_back({option, parse_value(value)});
  }
  return all;
}

std::string text_of(const Override& o) { return text_of(o.key) + "=" + text_of(o.value); }

std::string text_of(const Overrides& all) {
  return joined(all, ":", [](const Override& o) { return text_of(o); });
}

std::vector<std::string> EncodingSpec::names() const {
  std::vector<std::string> all;
  for (const LayerGroup& g : groups)
    for (const std::string& name : g.names) add_once(all, name);
  return all;
}

bool EncodingSpec::has(const std::string& name) const { return yonder::has(names(), name); }

EncodingSpec parse_encoding(const std::string& text) {
  const std::size_t end = groups_end(text);
  EncodingSpec spec{groups_of(text.substr(0, end)), {}};
  if (end < text.size())
    spec.options = parse_overrides(text.substr(end + 1), "encodings", "rope:rope.scaling=yarn");
  return spec;
}

std::string text_of(const EncodingSpec& spec) {
  return text_of(spec.groups) + (spec.options.empty() ? "" : ":" + text_of(spec.options));
}

std::vector<LayerGroup> groups_of(const std::string& encoding) {
  if (encoding.find_first_of("@,;") == encoding.npos) return {{.names = split(encoding, '+')}};
  std::vector<LayerGroup> groups;
  for (const std::string& text : parted(encoding).pieces) {
    const std::size_t at = text.rfind('@');
    if (at != text.npos) groups.push_back(group_of(text, at, encoding));
    else if (!groups.empty() && !text.empty() && is_digit(text[0]))
      add_layers(groups.back().layers, text, encoding);
    else groups.push_back({.names = split(text, '+')});
  }
  require_each_once(groups, encoding);
  return groups;
}

std::string text_of(const Layers& layers) {
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
  return joined(groups, ",", [](const LayerGroup& g) {
    return joined(g.names, "+") + (g.options.empty() ? "" : ":" + text_of(g.options)) +
           (g.layers.empty() ? "" : "@" + text_of(g.layers));
  });
}

bool everywhere(const std::vector<LayerGroup>& groups, const std::string& name) {
  return std::all_of(groups.begin(), groups.end(),
                     [&name](const LayerGroup& g) { return has(g.names, name); });
}

std::size_t layers_in(const std::vector<LayerGroup>& groups) {
  std::size_t count = 0;
  for (const LayerGroup& g : groups) count += g.layers.size();
  return count;
}

std::vector<std::string> entries_of(const std::string& list) {
  std::vector<std::string> entries;
  std::set<int> named;  // layers of the last entry
  bool open = false;    // whether it may continue
  const auto [pieces, joined] = parted(list);
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const std::string& text = pieces[i];
    const bool range = !text.empty() && is_digit(text[0]), group = text.find('@') != text.npos;
    const Piece piece = group || range ? piece_of(text) : Piece{};
    const bool again = std::any_of(piece.layers.begin(), piece.layers.end(),
                                   [&](int l) { return named.count(l) > 0; });
    if (joined[i]) entries.back() += ";" + text;
    else if (open && !piece.layers.empty() && (range || !again)) entries.back() += "," + text;
    else entries.push_back(text), named.clear();
    named.insert(piece.layers.begin(), piece.layers.end());
    open = group ? !piece.layers.empty() && !piece.ended : open && range && !piece.ended;
  }
  return entries;
}

}  // namespace yonder
