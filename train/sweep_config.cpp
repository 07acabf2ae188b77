#include "train/sweep_config.h"

#include <algorithm>
#include <set>

#include "core/error.h"
#include "datasets/dataset.h"
#include "train/keys.h"

namespace yonder {
namespace {

std::string digits_of(const std::string& text) {
  std::string plain = text;
  std::replace(plain.begin(), plain.end(), '/', '_');
  return plain;
}

bool has_part(const std::string& encoding, const std::string& part) {
  const auto names = names_in(encoding);
  return std::find(names.begin(), names.end(), part) != names.end();
}

bool of_encoding(const std::string& full_key) { return full_key.starts_with("encoding."); }

// Every registered encoding that serves such a model, and the task if it goes by digits.
std::vector<std::string> all_encodings(const RunConfig& base) {
  const Serves other = base.bidirectional ? Serves::causal_only : Serves::bidirectional_only;
  const bool numbers = make_task(base.task)->numbers();
  std::vector<std::string> names;
  for (const Entry& e : registry()) {
    const auto encoding = e.make();
    if (e.serves != other && !(base.tied && encoding->complex()) &&
        (numbers || !encoding->counts_digits()))
      names.push_back(e.name);
  }
  return names;
}

// The same, each followed by its extensions.
std::vector<std::string> with_extensions(const RunConfig& base) {
  std::vector<std::string> rows;
  for (const std::string& name : all_encodings(base)) {
    rows.push_back(name);
    for (const Setting& s : entry(name).extensions)
      if (s.option != "logn.when") rows.push_back(name + ":" + s.option + "=" + s.value);
  }
  return rows;
}

// "all" and "everything", alone or among others, stand for the rows above.
std::vector<std::string> expanded(const std::vector<std::string>& names, const RunConfig& base) {
  std::vector<std::string> rows;
  for (const std::string& name : names) {
    const auto more = name == "all"          ? all_encodings(base)
                      : name == "everything" ? with_extensions(base)
                                             : std::vector{name};
    rows.insert(rows.end(), more.begin(), more.end());
  }
  return rows;
}

// An option of an encoding makes a row of each of its values, in those rows that have the encoding;
// encoding.until and encoding.then do in all.
std::vector<std::string> with_axis(const std::vector<std::string>& rows, const Axis& axis) {
  const std::string full = full_key(axis.key), owner = owner_of(full);
  const std::string option = owner.empty() ? full : full.substr(full.find('.') + 1);
  std::vector<std::string> all;
  bool used = false;
  for (const std::string& row : rows) {
    if (!owner.empty() && !has_part(row.substr(0, encoding_end(row)), owner)) {
      all.push_back(row);
      continue;
    }
    used = true;
    for (const std::string& value : axis.values) all.push_back(row + ":" + option + "=" + value);
  }
  if (!used)
    throw UsageError("--set " + axis.key + ": no encoding of this sweep is " + owner +
                     "; add it to --encodings or leave the key away");
  return all;
}

std::vector<Row> rows_of(const SweepConfig& config) {
  auto names = config.encodings;
  for (const Axis& axis : config.axes)
    if (full_key(axis.key) == "model.encoding") names = axis.values;
  names = expanded(names, config.base);
  for (const Axis& axis : config.axes)
    if (of_encoding(full_key(axis.key))) names = with_axis(names, axis);
  std::vector<Row> rows = parse_rows(names);
  if (config.windowed)
    for (const Row& row : std::vector<Row>(rows))
      if (const Row behind{row.encoding, {{"window.size", "0"}}};
          row.extension.empty() && std::find(rows.begin(), rows.end(), behind) == rows.end())
        rows.push_back(behind);
  return rows;
}

// Each variant times each value of an axis.
std::vector<Variant> varied(const std::vector<Variant>& before, const Axis& axis) {
  const std::string full = full_key(axis.key);
  const bool shown = full != "data.task";
  std::vector<Variant> all;
  for (const Variant& v : before)
    for (const std::string& value : axis.values) {
      Variant one = v;
      set_key(one.base, full, value);
      const std::string name = full.substr(full.rfind('.') + 1);
      if (shown) one.text += (one.text.empty() ? "" : ", ") + full + "=" + value;
      if (shown) one.slug += "-" + name + digits_of(value);
      all.push_back(std::move(one));
    }
  return all;
}

Settings settings_of(const std::string& text) {
  Settings all;
  if (text.empty()) return all;
  for (const std::string& one : split(text, ':')) {
    const auto equals = one.find('=');
    if (equals == std::string::npos || equals == 0 || equals + 1 == one.size())
      throw UsageError("tests: '" + one + "' is no option=value; write it as in tiled.tile=2");
    const std::string full = full_key(one.substr(0, equals));
    if (!full.starts_with("data."))
      throw UsageError("tests: '" + one +
                       "' is no option of a task; a row of --encodings changes " + "an encoding");
    all.push_back({full.substr(5), one.substr(equals + 1)});
  }
  return all;
}

double rate_of(const std::string& text) {
  RunConfig config;
  set_key(config, "train.lr", text);
  return config.lr;
}

}  // namespace

Options SweepConfig::fields() {
  return {Option{"seeds", &seeds, "models of each encoding"}.within(1, 1000),
          Option{"examples", &examples, "sequences of a test"}
              .within(0, 1 << 24)
              .shown_as("the task's own number"),
          Option{"checkpoints", &checkpoints,
                 "models of each training that are tested, evenly over its last tenth; tables show "
                 "the last, the report how far the others are from it"}
              .within(1, 100),
          Option{"course", &course,
                 "models of each training that are tested, evenly over all of it, so that the "
                 "report shows how accuracy beyond the trained length comes and goes"}
              .within(0, 1000)};
}

Plan plan_of(const SweepConfig& config) {
  Plan plan{.rows = rows_of(config), .variants = {{config.base, "", ""}}};
  for (const Axis& axis : config.axes) {
    const std::string full = full_key(axis.key);
    if (full == "train.seed" || full == "train.threads")
      throw UsageError("--set " + axis.key +
                       ": seeds are counted by --seeds and no result depends " +
                       "on threads; leave the key away");
    if (full == "train.lr")
      for (const std::string& value : axis.values) plan.rates.push_back(rate_of(value));
    else if (full != "model.encoding" && !of_encoding(full))
      plan.variants = varied(plan.variants, axis);
  }
  for (const std::string& text : config.tests) plan.tests.push_back(settings_of(text));
  std::vector<int> lengths = config.lengths;
  if (lengths.empty())
    for (int k : {1, 2, 4, 8}) lengths.push_back(k * config.base.length);
  const std::set<int> each(lengths.begin(), lengths.end());
  plan.lengths.assign(each.begin(), each.end());
  return plan;
}

std::vector<int> lengths_of(const Plan& plan, const Variant& variant) {
  std::set<int> all(plan.lengths.begin(), plan.lengths.end());
  all.insert(variant.base.length);
  return {all.begin(), all.end()};
}

}  // namespace yonder
