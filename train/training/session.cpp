#include <algorithm>
#include <climits>

#include "core/io/available_memory.h"
#include "core/io/json.h"
#include "datasets/base/masked.h"
#include "models/checkpoint.h"
#include "train/config/keys.h"
#include "train/training/memory_estimate.h"
#include "train/training/session.h"

namespace yonder {
namespace {

// Finds "copy.alphabet" and the like. `name` is the task in use.
Option task_option(Task& task, const std::string& name, const OptionKey& key) {
  if (key.owner != name || !key.layers.empty())
    throw UsageError(flag_of(key) + ": the task in use is " + name +
                     "; omit the option or choose its task");
  const Options options = task.options();
  if (const auto found = find(options, key.name)) return *found;
  std::vector<std::string> names;
  for (const Option& o : options) names.push_back(o.name);
  throw UsageError(text_of(key) + ": there is no such option" + did_you_mean(key.name, names));
}

Dims dims_of(const RunConfig& config, const Task& task) {
  return {.vocabulary = task.vocabulary(),
          .width = config.width,
          .heads = config.heads,
          .layers = config.layers,
          .mlp = config.hidden(),
          .trained = task.tokens(config.train_length),
          .causal = !config.bidirectional,
          .block = config.design()};
}

// Whether it has a valid training length, in items: more would overflow the tokens of some task.
bool is_length(const nlohmann::json& said, const char* key) {
  constexpr int most = 1 << 24;
  return said.contains(key) && said[key].is_number_unsigned() && said[key] >= 1 &&
         said[key] <= most;
}

// The task as a checkpoint describes it: name, length in items, every option. Throws UsageError for
// anything missing or unknown.
std::unique_ptr<Task> task_of(const nlohmann::json& said, RunConfig& config) {
  if (!said.contains("name") || !said["name"].is_string() || !is_length(said, "length"))
    throw UsageError("'task' has no name or no length that training allows");
  config.task = said["name"];
  config.train_length = said["length"];
  std::unique_ptr<Task> task = make_task(config.task);
  for (const auto& [key, value] : said.items()) {
    if (key == "name" || key == "length" || key == "from" || key == "checksum") continue;
    const OptionKey option(config.task, {}, key);
    const Value held = value_of(value, text_of(option));
    assign(task_option(*task, config.task, option), config.task, held);
    config.options.push_back({option, held});
  }
  for (const Option& o : task->options())
    if (!said.contains(o.name)) throw UsageError("'task' has no '" + o.name + "'");
  return task;
}

// The path of a text that differs from the checkpoint's; one named for the evaluation may differ.
std::string changed_text(const nlohmann::json& said, Task& task, const Overrides& of_test) {
  const bool named =
      std::ranges::any_of(of_test, [](const Override& o) { return o.key.name == "path"; });
  // Tasks without a text and checkpoints of earlier versions have no checksum.
  if (named || !said.contains("checksum") || said["checksum"] == task.checksum()) return "";
  for (const Option& o : task.options())
    if (o.name == "path") return text_of(o);
  return "";
}

// The state before fine-tuning, if the model was fine-tuned.
std::optional<Trained::Before> before_of(const nlohmann::json& said) {
  if (!said.contains("from")) return {};
  const nlohmann::json& from = said["from"];
  const auto is_step = [](const nlohmann::json& n) {
    return n.is_number_unsigned() && n <= INT_MAX;
  };
  if (!from.is_object() || from.size() != 2 || !is_length(from, "length") ||
      !from.contains("step") || !is_step(from["step"]))
    throw UsageError("'task' has a 'from' that is not a length and a step");
  return Trained::Before{from["length"], from["step"]};
}

// Whether vocabularies match and N is the length of this training or of the one before fine-tuning.
bool fits(const Trained& run) {
  const int N = run.model->dims().trained;
  return run.task->vocabulary() == run.model->dims().vocabulary &&
         (run.task->tokens(run.config.train_length) == N ||
          (run.before && run.task->tokens(run.before->length) == N));
}

void set_at_inference(Task& task, const std::string& name, const Override& of_test) {
  const Option o = task_option(task, name, of_test.key);
  const Value trained = value_of(o);
  assign(o, name, of_test.value);
  if (!o.inference_time && value_of(o) != trained)
    throw UsageError(text_of(of_test.key) + ": fixed in training at " + text_of(trained) +
                     "; omit it, or train another model");
}

void require_numbers(const Composition& encoding, const std::string& task) {
  if (!encoding.needs_digits() || make_task(task)->numbers()) return;
  std::vector<std::string> others;
  for (const TaskEntry& t : tasks())
    if (t.make()->numbers()) others.push_back(t.name);
  throw UsageError("encoding: '" + encoding.name() + "' needs the digits of numbers, and " + task +
                   " has none; tasks with digits are " + joined(others, ", "));
}

// `switch_to` with the options that it shares with the model's encoding, and those given for it.
std::unique_ptr<Composition> next_encoding(const Trained& run) {
  auto next = std::make_unique<Composition>(run.config.switch_to);
  for (const auto& [key, value] : run.model->encoding().values())
    if (next->takes(key)) next->set(key, value);
  for (const auto& [key, value] : run.config.options)
    if (!is_of_task(key) && next->takes(key)) next->set(key, value);
  return next;
}

}  // namespace

std::unique_ptr<Task> prepare_task(const RunConfig& config, const Inputs& inputs) {
  auto task = make_task(config.task);
  for (const auto& [key, value] : config.options)
    if (is_of_task(key)) assign(task_option(*task, config.task, key), config.task, value);
  task->prepare(config.train_length, inputs.texts());
  return config.bidirectional ? masked(std::move(task)) : std::move(task);
}

Overrides options_of_first(const RunConfig& config) {
  Overrides all;
  Composition first(config.encoding);
  std::optional<Composition> then;
  if (config.changes()) then.emplace(config.switch_to);
  for (const Override& o : config.options)
    if (is_of_task(o.key) || first.takes(o.key) || !then || !then->takes(o.key)) all.push_back(o);
  return all;
}

void check_encoding_switch(const Trained& run) {
  const RunConfig& config = run.config;
  if (!config.changes()) {
    if (config.switch_to != RunConfig{}.switch_to)
      throw UsageError("encoding.switch_to: '" + config.switch_to +
                       "' would never be used; set --encoding.switch-at to the fraction of steps "
                       "after which it should be");
    return;
  }
  if (config.first_steps() == config.steps)
    throw UsageError("encoding.switch_at: of " + std::to_string(config.steps) +
                     " steps, none would be left for '" + config.switch_to +
                     "'; give a smaller part, or 1 for no change");
  run.model->with_encoding(next_encoding(run));
}

void switch_encoding(Trained& run) {
  if (run.config.changes())
    run.model = std::make_unique<Transformer>(run.model->with_encoding(next_encoding(run)));
}

Trained prepare(const RunConfig& config, const Inputs& inputs) {
  Trained run{.config = config};
  auto encoding = std::make_unique<Composition>(config.encoding);
  for (const auto& [key, value] : options_of_first(config))
    if (!is_of_task(key)) encoding->set(key, value);
  require_numbers(*encoding, config.task);
  run.task = prepare_task(config, inputs);
  const Dims dims = dims_of(config, *run.task);
  require_memory(training_bytes(dims, config.at_once()),
                 "lower --batch, --train-length, --width or --layers");
  run.model = std::make_unique<Transformer>(dims, std::move(encoding), std::uint64_t(config.seed),
                                            config.tie_embeddings ? Head::tied : Head::own);
  run.model->encoding().check();
  check_encoding_switch(run);
  return run;
}

Trained load(const std::string& path, const Overrides& inference_options, const Inputs& inputs) {
  const auto file = inputs.checkpoint(path);
  Overrides of_task, of_encoding;
  for (const Override& o : inference_options)
    (is_of_task(o.key) ? of_task : of_encoding).push_back(o);
  Checkpoint checkpoint = load_model(*file, of_encoding);
  Trained run{.model = std::move(checkpoint.model), .step = checkpoint.origin.step};
  const Dims& dims = run.model->dims();
  run.config = {.encoding = run.model->encoding().name(),
                .width = dims.width,
                .heads = dims.heads,
                .layers = dims.layers,
                .mlp = dims.mlp,
                .bidirectional = !dims.causal,
                .tie_embeddings = run.model->tied(),
                .seed = int(checkpoint.origin.seed)};
  run.config.set_design(dims.block);
  try {
    run.task = task_of(checkpoint.origin.task, run.config);
    run.before = before_of(checkpoint.origin.task);
  } catch (const UsageError& e) {
    throw FileError(file->path + ": not a usable checkpoint: " + e.what());
  }
  for (const Override& o : of_task) set_at_inference(*run.task, run.config.task, o);
  run.task->prepare(run.config.train_length, inputs.texts());
  run.changed_text = changed_text(checkpoint.origin.task, *run.task, of_task);
  if (!dims.causal) run.task = masked(std::move(run.task));
  if (!fits(run))
    throw FileError(file->path + ": its model and its task don't fit each other; train again");
  return run;
}

}  // namespace yonder
