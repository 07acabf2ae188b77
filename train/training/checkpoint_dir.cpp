#include "train/training/checkpoint_dir.h"

#include <fmt/core.h>
#include <algorithm>
#include <charconv>
#include <filesystem>

#include "core/error.h"
#include "core/io/files.h"
#include "core/io/safetensors.h"
#include "models/checkpoint.h"
#include "models/manifest.h"
#include "train/training/run_record.h"

namespace yonder {

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Totals, step, loss, tokens, seconds, speed)

namespace {
namespace fs = std::filesystem;
using nlohmann::json;
using nlohmann::ordered_json;

const std::string model_end = ".safetensors", state_end = ".state.safetensors",
                  manifest_end = ".json", latest = "LATEST";

std::string stem(int step) { return "step-" + std::to_string(step); }

// n of "step-{n}" + `end`, or −1.
int step_of(const std::string& name, const std::string& end) {
  const std::string before = "step-";
  if (!name.starts_with(before) || !name.ends_with(end)) return -1;
  const char* first = name.data() + before.size();
  const char* last = name.data() + name.size() - end.size();
  int step = -1;
  const auto [stop, error] = std::from_chars(first, last, step);
  return error == std::errc() && stop == last ? step : -1;
}

// The steps of the files of one kind, latest first.
std::vector<int> steps_in(const std::string& place, const std::string& end) {
  std::vector<int> steps;
  std::error_code error;
  for (const auto& file : fs::directory_iterator(place, error))
    if (const int n = step_of(file.path().filename().string(), end); n >= 0) steps.push_back(n);
  std::sort(steps.rbegin(), steps.rend());
  return steps;
}

// The step that LATEST names, or −1.
int step_in_latest(const std::string& place) {
  std::error_code error;
  if (!fs::exists(place + latest, error)) return -1;
  const std::string name = read_file(place + latest);
  return name.ends_with('\n') ? step_of(name.substr(0, name.size() - 1), "") : -1;
}

// How to proceed without the newest checkpoint: ends a sentence that says why it is not usable.
std::string way_out(const std::string& place, int newest) {
  const std::string all = place + stem(newest) + ".*";
  for (const int step : steps_in(place, state_end))
    if (step < newest && fs::exists(place + stem(step) + manifest_end))
      return fmt::format(", or remove {} to resume from step {}", all, step);
  return ", or start over with --force";
}

// The step of the checkpoint to resume from, −1 if there is none. Manifests are written last, so
// files of a later step without one are what a kill left. Throws FileError if a manifest is
// missing.
int newest(const std::string& place) {
  const std::vector<int> steps = steps_in(place, manifest_end);
  const int step = steps.empty() ? -1 : steps[0], last = step_in_latest(place);
  const std::vector<int> models = steps_in(place, model_end);
  if (last > step && has(models, last))
    throw FileError(place + stem(last) + manifest_end +
                    ": this manifest is missing; copy it here again" + way_out(place, last));
  if (steps.empty() && !models.empty())
    throw FileError(place + ": its checkpoints have no manifest to resume from; start over with " +
                    "--force");
  return step;
}

Totals totals_of(const json& said, const std::string& path) try {
  return said.get<Totals>();
} catch (const json::exception&) {
  throw FileError(path + ": its totals can't be read; copy it again");
}

std::string state_text(const Trained& run, const std::string& text) {
  return json{{"format", 1},
              {"step", run.step},
              {"data", run.step},  // the task's next batch is a function of seed and step,
              {"text", text},      // and of its text, if it has one
              {"seed", run.config.seed}}
      .dump();
}

json manifest_at(const std::string& place, int step) {
  const std::string path = place + stem(step) + manifest_end;
  json manifest = verified(read_file(path), path);
  if (!manifest.contains("step") || manifest["step"] != step || !manifest.contains("run") ||
      !manifest["run"].contains("options") || !manifest["run"]["options"].is_object() ||
      !manifest.contains("totals"))
    throw FileError(path + ": this is not a manifest of a training; copy it again");
  return manifest;
}

void write_manifest(const std::string& place, int step, const RunConfig& config,
                    const Totals& totals, const ordered_json& files) {
  write_file(place + stem(step) + manifest_end, with_checksum({{"format", 1},
                                                               {"step", step},
                                                               {"run", record_of(config)},
                                                               {"totals", json(totals)},
                                                               {"files", files}}));
}

// Applies `f` to the configuration in a manifest.
template <class F>
auto of_record(const std::string& place, int step, const F& f) {
  const json manifest = manifest_at(place, step);
  try {
    return f(manifest["run"]);
  } catch (const std::exception& e) {
    throw FileError(place + stem(step) + manifest_end +
                    ": its configuration can't be read; copy it again");
  }
}

// A checkpoint that was read and verified.
struct Saved {
  Totals totals;
  int step = 0;  // of the model
  Safetensors model, state;
};

Saved read_saved(const std::string& place, int step, int steps) {
  const json manifest = manifest_at(place, step);
  const std::string path = place + stem(step);
  Saved saved{.totals = totals_of(manifest["totals"], path + manifest_end), .step = step};
  if (saved.totals.step > 0) saved.model = read_checkpoint(path + model_end).content;
  if (saved.totals.step > 0 && saved.totals.step < steps)
    saved.state = read_checkpoint(path + state_end).content;
  return saved;
}

void put_in_place(const Saved& saved, Trained& run, Trainer& trainer, const std::string& path) try {
  if (saved.totals.step == 0) return;
  if (run.step + saved.totals.step != saved.step)
    throw UsageError(fmt::format("it is {} steps after step {}, and --from is at step {} now",
                                 saved.totals.step, saved.step - saved.totals.step, run.step));
  trainer.switch_encoding_at(saved.totals.step);
  NamedTensors parameters;
  for (const auto& p : run.model->parameters().all())
    parameters.emplace_back(p.name, p.var.value());
  run.step = saved.step;
  if (!saved.state.tensors.empty()) {
    const auto said = saved.state.metadata.find("yonder.state");
    // Earlier versions had no checksum for masked texts.
    if (said == saved.state.metadata.end() ||
        (said->second != state_text(run, run.task->checksum()) &&
         said->second != state_text(run, "")))
      throw UsageError("its state is of another step, seed or text");
    trainer.optimizer().restore(saved.totals.step, saved.state.tensors);
  }
  copy_tensors(saved.model.tensors, parameters);
} catch (const UsageError& e) {
  throw FileError(path + ": training can't resume from it: " + e.what() +
                  "; start over with --force");
}

}  // namespace

std::vector<int> late_steps(const RunConfig& config) {
  const int tenth = std::max(1, config.steps / 10),
            count = std::min(config.last_checkpoints, tenth);
  std::vector<int> steps;
  for (int i = 0; i < count; ++i)
    steps.push_back(int(config.steps - std::int64_t(i) * tenth / count));
  return steps;
}

bool stays(const RunConfig& config, int step) {
  if (config.checkpoint_every > 0 && step % config.checkpoint_every == 0) return true;
  const std::vector<int> late = late_steps(config);
  return has(late, step);
}

Checkpoints::Checkpoints(const std::string& folder, RunConfig config)
    : place_(folder + "/checkpoints/"), config_(std::move(config)) {}

void Checkpoints::begin(const Trained& run) {
  write_manifest(place_, run.step - 1, config_, {}, ordered_json::object());
}

void Checkpoints::save(const Trained& run, const AdamW& optimizer, const Totals& totals) {
  const std::string name = stem(run.step);
  ordered_json files;
  auto write = [&](const std::string& end, const std::string& content) {
    write_file(place_ + name + end, content);
    files[name + end] = file_entry(content);
  };
  write(model_end,
        format_model(*run.model, {task_json(run), run.step, run.model->parameters().seed()}));
  const bool over = totals.step == config_.steps;
  if (!over)
    write(state_end,
          format_safetensors(
              {optimizer.moments(), {{"yonder.state", state_text(run, run.task->checksum())}}}));
  write_manifest(place_, run.step, config_, totals, files);
  write_file(place_ + latest, name + "\n");
  prune(run.step - totals.step, over ? 0 : config_.keep_checkpoints);
}

std::string Checkpoints::model(int step) const { return place_ + stem(step) + model_end; }

// The state is removed last: while it exists, an interrupted removal is resumed the next time.
void Checkpoints::prune(int before, int keep) const {
  const std::vector<int> steps = steps_in(place_, state_end);
  for (std::size_t i = std::size_t(keep); i < steps.size(); ++i) {
    const std::string path = place_ + stem(steps[i]);
    if (!stays(config_, steps[i] - before))
      for (const std::string& end : {manifest_end, model_end}) remove_all(path + end);
    remove_all(path + state_end);
  }
}

Totals Checkpoints::restore(Trained& run, Trainer& trainer) const {
  const int step = newest(place_);
  if (step < 0) return {};
  Saved saved;
  try {
    const std::string other =
        of_record(place_, step, [&](const json& kept) { return unlike(config_, kept); });
    if (!other.empty())
      throw UsageError(place_ + ": the run in it has " + other +
                       "; continue with what it began with, or start over elsewhere");
    saved = read_saved(place_, step, config_.steps);
  } catch (const FileError& e) { throw FileError(e.what() + way_out(place_, step)); }
  put_in_place(saved, run, trainer, place_ + stem(step) + manifest_end);
  if (saved.totals.step == 0) return {};
  write_file(place_ + latest, stem(step) + "\n");
  for (const std::string& end : {manifest_end, model_end, state_end})
    for (const int later : steps_in(place_, end))
      if (later > step) remove_all(place_ + stem(later) + end);
  prune(step - saved.totals.step,
        saved.totals.step == config_.steps ? 0 : config_.keep_checkpoints);
  return saved.totals;
}

RunConfig Checkpoints::configuration(const std::string& folder) {
  const std::string place = folder + "/checkpoints/";
  const int step = newest(place);
  if (step < 0)
    throw FileError(folder + ": no training has begun in it; begin one with --out " + folder);
  try {
    return of_record(place, step, [](const json& run) { return config_of(run); });
  } catch (const FileError& e) { throw FileError(e.what() + way_out(place, step)); }
}

std::string Checkpoints::last_model(const std::string& folder) {
  const std::string place = folder + "/checkpoints/";
  if (const int step = step_in_latest(place); step >= 0) return place + stem(step) + model_end;
  const std::vector<int> steps = steps_in(place, model_end);
  if (steps.empty())
    throw FileError(folder + ": there is no checkpoint in it; name a run's folder or a checkpoint");
  return place + stem(steps[0]) + model_end;
}

}  // namespace yonder
