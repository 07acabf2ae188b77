#include "train/config/toml.h"

#include <toml++/toml.h>

#include <algorithm>
#include <filesystem>
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

std::string text_of(const toml::node& node, const std::string& key, const Place& place) {
  if (const auto s = node.value_exact<std::string>()) return *s;
  if (const auto b = node.value_exact<bool>()) return *b ? "true" : "false";
  if (const auto i = node.value_exact<std::int64_t>()) return std::to_string(*i);
  if (const auto x = node.value_exact<double>()) {
    double number = *x;
    return yonder::text_of(Option{"", &number, ""});
  }
  place.refuse(node, key + ": this is no text, number, true or false");
}

std::vector<std::string> list_of(const toml::node& node, const std::string& key,
                                 const Place& place) {
  const toml::array* list = node.as_array();
  if (!list || list->empty()) place.refuse(node, key + ": takes a list, as in [1, 2]");
  std::vector<std::string> all;
  for (const toml::node& one : *list) all.push_back(text_of(one, key, place));
  return all;
}

int whole(const std::string& text, const std::string& key, int least, const toml::node& node,
          const Place& place) {
  const auto dot = key.find('.');
  int n = 0;
  try {
    assign(Option{key.substr(dot + 1), &n, ""}.within(least, 1 << 24), key.substr(0, dot), text);
  } catch (const UsageError& why) { place.refuse(node, why.what()); }
  return n;
}

void set(RunConfig& config, const std::string& key, const std::string& value,
         const toml::node& node, const Place& place) {
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
    else set(config, key, text_of(node, key, place), node, place);
  }
}

Axis axis_of(const std::string& key, const toml::node& node, const Place& place) {
  try {
    return {full_key(key), list_of(node, "sweep.set." + key, place)};
  } catch (const UsageError& why) { place.refuse(node, why.what()); }
}

void read_sweep(const toml::table& section, SweepConfig& config, const Place& place) {
  for (const auto& [name, node] : section) {
    const std::string key(name.str()), full = "sweep." + key;
    Options fields = config.fields();
    if (const Option* field = find(fields, key)) {
      try {
        assign(*field, "sweep", text_of(node, full, place));
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
      for (const std::string& text : list_of(node, full, place))
        config.lengths.push_back(whole(text, full, 1, node, place));
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
      claim.length = whole(text_of(node, "claim.length", place), "claim.length", 0, node, place);
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

std::string toml_text(const std::string& text) {
  std::ostringstream out;
  out << toml::value<std::string>(text);
  return out.str();
}

// As TOML writes the value: bare if it is a number or a truth, else quoted.
std::string value_text(const Option& o) {
  const std::string text = yonder::text_of(o);
  return std::holds_alternative<std::string*>(o.value) ? toml_text(text) : text;
}

std::string list_text(const std::vector<std::string>& values) {
  std::string text;
  for (const std::string& v : values) text += (text.empty() ? "" : ", ") + toml_text(v);
  return "[" + text + "]";
}

// [data.copy] or [encoding.rope] with the settings that belong there.
std::string settings_text(const RunConfig& config) {
  std::string text, last;
  Settings all = config.options;
  std::stable_sort(all.begin(), all.end(), [](const Setting& a, const Setting& b) {
    return full_key(a.option) < full_key(b.option);
  });
  for (const Setting& s : all) {
    const std::string full = full_key(s.option), section = full.substr(0, full.rfind('.'));
    const auto dot = section.find('.');
    const bool plain = section.find_first_of("@,") == section.npos;
    if (section != last)
      text += "\n[" +
              (plain ? section : section.substr(0, dot + 1) + toml_text(section.substr(dot + 1))) +
              "]\n";
    text += full.substr(full.rfind('.') + 1) + " = " + toml_text(s.value) + "\n";
    last = section;
  }
  return text;
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

std::string to_toml(const RunConfig& run) {
  RunConfig config = run;
  std::string text = "[data]\ntask = " + toml_text(config.task) +
                     "\nlength = " + std::to_string(config.length) +
                     "\n\n[model]\nencoding = " + toml_text(config.encoding) + "\n";
  for (const Option& o : config.model_fields()) text += o.name + " = " + value_text(o) + "\n";
  text += std::string("bidirectional = ") + (config.bidirectional ? "true" : "false") +
          "\ntied = " + (config.tied ? "true" : "false") + "\n\n[train]\n";
  if (!config.from.empty()) text += "from = " + toml_text(config.from) + "\n";
  for (const Option& o : config.training_fields())
    if (o.name != "threads") text += o.name + " = " + value_text(o) + "\n";
  if (config.changes()) {
    text += "\n[encoding]\n";
    for (const Option& o : config.change_fields())
      text += o.name.substr(o.name.find('.') + 1) + " = " + value_text(o) + "\n";
  }
  return text + settings_text(config);
}

std::string to_toml(const SweepConfig& sweep) {
  SweepConfig config = sweep;
  std::string text;
  if (!config.title.empty()) text += "title = " + toml_text(config.title) + "\n";
  if (!config.source.empty()) text += "source = " + toml_text(config.source) + "\n";
  text += (text.empty() ? "" : "\n") + to_toml(config.base) +
          "\n[sweep]\nencodings = " + list_text(config.encodings) +
          "\nwindowed = " + (config.windowed ? "true" : "false") + "\n";
  std::string lengths;
  for (int length : config.lengths)
    lengths += (lengths.empty() ? "" : ", ") + std::to_string(length);
  if (!lengths.empty()) text += "lengths = [" + lengths + "]\n";
  text +=
      "tests = " + list_text(config.tests) + "\nprotocols = " + list_text(config.protocols) + "\n";
  for (const Option& o : config.fields()) text += o.name + " = " + value_text(o) + "\n";
  if (!config.axes.empty()) text += "\n[sweep.set]\n";
  for (const Axis& axis : config.axes)
    text += toml_text(axis.key) + " = " + list_text(axis.values) + "\n";
  for (const Claim& c : config.claims)
    text += "\n[[claim]]\ntext = " + toml_text(c.text) + "\nsource = " + toml_text(c.source) +
            "\norder = " + list_text(c.order) + "\nlength = " + std::to_string(c.length) +
            "\ntest = " + toml_text(c.test) + "\nprotocol = " + toml_text(c.protocol) +
            "\ntask = " + toml_text(c.task) + "\n";
  return text;
}

bool same_sweep(const std::string& toml, const std::string& path, const SweepConfig& sweep) {
  if (toml == to_toml(sweep)) return true;
  SweepConfig there;
  apply_config(toml, path, there);
  return to_toml(there) == to_toml(sweep);
}

}  // namespace yonder
