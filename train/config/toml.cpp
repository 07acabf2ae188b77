#include "train/config/toml.h"

// Makes toml++ print floats in the shortest form, which it disables for GCC and Clang and which its
// compiled library lacks.
#undef TOML_HEADER_ONLY
#undef TOML_SHARED_LIB
#define TOML_HEADER_ONLY 1
#define TOML_FLOAT_CHARCONV 1
#define TOML_ASSERT(expr) static_cast<void>(0)  // some fail on what its parser then rejects
#include <toml++/toml.h>

#include <fmt/core.h>
#include <algorithm>
#include <filesystem>
#include <sstream>

#include "core/error.h"
#include "core/renamed.h"
#include "train/config/keys.h"

namespace yonder {
namespace {

// The file being read, for errors that name file, line and key.
struct TomlSource {
  const std::string& path;

  [[noreturn]] void refuse(const toml::node& node, const std::string& what) const {
    throw FileError(fmt::format("{}:{}: {}", path, node.source().begin.line, what));
  }
  // Calls f() and attributes its UsageError to the node.
  template <class F>
  void at(const toml::node& node, F&& f) const {
    if (const auto why = why_refused(f)) refuse(node, *why);
  }
};

Value value_of(const toml::node& node, const std::string& key, const TomlSource& place) {
  if (const auto s = node.value_exact<std::string>()) return *s;
  if (const auto b = node.value_exact<bool>()) return *b;
  if (const auto i = node.value_exact<std::int64_t>()) return *i;
  if (auto x = node.value_exact<double>()) return yonder::value_of(Option{"", &*x, ""});
  place.refuse(node, key + ": this is not a text, a number, true or false");
}

std::string text_of(const toml::node& node, const std::string& key, const TomlSource& place) {
  return yonder::text_of(value_of(node, key, place));
}

std::vector<Value> values_of(const toml::node& node, const std::string& key,
                             const TomlSource& place) {
  const toml::array* list = node.as_array();
  if (!list || list->empty()) place.refuse(node, key + ": takes a list, as in [1, 2]");
  std::vector<Value> all;
  for (const toml::node& one : *list) all.push_back(value_of(one, key, place));
  return all;
}

std::vector<std::string> list_of(const toml::node& node, const std::string& key,
                                 const TomlSource& place) {
  std::vector<std::string> all;
  for (const Value& v : values_of(node, key, place)) all.push_back(yonder::text_of(v));
  return all;
}

void set(const Option& option, const std::string& section, const Value& value,
         const toml::node& node, const TomlSource& place) {
  place.at(node, [&] { assign(option, section, value); });
}

void set(RunConfig& config, const std::string& key, const Value& value, const toml::node& node,
         const TomlSource& place) {
  place.at(node, [&] { set_key(config, key, value); });
}

// The first path that exists, else the last.
std::string first_there(const std::vector<std::string>& paths) {
  std::error_code error;
  for (const std::string& p : paths)
    if (std::filesystem::exists(p, error)) return p;
  return paths.back();
}

// Reads the keys of a section, and those of the tables in [data] and [encoding].
void read_section(const toml::table& section, const std::string& prefix, RunConfig& config,
                  const TomlSource& place) {
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

// Reads the axes of [sweep.set]; an unquoted key with a dot is a nested table.
void read_axes(const toml::table& section, const std::string& prefix, SweepConfig& config,
               const TomlSource& place) {
  for (const auto& [name, node] : section) {
    const std::string key = prefix + std::string(name.str());
    if (const toml::table* table = node.as_table()) {
      read_axes(*table, key + ".", config, place);
      continue;
    }
    place.at(node, [&] {
      config.axes.push_back({known(key), values_of(node, "sweep.set." + key, place)});
    });
  }
}

void set_list(SweepConfig& config, const std::string& name, const toml::node& node,
              const TomlSource& place) {
  const std::string key = "sweep." + name;
  if (name == "encodings") config.encodings = list_of(node, key, place);
  if (name == "tests") config.tests = list_of(node, key, place);
  if (name == "eval_protocols") config.set_protocols(list_of(node, key, place));
  if (name != "eval_lengths") return;
  config.eval_lengths.clear(), config.bins.clear();
  for (const std::string& one : list_of(node, key, place))
    add_eval_length(key, one, config.eval_lengths, config.bins);
}

void read_sweep(const toml::table& section, SweepConfig& config, const TomlSource& place) {
  for (const auto& [name, node] : section) {
    const std::string key(name.str()), full = "sweep." + key;
    const Options fields = config.fields(), lists = SweepConfig::lists();
    place.at(node, [&] {
      if (const auto field = find(fields, key)) {
        assign(*field, "sweep", value_of(node, full, place));
      } else if (const auto list = find(lists, key)) {
        set_list(config, list->name, node, place);
      } else if (const toml::table* axes = node.as_table(); axes && key == "set") {
        config.axes.clear();
        read_axes(*axes, "", config, place);
      } else {
        std::vector<std::string> known{"set"};
        for (const Options& some : {fields, lists})
          for (const Option& o : some) known.push_back(o.name);
        place.refuse(node, full + ": there is no such key" + did_you_mean(key, known));
      }
    });
  }
}

// Reads the tables [[`section`]]: fields, and row lists by name.
template <class T>
std::vector<T> read_tables(const toml::node& tables, const std::string& section,
                           const TomlSource& place) {
  std::vector<T> all;
  for (const toml::node& table : *tables.as_array()) {
    T& one = all.emplace_back();
    const Options fields = one.fields();
    const auto lists = one.lists();
    std::vector<std::string> known;
    for (const auto& [list, rows] : lists) known.push_back(list);
    for (const Option& o : fields) known.push_back(o.name);
    for (const auto& [name, node] : *table.as_table()) {
      const std::string key(name.str()), full = section + "." + key;
      if (lists.contains(key)) *lists.at(key) = list_of(node, full, place);
      else if (const auto field = find(fields, key))
        set(*field, section, value_of(node, full, place), node, place);
      else place.refuse(node, full + ": there is no such key" + did_you_mean(key, known));
    }
  }
  return all;
}

// Each dot of a key is a nesting level that costs toml++ stack space; it limits only the nesting of
// arrays and inline tables.
constexpr int most_dots = 4096;

toml::table parsed(const std::string& text, const std::string& path) {
  if (std::ranges::count(text, '.') > most_dots)
    throw FileError(path +
                    ": this is not a configuration; if it is a text to train on, name it with " +
                    "--text " + path);
  try {
    return toml::parse(text, path);
  } catch (const toml::parse_error& e) {
    throw FileError(fmt::format(
        "{}:{}: {}{}", path, e.source().begin.line, e.description(),
        path.ends_with(".toml") ? ""
                                : "; if it is a text to train on, name it with --text " + path));
  }
}

// Lengths as integers, bins as strings.
toml::array lengths_of(const SweepConfig& config) {
  toml::array list;
  for (const int length : config.eval_lengths)
    if (config.bins.count(length)) list.push_back(yonder::text_of(length, config.bins));
    else list.push_back(length);
  return list;
}

// Reads the sections of a run and passes everything else to `other`.
template <class F>
void read(const std::string& text, const std::string& path, RunConfig& config, const F& other) {
  const TomlSource place{path};
  for (const auto& [name, node] : parsed(text, path)) {
    const std::string key(name.str());
    const bool section = key == "model" || key == "train" || key == "data" || key == "encoding";
    if (section && !node.is_table()) place.refuse(node, key + ": is a section, [" + key + "]");
    if (section) read_section(*node.as_table(), key, config, place);
    else other(key, node, place);
  }
}

[[noreturn]] void unknown_section(const std::string& key, const toml::node& node,
                                  const TomlSource& place) {
  place.refuse(node, key + ": there is no such key or section" +
                         did_you_mean(key, {"model", "train", "data", "encoding", "sweep", "claim",
                                            "prediction", "title", "source"}));
}

// Inserts a value under a path of nested tables.
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

// Calls `f` with every option except those left at a default, 0 or -1, that stands for a value
// depending on something else.
template <class F>
void for_each_given(const Options& all, const Options& defaults, const F& f) {
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Value value = yonder::value_of(all[i]);
    const auto* n = std::get_if<std::int64_t>(&value);
    const bool automatic = !all[i].default_text.empty() && n && *n <= 0;
    if (!automatic || value != yonder::value_of(defaults[i])) f(all[i], value);
  }
}

toml::table table_of(const RunConfig& config) {
  toml::table root;
  RunConfig copy = config, plain;
  for_each_given(copy.fields(), plain.fields(), [&](const Option& o, const Value& value) {
    const OptionKey key(o.name);
    const bool kept = o.name == "train.from"    ? !config.from.empty()
                      : key.owner == "encoding" ? config.changes()
                                                : !o.per_machine;
    if (kept) put(root, {key.owner, key.name}, value);
  });
  for (const auto& [key, value] : config.options)
    put(root, {is_of_task(key) ? "data" : "encoding", key.address(), key.name}, typed(key, value));
  return root;
}

// Adds `all` as an array of tables, if there are any.
template <class T>
void insert_tables(toml::table& root, const std::string& name, std::vector<T> all) {
  toml::array tables;
  for (T& one : all) {
    toml::table table;
    for (const auto& [list, rows] : one.lists())  // an empty list could not be read back
      if (!rows->empty()) table.insert(list, array_of(*rows));
    for (const Option& o : one.fields()) put(table, {o.name}, yonder::value_of(o));
    tables.push_back(std::move(table));
  }
  if (!tables.empty()) root.insert(name, std::move(tables));
}

// For comparison: values of axes, which may be given as strings, get the types of their options.
// Paths of texts are dropped, since files may move and checksums are compared elsewhere; so is what
// no run depends on, so that a preset may be reworded while a sweep of it is unfinished.
SweepConfig comparable(SweepConfig config) {
  config.title = config.source = "";
  config.claims.clear(), config.predictions.clear();
  std::erase_if(config.base.options, [](const Override& o) { return o.key.name == "path"; });
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
  read(toml, path, config,
       [](const std::string& key, const toml::node& node, const TomlSource& place) {
         if (key == "sweep" || key == "claim" || key == "prediction")
           place.refuse(node,
                        key + ": this is the configuration of a sweep; run it by yonder sweep " +
                            place.path);
         if (key != "title" && key != "source") unknown_section(key, node, place);
       });
}

void apply_config(const std::string& toml, const std::string& path, SweepConfig& config) {
  const auto other = [&](const std::string& key, const toml::node& node, const TomlSource& place) {
    if (key == "title") config.title = text_of(node, key, place);
    else if (key == "source") config.source = text_of(node, key, place);
    else if (key == "sweep" && node.is_table()) read_sweep(*node.as_table(), config, place);
    else if (key == "claim" && node.is_array_of_tables())
      config.claims = read_tables<Claim>(node, key, place);
    else if (key == "prediction" && node.is_array_of_tables())
      config.predictions = read_tables<Prediction>(node, key, place);
    else unknown_section(key, node, place);
  };
  read(toml, path, config.base, other);
}

std::string to_toml(const RunConfig& config) { return text_of(table_of(config)); }

std::string to_toml(const SweepConfig& config) {
  toml::table root = table_of(config.base);
  if (!config.title.empty()) root.insert("title", config.title);
  if (!config.source.empty()) root.insert("source", config.source);
  toml::table sweep{{"encodings", array_of(config.encodings)},
                    {"eval_protocols", array_of(config.eval_protocols)}};
  if (config.tests != SweepConfig{}.tests) sweep.insert("tests", array_of(config.tests));
  if (!config.eval_lengths.empty()) sweep.insert("eval_lengths", lengths_of(config));
  SweepConfig copy = config, plain;
  for_each_given(copy.fields(), plain.fields(),
                 [&](const Option& o, const Value& value) { put(sweep, {o.name}, value); });
  toml::table axes;
  for (const Axis& axis : config.axes) axes.insert(full_text(axis.key), array_of(axis.values));
  if (!axes.empty()) sweep.insert("set", std::move(axes));
  root.insert("sweep", std::move(sweep));
  insert_tables(root, "claim", config.claims);
  insert_tables(root, "prediction", config.predictions);
  return text_of(root);
}

bool same_sweep(const std::string& toml, const std::string& path, const SweepConfig& sweep) {
  if (toml == to_toml(sweep)) return true;
  const WithoutNotes silent;
  SweepConfig there;
  apply_config(toml, path, there);
  return to_toml(comparable(there)) == to_toml(comparable(sweep));
}

}  // namespace yonder
