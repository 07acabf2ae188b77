#include "train/cli/run_summary.h"

#include <fmt/core.h>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "core/error.h"
#include "core/io/files.h"
#include "core/io/json.h"
#include "core/renamed.h"
#include "train/config/keys.h"
#include "train/config/toml.h"
#include "train/report/terminal.h"
#include "train/results/format.h"
#include "train/sweep/status_file.h"
#include "train/sweep/sweep.h"

namespace yonder {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

template <class T>
std::string listed(const std::vector<T>& values) {
  return joined(values, ", ", [](const T& v) { return text_of(Value(v)); });
}

// "width 64, heads 4, layers 2" for the fields of these names.
std::string some(const Options& fields, std::initializer_list<const char*> names) {
  std::vector<std::string> texts;
  for (const char* name : names)
    texts.push_back(OptionKey(name).name + " " + text_of(*find(fields, name)));
  return listed(texts);
}

std::string settings(RunConfig config) {
  const std::string block = config.design().text(config.heads);
  return fmt::format("  model     {}{}\n  training  {}\n",
                     some(config.model_fields(), {"model.width", "model.heads", "model.layers"}),
                     block.empty() ? "" : ", " + block,
                     some(config.training_fields(), {"train.steps", "train.batch", "train.lr",
                                                     "train.warmup", "train.seed"}));
}

std::string where_training_stands(const std::string& folder, const RunConfig& config) {
  const std::string path = folder + "/metrics.jsonl";
  const auto lines = split(fs::exists(path) ? read_file(path) : "", '\n');  // the last is partial
  if (lines.size() < 2) return "  status    before its first step\n";
  const Json metrics = parse_json(lines[lines.size() - 2], path);
  return fmt::format("  status    at step {} of {}, loss {}\n", metrics.at("step").get<int>(),
                     config.steps, shown(metrics.at("loss").get<double>(), Measure::loss));
}

// Whether the folder exists. Throws FileError if `path` is something else.
bool has_folder(const std::string& path) {
  if (!fs::exists(path)) return false;
  if (!fs::is_directory(path))
    throw FileError(path + ": a run has a folder here, and this is not one; train again");
  return true;
}

std::string one_run(const std::string& folder, const RunConfig& config) {
  const std::string next = config.changes()
                               ? fmt::format(", after {} of the steps {},",
                                             text_of(Value(config.switch_at)), config.switch_to)
                               : "";
  std::string text = fmt::format(
      "{}: {}{} trained on {} to length {}\n{}{}{}", folder, config.encoding, next, config.task,
      config.train_length, config.from.empty() ? "" : "  continues from " + config.from + "\n",
      settings(config), where_training_stands(folder, config));
  if (has_folder(folder + "/checkpoints"))
    for (const std::string& file : list_files(folder + "/checkpoints"))
      if (file.ends_with(".safetensors") && !file.ends_with(".state.safetensors"))
        text += "  checkpoint " + file + "\n";
  return text;
}

// The number of cells, without trials of learning rates.
int cells_of(const SweepPlan& plan, int seeds) {
  std::set<std::string> encodings;
  for (const Row& row : plan.rows) encodings.insert(row.encoding);
  return int(encodings.size() * plan.variants.size()) * seeds;
}

std::string whole_sweep(const std::string& folder, const SweepConfig& config,
                        const TerminalStyle& style) {
  const SweepPlan plan = plan_of(config);
  std::string text = fmt::format(
      "{}: a sweep over encodings, trained on {} to length {}\n  encodings {}\n  lengths   {}\n{}",
      folder, config.base.task, config.base.train_length, listed(config.encodings),
      plan.lengths.empty() ? "1, 2, 4 and 8 times the training length" : listed(plan.lengths),
      settings(config.base));
  for (const Axis& axis : config.axes)
    text += fmt::format("  varied    {}: {}\n", full_text(axis.key), listed(axis.values));
  int done = 0;
  std::string failed;
  for (const auto& cell : fs::directory_iterator(folder + "/cells")) {
    if (fs::exists(cell.path() / "DONE")) ++done;
    if (const fs::path why = cell.path() / "FAILED"; fs::exists(why))
      failed += "  failed    " + cell.path().filename().string() + ": " + read_file(why.string());
  }
  text += fmt::format("  status    {} of {} runs are done\n{}", done, cells_of(plan, config.seeds),
                      failed);
  if (const std::string now = read_status(folder); !now.empty())
    text += "  last line " + now + "\n";
  if (!fs::exists(folder + "/results.json"))
    return text + "  results   none yet; the command that started it continues with --resume\n";
  return text + "\n" + report(read_study(folder), folder, style);
}

}  // namespace

std::string describe_run(const std::string& folder, const TerminalStyle& style) try {
  const std::string path = folder + "/config.toml";
  if (!fs::exists(path) && fs::exists(folder + "/job.sh"))
    return folder + ": a job for Slurm that has not begun; squeue tells whether it waits, sbatch " +
           folder + "/job.sh submits it\n";
  if (!fs::exists(path))
    throw FileError(folder + ": there is no run here (no config.toml); give the folder of --out" +
                    (find_entry(folder) ? ", or did you mean yonder show encoding " + folder + "?"
                     : is_of_task({folder, {}, ""})
                         ? ", or did you mean yonder show task " + folder + "?"
                         : ""));
  const WithoutNotes silent;
  SweepConfig config;
  apply_config(read_file(path), path, config);
  if (has_folder(folder + "/cells")) return whole_sweep(folder, config, style);
  return one_run(folder, config.base);
} catch (const Json::exception&) {
  throw FileError(folder + "/metrics.jsonl: this is not a record of yonder; train again");
}

}  // namespace yonder
