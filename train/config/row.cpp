#include "train/config/row.h"

#include <algorithm>
#include <utility>

#include "core/error.h"
#include "encodings/base/encoding.h"
#include "train/config/keys.h"

namespace yonder {
namespace {

bool is_number(const Value& value) {
  double x = 0;
  return !std::holds_alternative<std::string>(typed(Option{"", &x, ""}, value));
}

enum class Names { typed, printed };

std::string name_in(const std::string& name, Names names) {
  const Entry* e = names == Names::printed ? find_entry(name) : nullptr;
  return e && !e->printed.empty() ? e->printed : name;
}

std::string text_in(std::vector<LayerGroup> groups, Names names) {
  for (LayerGroup& group : groups)
    for (std::string& name : group.names) name = name_in(name, names);
  return text_of(groups);
}

// Readable form of an override: a number needs its option's name.
std::string said(Override o, Names names) {
  std::string text = text_of(o.value);
  const bool plain = !is_number(o.value) && text != "true" && text != "false";
  if (text_of(o.key) == "encoding.switch_to") text = name_in(text, names);
  const bool change = o.key.owner == "encoding";  // "switch at 0.5"
  if (change) std::ranges::replace(o.key.name, '_', ' ');
  const Entry* e = names == Names::printed ? find_entry(o.key.owner) : nullptr;
  if (e)
    for (const auto& [value, printed] : e->printed_values)
      if (text == value) text = printed;
  return plain && !change ? text : o.key.name + " " + text;
}

// The encodings of a row, including those at the end of training.
std::vector<std::string> encodings_of(const EncodingSpec& spec) {
  std::vector<std::string> names = spec.names();
  for (const Override& o : spec.options)
    if (text_of(o.key) == "encoding.switch_to")
      for (const std::string& name : parse_encoding(text_of(o.value)).names())
        names.push_back(name);
  return names;
}

// Whether training fixes the option: one of its `encodings`, or of the switch between them. False
// for unknown options, which are refused later.
bool frozen(const std::vector<std::string>& encodings, const OptionKey& key) {
  if (key.owner == "encoding") return true;
  const Entry* e = find_entry(key.owner);
  if (!e || !has(encodings, key.owner)) return false;
  const auto made = e->make();
  const auto o = find(made->options(), key.name);
  return o && !o->inference_time;
}

// A choice speaks for itself ("yarn"), a number needs its option's name ("factor 4"). A modifier
// added at inference time is named ("window", "logn"), with its options if there are several
// ("sinks first 2, window 16"). In print, training options are in parentheses, "RoPE (fraction 0.5,
// truncate true)", since commas separate the rows of a list.
std::string described(const Row& row, Names names) {
  const EncodingSpec spec = parse_encoding(row.encoding);
  std::string text = text_in(spec.groups, names);
  std::string trained;
  for (const Override& o : spec.options) trained += ", " + said(o, names);
  if (names == Names::typed || trained.empty()) text += trained;
  else text += " (" + trained.substr(2) + ")";
  const Overrides tested = row.of_test();
  for (const Override& o : tested) {
    const std::string& owner = o.key.owner;
    const Entry* e = find_entry(owner);
    const bool added = (e && !spec.has(owner)) ||
                       (e && !e->joins_at_inference.empty() && !everywhere(spec.groups, owner));
    std::string more = said(o, names);
    const auto same = [&](const Override& other) { return other.key.owner == owner; };
    if (added && std::ranges::count_if(tested, same) == 1)
      more = is_number(o.value) && text_of(o.value) != "0"
                 ? name_in(owner, names) + " " + text_of(o.value)
                 : name_in(owner, names);
    else if (added && &*std::ranges::find_if(tested, same) == &o)
      more = name_in(owner, names) + " " + more;
    text += (&o == &tested.front() ? " + " : ", ") + more;
  }
  if (const Row::Finetune tune = row.finetune(); tune.steps > 0)
    text += ", " + std::to_string(tune.steps) + " steps at " + std::to_string(tune.length);
  return text;
}

}  // namespace

Row Row::with(const Override& o) const {
  Row row = *this;
  EncodingSpec spec = parse_encoding(encoding);
  if (!frozen(encodings_of(spec), o.key)) {
    row.extension.push_back(o);
    return row;
  }
  spec.options.push_back(o);
  row.encoding = text_of(spec);
  return row;
}

std::string Row::name() const { return text_of(parse_encoding(encoding).groups); }

Overrides Row::training() const { return parse_encoding(encoding).options; }

Row::Finetune Row::finetune() const {
  Finetune tune;
  for (const auto& [key, value] : extension) {
    if (key.owner != "finetune") continue;
    const Options fields{Option{"length", &tune.length, ""}.within(1, 1 << 24),
                         Option{"steps", &tune.steps, ""}.within(1, 1e8)};
    const auto field = find(fields, key.name);
    if (!field)
      throw UsageError(text_of(key) +
                       ": there is no such key; it is finetune.length or finetune.steps");
    assign(*field, key.owner, value);
  }
  if ((tune.length > 0) != (tune.steps > 0))
    throw UsageError("finetune: '" + extension_text() + "' needs both finetune.length and " +
                     "finetune.steps");
  return tune;
}

Overrides Row::of_test() const {
  Overrides all = extension;
  std::erase_if(all, [](const Override& o) { return o.key.owner == "finetune"; });
  return all;
}

std::string Row::extension_text() const { return text_of(extension); }

std::string Row::label() const { return described(*this, Names::typed); }

std::string Row::printed() const { return described(*this, Names::printed); }

bool Row::windowed() const { return extension == Overrides{override_of(Baseline::window)}; }

Row parse_row(const std::string& entry) {
  EncodingSpec spec = parse_encoding(canonical_encoding(entry));
  for (Override& o : spec.options)
    if (o.key.owner == "encoding") o.key = known(o.key);
  const std::vector<std::string> names = encodings_of(spec);
  const Overrides options = std::exchange(spec.options, {});
  Row row;
  for (const Override& o : options)
    (frozen(names, o.key) ? spec.options : row.extension).push_back(o);
  row.encoding = text_of(spec);
  return row;
}

std::vector<Row> parse_rows(const std::vector<std::string>& entries) {
  std::vector<Row> rows;
  for (const std::string& text : entries) {
    Row row = parse_row(text);
    if (row.name().empty())
      throw UsageError(
          "encodings: there is an empty entry; write names with commas between, as in "
          "rope,alibi");
    if (has(rows, row)) throw UsageError("encodings: '" + text + "' is named twice; name it once");
    rows.push_back(std::move(row));
  }
  return rows;
}

std::vector<Row> parse_rows(const std::string& list) { return parse_rows(entries_of(list)); }

}  // namespace yonder
