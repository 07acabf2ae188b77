#include "train/config/row.h"

#include <algorithm>
#include <charconv>

#include "core/error.h"
#include "core/options.h"
#include "encodings/base/encoding.h"

namespace yonder {
namespace {

bool is_number(const std::string& text) {
  double x;
  const char* end = text.data() + text.size();
  return std::from_chars(text.data(), end, x).ptr == end;
}

// What a person reads of a setting: a number needs its option's name.
std::string said(const Setting& s) {
  const std::string name = s.option.substr(s.option.find('.') + 1);
  if (s.option == "encoding.then") return name + " " + s.value;
  const bool plain = !is_number(s.value) && s.value != "true" && s.value != "false";
  return plain ? s.value : name + " " + s.value;
}

// Whether training fixes the option: one of its `encodings`, or when which of them is in force.
// Unknown ones are left to be refused.
bool frozen(const std::vector<std::string>& encodings, const Setting& s) {
  if (s.option.starts_with("encoding.")) return true;
  const auto dot = s.option.find('.');
  const std::string owner = s.option.substr(0, s.option.find_first_of(".@"));
  for (const std::string& part : encodings)
    for (const Entry& e : registry())
      if (part == owner && e.name == owner && dot != std::string::npos) {
        const auto made = e.make();
        Options options = made->options();
        const Option* o = find(options, s.option.substr(dot + 1));
        return o && !o->test_time;
      }
  return false;
}

// The settings behind the colons of ":rope.scaling=yarn:rope.factor=4".
std::vector<Setting> settings_in(const std::string& text) {
  std::vector<Setting> all;
  const auto parts = split(text, ':');
  for (std::size_t i = 1; i < parts.size(); ++i) all.push_back(read_setting(parts[i], "encodings"));
  return all;
}

bool in_every_layer(const std::string& encoding, const std::string& name) {
  const auto groups = groups_of(encoding);
  return std::all_of(groups.begin(), groups.end(), [&name](const LayerGroup& g) {
    return std::find(g.names.begin(), g.names.end(), name) != g.names.end();
  });
}

}  // namespace

std::string Row::name() const { return encoding.substr(0, encoding_end(encoding)); }

std::vector<Setting> Row::training() const {
  return settings_in(encoding.substr(encoding_end(encoding)));
}

Row::Finetune Row::finetune() const {
  Finetune tune;
  for (const auto& [option, value] : extension) {
    if (!option.starts_with("finetune.")) continue;
    Options fields{Option{"length", &tune.length, ""}.within(1, 1 << 24),
                   Option{"steps", &tune.steps, ""}.within(1, 1e8)};
    const Option* field = find(fields, option.substr(option.find('.') + 1));
    if (!field)
      throw UsageError(option + ": there is no such key; it is finetune.length or finetune.steps");
    assign(*field, "finetune", value);
  }
  if ((tune.length > 0) != (tune.steps > 0))
    throw UsageError("finetune: '" + extension_text() + "' needs both finetune.length and " +
                     "finetune.steps");
  return tune;
}

std::vector<Setting> Row::of_test() const {
  std::vector<Setting> all;
  for (const Setting& s : extension)
    if (!s.option.starts_with("finetune.")) all.push_back(s);
  return all;
}

std::string Row::extension_text() const {
  std::string text;
  for (const auto& [option, value] : extension)
    text += (text.empty() ? "" : ":") + option + "=" + value;
  return text;
}

// A choice speaks for itself ("yarn"), a number needs its option's name ("factor 4"); a modifier
// that is added at test time is named itself ("window", "logn"), and its options where there are
// several ("sinks first 2, window 16").
std::string Row::label() const {
  std::string text = name();
  for (const Setting& s : training()) text += ", " + said(s);
  const auto trained = names_in(name());
  const auto settings = of_test();
  const auto owner_of = [](const Setting& s) {
    return s.option.substr(0, s.option.find_first_of(".@"));
  };
  for (const auto& [option, value] : settings) {
    const std::string owner = owner_of({option, value});
    const bool added = std::find(trained.begin(), trained.end(), owner) == trained.end() ||
                       (option == "window.size" && !in_every_layer(name(), owner));
    std::string more = said({option, value});
    const auto same = [&](const Setting& s) { return owner_of(s) == owner; };
    if (added && std::count_if(settings.begin(), settings.end(), same) == 1)
      more = is_number(value) && value != "0" ? owner + " " + value : owner;
    else if (added && std::find_if(settings.begin(), settings.end(), same)->option == option)
      more = owner + " " + more;
    text += (&option == &settings.front().option ? " + " : ", ") + more;
  }
  if (const Finetune tune = finetune(); tune.steps > 0)
    text += ", " + std::to_string(tune.steps) + " steps at " + std::to_string(tune.length);
  return text;
}

bool Row::operator==(const Row& other) const {
  return encoding == other.encoding && extension_text() == other.extension_text();
}

bool Row::windowed() const { return extension_text() == "window.size=0"; }

Row parse_row(const std::string& entry) {
  const std::size_t end = encoding_end(entry);
  Row row{entry.substr(0, end), {}};
  std::vector<std::string> names = names_in(row.encoding);
  const auto settings = settings_in(entry.substr(end));
  for (const auto& [option, value] : settings)
    if (option == "encoding.then")
      for (const std::string& name : names_in(value)) names.push_back(name);
  for (const Setting& s : settings)
    if (frozen(names, s)) row.encoding += ":" + s.option + "=" + s.value;
    else row.extension.push_back(s);
  return row;
}

std::vector<Row> parse_rows(const std::vector<std::string>& entries) {
  std::vector<Row> rows;
  for (const std::string& text : entries) {
    if (encoding_end(text) == 0)
      throw UsageError(
          "encodings: there is an empty entry; write names with commas between, as in "
          "rope,alibi");
    Row row = parse_row(text);
    if (std::find(rows.begin(), rows.end(), row) != rows.end())
      throw UsageError("encodings: '" + text + "' is named twice; name it once");
    rows.push_back(std::move(row));
  }
  return rows;
}

std::vector<Row> parse_rows(const std::string& list) { return parse_rows(entries_of(list)); }

}  // namespace yonder
