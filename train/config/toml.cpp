#include "train/config/toml.h"

// Numbers in the shortest form, which its own check of the compiler leaves out.
#define TOML_FLOAT_CHARCONV 1
#include <toml++/toml.h>

#include <algorithm>
#include <filesystem>
#include <limits>
#include <sstream>

#include "core/error.h"
#include "train/config/keys.h"

namespace yonder {
namespace {

// Where a reader is: for errors that name file, line and key.
struct Place {
  const std::string& path;

  [[noreturn]] void refuse(const toml::node& node, const std::string& what) const {
    throw FileError(path + ":" + std::to_string(node.source().begin.line) + ": " + what);
  }
};

Value value_of(const toml::node& node, const std::string& key, const Place& place) {
  if (const auto s = node.value_exact<std::string>()) return *s;
  if (const auto b = node.value_exact<bool>()) return *b;
  if (const auto i = node.value_exact<std::int64_t>()) return *i;
  if (auto x = node.value_exact<double>()) return yonder::value_of(Option{"", &*x, ""});
  place.refuse(node, key + ": this is no text, number, true or false");
}

std::string text_of(const toml::node& node, const std::string& key, const Place& place) {
  return yonder::text_of(value_of(node, key, place));
}

std::vector<Value> values_of(const toml::node& node, const std::string& key, const Place& place) {
  const toml::array* list = node.as_array();
  if (!list || list->empty()) place.refuse(node, key + ": takes a list, as in [1, 2]");
  std::vector<Value> all;
  for (const toml::node& one : *list) all.push_back(value_of(one, key, place));
  return all;
}

std::vector<std::string> list_of(const toml::node& node, const std::string& key,
                                 const Place& place) {
  std::vector<std::string> all;
  for (const Value& v : values_of(node, key, place)) all.push_back(yonder::text_of(v));
  return all;
}

// A number of "section.key", from `least` on.
int whole(const toml::node& node, const Value& value, const OptionKey& key, int least,
          const Place& place) {
  int n = 0;
  try {
    assign(Option{key.name, &n, ""}.within(least, 1 << 24), key.owner, value);
  } catch (const UsageError& why) { place.refuse(node, why.what()); }
  return n;
}

void set(RunConfig& config, const std::string& key, const Value& value, const toml::node& node,
         const Place& place) {
  try {
    set_key(config, key, value);
  } catch (const UsageError& why) { place.refuse(node, why.what()); }
}

// Of a list of paths the first that is there.
std::string first_there(const std::vector<std::string>& paths) {
  std::error_code error;
  for (const std::string& p : paths)
    if (std::filesystem::exists(p, error)) return p;
  return paths.back();
}

// The keys of [model], [train] and [data], and those of the tables in [data] and [encoding].
void read_section(const toml::table& section, const std::string& prefix, RunConfig& config,
                  const Place& place) {
  for (const auto& [name, node] : section) {
    const std::string key = prefix + "." + std::string(name.str());
    const bool parted = prefix == "data" || prefix == "encoding";
    if (const toml::table* table = node.as_table(); table && parted)
      read_section(*table, key, config, place);
    else if (node.is_array() && key.ends_with(".path"))
      set(config, key, first_there(list_of(node, key, place)), node, place);
    else set(config, key, value_of(node, key, place), node, place);
  }
}

Axis axis_of(const std::string& key, const toml::node& node, const Place& place) {
  try {
    return {known(key), values_of(node, "sweep.set." + key, place)};
  } catch (const UsageError& why) { place.refuse(node, why.what()); }
}

void read_sweep(const toml::table& section, SweepConfig& config, const Place& place) {
  for (const auto& [name, node] : section) {
    const std::string key(name.str()), full = "sweep." + key;
    Options fields = config.fields();
    if (const Option* field = find(fields, key)) {
      try {
        assign(*field, "sweep", value_of(node, full, place));
      } catch (const UsageError& why) { place.refuse(node, why.what()); }
    } else if (key == "encodings") {
      config.encodings = list_of(node, full, place);
    } else if (key == "tests") {
      config.tests = list_of(node, full, place);
    } else if (key == "protocols") {
      config.protocols = list_of(node, full, place);
    } else if (key == "windowed" && node.is_boolean()) {
      config.windowed = *node.value<bool>();
    } else if (key == "lengths") {
      config.lengths.clear();
      for (const Value& length : values_of(node, full, place))
        config.lengths.push_back(whole(node, length, full, 1, place));
    } else if (const toml::table* axes = node.as_table(); axes && key == "set") {
      config.axes.clear();
      for (const auto& [axis, values] : *axes)
        config.axes.push_back(axis_of(std::string(axis.str()), values, place));
    } else {
      std::vector<std::string> known{"encodings", "tests",   "protocols",
                                     "windowed",  "lengths", "set"};
      for (const Option& o : fields) known.push_back(o.name);
      place.refuse(node, full + ": there is no such key, or not with such a value" +
                             did_you_mean(key, known));
    }
  }
}

Claim claim_of(const toml::table& table, const Place& place) {
  Claim claim;
  for (const auto& [name, node] : table) {
    const std::string key(name.str());
    std::string* text = key == "text"       ? &claim.text
                        : key == "source"   ? &claim.source
                        : key == "test"     ? &claim.test
                        : key == "protocol" ? &claim.protocol
                        : key == "task"     ? &claim.task
                                            : nullptr;
    if (text) *text = text_of(node, "claim." + key, place);
    else if (key == "order") claim.order = list_of(node, "claim.order", place);
    else if (key == "length")
      claim.length = whole(node, value_of(node, "claim.length", place), "claim.length", 0, place);
    else
      place.refuse(node, "claim." + key + ": there is no such key" +
                             did_you_mean(key, {"text", "source", "order", "length", "test",
                                                "protocol", "task"}));
  }
  return claim;
}

// Each dot of a key is a level of nesting, and toml++ takes stack for each; it bounds only those of
// lists and braces.
constexpr int most_dots = 4096;

toml::table parsed(const std::string& text, const std::string& path) {
  if (std::count(text.begin(), text.end(), '.') > most_dots)
    throw FileError(path + ": has more than " + std::to_string(most_dots) +
                    " dots, so it is no configuration; check the name");
  try {
    return toml::parse(text, path);
  } catch (const toml::parse_error& e) {
    throw FileError(path + ":" + std::to_string(e.source().begin.line) + ": " +
                    std::string(e.description()));
  }
}

// A run's sections; what else there is goes to `other`.
template <class F>
void read(const std::string& text, const std::string& path, RunConfig& config, const F& other) {
  const Place place{path};
  for (const auto& [name, node] : parsed(text, path)) {
    const std::string key(name.str());
    const bool section = key == "model" || key == "train" || key == "data" || key == "encoding";
    if (section && !node.is_table()) place.refuse(node, key + ": is a section, [" + key + "]");
    if (section) read_section(*node.as_table(), key, config, place);
    else other(key, node, place);
  }
}

[[noreturn]] void unknown_section(const std::string& key, const toml::node& node,
                                  const Place& place) {
  place.refuse(node, key + ": there is no such key or section" +
                         did_you_mean(key, {"model", "train", "data", "encoding", "sweep", "claim",
                                            "title", "source"}));
}

// Puts a value under a key with dots, which are levels of nesting.
void put(toml::table& root, const std::vector<std::string>& path, const Value& value) {
  toml::table* at = &root;
  for (std::size_t i = 0; i + 1 < path.size(); ++i)
    at = at->insert(path[i], toml::table{}).first->second.as_table();
  std::visit([&](const auto& x) { at->insert_or_assign(path.back(), x); }, value);
}

template <class T>
toml::array array_of(const std::vector<T>& all) {
  toml::array list;
  for (const T& x : all)
    if constexpr (std::is_same_v<T, Value>)
      std::visit([&](const auto& y) { list.push_back(y); }, x);
    else list.push_back(x);
  return list;
}

toml::table table_of(const RunConfig& config) {
  toml::table root;
  for (const OptionView& o : config.fields()) {
    const OptionKey key(o.name);
    const bool kept = o.name == "train.from"    ? !config.from.empty()
                      : key.owner == "encoding" ? config.changes()
                                                : !o.per_machine;
    if (kept) put(root, {key.owner, key.name}, o.value);
  }
  for (const auto& [key, value] : config.options)
    put(root, {is_of_task(key) ? "data" : "encoding", key.address(), key.name}, typed(key, value));
  return root;
}

toml::table table_of(const Claim& c) {
  return toml::table{{"text", c.text},     {"source", c.source}, {"order", array_of(c.order)},
                     {"length", c.length}, {"test", c.test},     {"protocol", c.protocol},
                     {"task", c.task}};
}

// Axes with the types of their options, which may be given as texts.
SweepConfig with_types(SweepConfig config) {
  for (Axis& axis : config.axes)
    for (Value& v : axis.values) v = typed(axis.key, v);
  return config;
}

std::string text_of(const toml::table& root) {
  std::ostringstream out;
  out << toml::toml_formatter(
             root, toml::toml_formatter::default_flags & ~toml::format_flags::indentation)
      << "\n";
  return out.str();
}

}  // namespace

void apply_config(const std::string& toml, const std::string& path, RunConfig& config) {
  read(toml, path, config, [](const std::string& key, const toml::node& node, const Place& place) {
    if (key == "sweep" || key == "claim")
      place.refuse(node, key + ": this is the configuration of a sweep; run it by yonder ablate " +
                             place.path);
    if (key != "title" && key != "source") unknown_section(key, node, place);
  });
}

void apply_config(const std::string& toml, const std::string& path, SweepConfig& config) {
  const auto other = [&](const std::string& key, const toml::node& node, const Place& place) {
    if (key == "title") config.title = text_of(node, key, place);
    else if (key == "source") config.source = text_of(node, key, place);
    else if (key == "sweep" && node.is_table()) read_sweep(*node.as_table(), config, place);
    else if (key == "claim" && node.is_array_of_tables()) {
      config.claims.clear();
      for (const toml::node& one : *node.as_array())
        config.claims.push_back(claim_of(*one.as_table(), place));
    } else {
      unknown_section(key, node, place);
    }
  };
  read(toml, path, config.base, other);
}

std::string to_toml(const RunConfig& config) { return text_of(table_of(config)); }

std::string to_toml(const SweepConfig& config) {
  toml::table root = table_of(config.base);
  if (!config.title.empty()) root.insert("title", config.title);
  if (!config.source.empty()) root.insert("source", config.source);
  toml::table sweep{{"encodings", array_of(config.encodings)},
                    {"windowed", config.windowed},
                    {"tests", array_of(config.tests)},
                    {"protocols", array_of(config.protocols)}};
  if (!config.lengths.empty()) sweep.insert("lengths", array_of(config.lengths));
  for (const OptionView& o : views(SweepConfig(config).fields())) put(sweep, {o.name}, o.value);
  toml::table axes;
  for (const Axis& axis : config.axes) axes.insert(full_text(axis.key), array_of(axis.values));
  if (!axes.empty()) sweep.insert("set", std::move(axes));
  root.insert("sweep", std::move(sweep));
  toml::array claims;
  for (const Claim& c : config.claims) claims.push_back(table_of(c));
  if (!claims.empty()) root.insert("claim", std::move(claims));
  return text_of(root);
}

bool same_sweep(const std::string& toml, const std::string& path, const SweepConfig& sweep) {
  if (toml == to_toml(sweep)) return true;
  SweepConfig there;
  apply_config(toml, path, there);
  return to_toml(with_types(there)) == to_toml(with_types(sweep));
}

}  // namespace yonder
