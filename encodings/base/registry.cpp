#include <algorithm>
#include <stdexcept>

#include "encodings/base/encoding.h"

namespace yonder {
namespace {

// Filled before main() runs, by the static Register of each encoding's file.
std::vector<Entry>& entries() {
  static std::vector<Entry> all;
  return all;
}

std::string lower_case(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = char(c - 'A' + 'a');
  return text;
}

// The entry of a name or alias, ignoring case, or null.
const Entry* find_named(const std::string& text) {
  const std::string name = lower_case(text);
  for (const Entry& e : registry())
    if (e.name == name || has(e.aliases, name)) return &e;
  return nullptr;
}

// The extension that a name stands for: by an extension alias, or as the value of an extension of
// one of `others` ("rope+rerope"); or null.
const Override* extension_named(const std::string& text, const std::vector<std::string>& others) {
  const std::string name = lower_case(text);
  for (const Entry& e : registry()) {
    for (const auto& [alias, extension] : e.extension_aliases)
      if (alias == name) return &extension;
    if (!has(others, e.name)) continue;
    for (const Override& o : e.extensions)
      if (text_of(o.value) == name) return &o;
  }
  return nullptr;
}

// The registered names of a group; the overrides of extensions among them go to `options`.
std::vector<std::string> canonical(const std::vector<std::string>& names, Overrides& options) {
  std::vector<std::string> known, all;
  for (const std::string& name : names)
    if (const Entry* e = find_named(name)) known.push_back(e->name);
  for (const std::string& name : names) {
    const Entry* e = find_named(name);
    const Override* extension = e ? nullptr : extension_named(name, known);
    if (extension) options.push_back(*extension);
    const std::string& now = e ? e->name : extension ? extension->key.owner : name;
    // "rope+yarn" gives rope once, while "rope+rope" is kept and later rejected.
    if (!extension || !has(known, now)) all.push_back(now);
  }
  return all;
}

}  // namespace

void add_entry(Entry e) {
  auto later = [](const Entry& a, const Entry& b) { return a.name < b.name; };
  auto& all = entries();
  all.insert(std::upper_bound(all.begin(), all.end(), e, later), std::move(e));
}

const std::vector<Entry>& registry() { return entries(); }

const Entry* find_entry(const std::string& name) {
  for (const Entry& e : registry())
    if (e.name == name) return &e;
  return nullptr;
}

const Entry& entry(const std::string& name) {
  if (const Entry* found = find_named(name)) return *found;
  std::vector<std::string> names;
  for (const Entry& e : registry()) {
    for (const Override& o : e.extensions)
      if (e.kind != Kind::modifier && std::holds_alternative<std::string>(o.value) &&
          text_of(o.value) == name)
        throw UsageError(
            fmt::format("encoding: '{0}' is an extension of {1}, as in {1}:{2}; see "
                        "yonder show encoding {1}",
                        name, e.name, text_of(o)));
    names.push_back(e.name);
    names.insert(names.end(), e.aliases.begin(), e.aliases.end());
  }
  const std::string close = nearest(lower_case(name), names);
  const Entry* meant = find_named(close);
  throw UsageError(
      fmt::format("encoding: no encoding is called '{}'{}", name,
                  meant ? "; did you mean '" + meant->name + "'?" : "; see yonder list encodings"));
}

std::string canonical_encoding(const std::string& text) {
  EncodingSpec spec = parse_encoding(text);
  const auto set_owner = [](Overrides& options) {
    for (Override& o : options)
      if (const Entry* e = find_named(o.key.owner)) o.key.owner = e->name;
  };
  set_owner(spec.options);
  for (LayerGroup& group : spec.groups) {
    set_owner(group.options);
    group.names = canonical(group.names, spec.options);
  }
  return text_of(spec);
}

std::string usual_encoding() {
  for (const Entry& e : registry())
    if (e.usual == Usual::trained) return e.name;
  throw std::logic_error("no encoding is registered as the usual one");
}

std::vector<std::string> compared_encodings() {
  std::vector<std::string> names;
  for (const Entry& e : registry())
    if (e.usual != Usual::no) names.push_back(e.name);
  return names;
}

std::string without_positions() {
  for (const Entry& e : registry())
    if (e.kind == Kind::none) return e.name;
  throw std::logic_error("no encoding is registered for models without positions");
}

const Override& override_of(Baseline wanted) {
  for (const Entry& e : registry())
    if (e.baseline == wanted) return e.extensions.at(0);
  throw std::logic_error("no encoding is registered as this baseline");
}

}  // namespace yonder
