#include "train/config/sweep_config.h"

#include <fmt/core.h>
#include <algorithm>
#include <limits>
#include <optional>
#include <set>

#include "core/error.h"
#include "datasets/base/dataset.h"
#include "train/config/keys.h"

namespace yonder {
namespace {

// Refuses repeated values: their runs would count as additional seeds.
template <class T>
void require_different(const std::string& what, const std::vector<T>& all) {
  for (auto one = all.begin(); one != all.end(); ++one)
    if (std::find(all.begin(), one, *one) != one)
      throw UsageError(what + ": '" + text_of(Value(*one)) + "' is given twice; give it once");
}

// Why a run with one encoding alone, or an inference-time override, would be refused. Empty if the
// sweep itself sets an option of the encoding: a mistake there is an error, not a skipped row.
std::optional<std::string> refusal(const Entry& e, const Overrides& of_test,
                                   const RunConfig& base) {
  if (std::any_of(base.options.begin(), base.options.end(),
                  [&e](const Override& o) { return o.key == OptionKey(e.name, {}, o.key.name); }))
    return {};
  Composition alone(e.name);
  if (alone.needs_digits() && !make_task(base.task)->numbers())
    return e.name + ": it needs the digits of numbers, and " + base.task + " has none";
  if (alone.complex() && base.tie_embeddings)
    return e.name + ": the complex Transformer has a head of its own, and this one is tied";
  const std::string block = base.design().text(base.heads);
  if (alone.complex() && !block.empty())
    return e.name + ": the complex Transformer has the plain block only, and this one has " + block;
  const Dims dims{.vocabulary = 1,
                  .width = base.width,
                  .heads = base.heads,
                  .layers = base.layers,
                  .mlp = base.width,
                  .trained = std::max(2, base.train_length),
                  .causal = !base.bidirectional,
                  .block = base.design()};
  Parameters parameters(0);
  if (auto why = why_refused([&] { alone.build(dims, parameters); })) return why;
  if (base.loops != 1 && alone.replaces_last_layer())
    return e.name + ": it runs the last layer in a way of its own, which can't be looped";
  return why_refused([&] {  // resolving the options checks them
    for (const auto& [key, value] : of_test) alone.set_at_inference(key, value);
    alone.check();
  });
}

// The rows that "all" stands for: every registered encoding; for "everything", each is followed by
// its extensions. Rows that any variant refuses are left out.
std::vector<std::string> every_row(bool extensions, SweepPlan& plan) {
  std::vector<std::string> rows;
  const auto add = [&](const std::string& row, const Entry& e, const Overrides& of_test) {
    for (const Variant& v : plan.variants)
      if (const auto why = refusal(e, of_test, v.base)) return plan.left_out.push_back(*why), false;
    return rows.push_back(row), true;
  };
  for (const Entry& e : registry())
    if (add(e.name, e, {}) && extensions)
      for (const Override& o : e.extensions)
        if (changes_at_inference(*e.make(), o)) add(e.name + ":" + text_of(o), e, {o});
  return rows;
}

// Expands "all" and "everything", alone or among other names, to the rows above.
std::vector<std::string> expanded(const std::vector<std::string>& names, SweepPlan& plan) {
  std::vector<std::string> rows;
  for (const std::string& name : names) {
    const bool everything = name == "everything";
    const auto more = everything || name == "all" ? every_row(everything, plan) : std::vector{name};
    append(rows, more);
  }
  return rows;
}

// An option of an encoding turns every row that has the encoding into one row per value;
// encoding.switch_at and encoding.switch_to do so with all rows.
std::vector<Row> with_axis(const std::vector<Row>& rows, const Axis& axis) {
  const std::string& owner = axis.key.owner;
  std::vector<Row> all;
  bool used = false;
  for (const Row& row : rows) {
    if (owner != "encoding" && !parse_encoding(row.encoding).has(owner)) {
      all.push_back(row);
      continue;
    }
    used = true;
    for (const Value& value : axis.values) {
      all.push_back(row.with({axis.key, value}));
      if (std::ranges::count(all, all.back()) > 1)
        throw UsageError("--set " + text_of(axis.key) + ": '" + text_of(value) +
                         "' duplicates an existing row; name it once");
    }
  }
  if (!used)
    throw UsageError("--set " + text_of(axis.key) + ": no encoding of this sweep is " + owner +
                     "; add it to --encodings or omit the key");
  return all;
}

std::vector<std::string> texts_of(const std::vector<Value>& values) {
  std::vector<std::string> all;
  for (const Value& v : values) all.push_back(text_of(v));
  return all;
}

std::vector<Row> rows_of(const SweepConfig& config, SweepPlan& plan) {
  auto names = config.encodings;
  for (const Axis& axis : config.axes)
    if (axis.key == "model.encoding") names = texts_of(axis.values);
  std::vector<Row> rows = parse_rows(expanded(names, plan));
  for (const Axis& axis : config.axes)
    if (is_of_encoding(axis.key)) rows = with_axis(rows, axis);
  if (config.window_baseline)
    for (const Row& row : std::vector<Row>(rows))
      if (const Row behind{row.encoding, {override_of(Baseline::window)}};
          row.extension.empty() && !has(rows, behind))
        rows.push_back(behind);
  return rows;
}

// Sets a key of a variant and adds it to the variant's text and slug.
void vary(Variant& v, const OptionKey& key, const Value& value) {
  set_key(v.base, key, value);
  const std::string text = text_of(value);
  v.text += (v.text.empty() ? "" : ", ") + full_text(key) + "=" + text;
  v.slug += "-" + key.name + text;
}

// Sets a task and any settings of its panel after colons: "copy:copy.unique=true:train.steps=500".
void vary_task(Variant& v, const std::string& text) {
  const std::size_t colon = std::min(text.find(':'), text.size());
  set_key(v.base, "data.task", text.substr(0, colon));
  if (colon == text.size()) return;
  for (const Override& o : parse_overrides(text.substr(colon + 1), "data.task", "copy.unique=true"))
    if (const OptionKey key = known(o.key); key.owner == "encoding" || key == "model.encoding" ||
                                            key == "data.task" || key == "train.seed" ||
                                            key == "train.threads")
      throw UsageError("data.task: '" + text + "' sets " + text_of(key) +
                       ", which cannot vary between panels; omit it");
    else vary(v, key, o.value);
}

// Every combination of a variant and a value of an axis.
std::vector<Variant> varied(const std::vector<Variant>& before, const Axis& axis) {
  std::vector<Variant> all;
  for (const Variant& v : before)
    for (const Value& value : axis.values) {
      all.push_back(v);
      if (axis.key == "data.task") vary_task(all.back(), text_of(value));
      else vary(all.back(), axis.key, value);
    }
  return all;
}

Overrides task_options_of(const std::string& text) {
  Overrides all = parse_overrides(text, "tests", "tiled.tile=2");
  for (Override& o : all) {
    o.key = known(o.key);
    if (!is_of_task(o.key))
      throw UsageError("tests: '" + text_of(o) +
                       "' is not an option of a task; a row of --encodings changes " +
                       "an encoding");
  }
  return all;
}

double rate_of(const Value& value) {
  RunConfig config;
  set_key(config, "train.lr", value);
  return config.lr;
}

}  // namespace

Options SweepConfig::fields() {
  return {Option{"seeds", &seeds, "seeds, and so models, per encoding"}.within(1, 1000),
          Option{"examples", &examples, "sequences per evaluation"}
              .within(0, 1 << 24)
              .shown_as("depends on the task"),
          Option{"window_baseline", &window_baseline,
                 "also evaluate each encoding with sliding-window attention"}
              .formerly("windowed"),
          Option{"checkpoints", &checkpoints,
                 "checkpoints to evaluate per run, from the last 10 % of training"}
              .within(1, 100),
          Option{"curve_points", &curve_points,
                 "checkpoints to evaluate per run over all of training, for learning curves"}
              .within(0, 1000)
              .formerly("course")
              .for_experts(),
          Option{"attention", &attention,
                 "record where heads attend: attention.csv, and a report section"}};
}

Options SweepConfig::lists() {
  return {
      Option{"encodings",
             {},
             "rows, separated by commas: rope:rope.scaling=yarn, rope@0-2;none@3, all (encodings), "
             "everything (all with every override)"}
          .takes("LIST"),
      Option{"eval_lengths",
             {},
             "lengths, or bins like 26-50 [1, 2, 4 and 8 times the training length]"}
          .takes("N,N,...")
          .formerly("lengths"),
      Option{"tests", {}, "values of a task's option, one panel each: tiled.tile=1,tiled.tile=2"}
          .takes("LIST")
          .for_experts(),
      Option{"eval_protocols",
             {},
             "how a text is cut into windows: fixed-targets, non-overlapping, sliding"}
          .takes("LIST")
          .formerly("protocols")
          .for_experts()};
}

void SweepConfig::set_protocols(std::vector<std::string> names) {
  eval_protocols.clear();
  for (const std::string& one : names) eval_protocols.push_back(text_of(protocol_named(one)));
}

SweepPlan plan_of(const SweepConfig& config) {
  SweepPlan plan{.variants = {{config.base, "", ""}}};
  require_different("eval_protocols", config.eval_protocols);
  if (config.base.seed > std::numeric_limits<int>::max() - config.seeds + 1)
    throw UsageError(
        fmt::format("seeds: {} from {} on pass 2147483647, the largest; give a smaller --seed",
                    config.seeds, config.base.seed));
  for (const Axis& axis : config.axes) {
    std::vector<Value> values;
    for (const Value& v : axis.values) values.push_back(typed(axis.key, v));
    require_different(text_of(axis.key), values);
    if (axis.key == "train.seed" || axis.key == "train.threads")
      throw UsageError("--set " + text_of(axis.key) +
                       ": seeds are counted by --seeds and no result depends " +
                       "on threads; omit the key");
    if (axis.key == "train.lr")
      for (const Value& value : axis.values) plan.rates.push_back(rate_of(value));
    else if (axis.key != "model.encoding" && !is_of_encoding(axis.key))
      plan.variants = varied(plan.variants, axis);
  }
  plan.rows = rows_of(config, plan);
  std::vector<std::string> tests;
  for (const std::string& text : config.tests) {
    plan.tests.push_back(task_options_of(text));
    tests.push_back(text_of(plan.tests.back()));
  }
  require_different("tests", tests);
  const std::set<int> each(config.eval_lengths.begin(), config.eval_lengths.end());
  plan.lengths.assign(each.begin(), each.end());
  return plan;
}

std::vector<int> lengths_of(const SweepPlan& plan, const Variant& variant) {
  std::set<int> all(plan.lengths.begin(), plan.lengths.end());
  const int trained = variant.base.train_length;
  if (all.empty()) all = {2 * trained, 4 * trained, 8 * trained};
  all.insert(trained);
  return {all.begin(), all.end()};
}

}  // namespace yonder
