#include "train/config/sweep_config.h"

#include <algorithm>
#include <set>

#include "core/error.h"
#include "datasets/base/dataset.h"
#include "train/config/keys.h"

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

// What a run of one encoding alone would say against it, or against a setting of a test; empty:
// nothing. A setting that the sweep gives the encoding is no reason: it is refused as a mistake.
std::string refusal(const Entry& e, const Settings& of_test, const RunConfig& base) {
  if (std::any_of(base.options.begin(), base.options.end(),
                  [&e](const Setting& s) { return s.option.starts_with(e.name + "."); }))
    return "";
  Composition alone(e.name);
  if (alone.counts_digits() && !make_task(base.task)->numbers())
    return e.name + ": it goes by the digits of numbers, and " + base.task + " has none";
  if (alone.complex() && base.tied)
    return e.name + ": the complex Transformer has a head of its own, and this one is tied";
  try {
    Parameters parameters(0);
    alone.build({.vocabulary = 1,
                 .width = base.width,
                 .heads = base.heads,
                 .layers = base.layers,
                 .mlp = base.width,
                 .trained = std::max(2, base.length),
                 .causal = !base.bidirectional},
                parameters);
    for (const Setting& s : of_test) alone.set_at_test(s.option, s.value);
    alone.check();
  } catch (const UsageError& why) { return why.what(); }
  return "";
}

bool is_default(const Entry& e, const Setting& s) {
  Composition alone(e.name);
  Options options = alone.options();
  return text_of(*find(options, s.option)) == s.value;
}

// The rows that "all" stands for: every registered encoding; "everything": each followed by its
// extensions. Those that some variant refuses are left out.
std::vector<std::string> every_row(bool extensions, Plan& plan) {
  std::vector<std::string> rows;
  const auto add = [&](const std::string& row, const Entry& e, const Settings& of_test) {
    for (const Variant& v : plan.variants)
      if (const std::string why = refusal(e, of_test, v.base); !why.empty())
        return plan.left_out.push_back(why), false;
    return rows.push_back(row), true;
  };
  for (const Entry& e : registry())
    if (add(e.name, e, {}) && extensions)
      for (const Setting& s : e.extensions)
        if (s.option != "logn.when" && !is_default(e, s))
          add(e.name + ":" + s.option + "=" + s.value, e, {s});
  return rows;
}

// "all" and "everything", alone or among others, stand for the rows above.
std::vector<std::string> expanded(const std::vector<std::string>& names, Plan& plan) {
  std::vector<std::string> rows;
  for (const std::string& name : names) {
    const bool everything = name == "everything";
    const auto more = everything || name == "all" ? every_row(everything, plan) : std::vector{name};
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

std::vector<Row> rows_of(const SweepConfig& config, Plan& plan) {
  auto names = config.encodings;
  for (const Axis& axis : config.axes)
    if (full_key(axis.key) == "model.encoding") names = axis.values;
  names = expanded(names, plan);
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
  Plan plan{.variants = {{config.base, "", ""}}};
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
  plan.rows = rows_of(config, plan);
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
