#include <fmt/core.h>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/io/files.h"
#include "train/cli/command_line.h"
#include "train/cli/commands.h"
#include "train/config/input_checksums.h"
#include "train/config/keys.h"
#include "train/config/toml.h"
#include "train/report/terminal.h"
#include "train/system/mpi.h"
#include "train/system/progress.h"
#include "train/training/checkpoint_dir.h"
#include "train/training/finetune.h"
#include "train/training/session.h"

namespace yonder {
namespace {

std::string line(const Metrics& m) {
  const double left = m.seconds / m.step * (m.steps - m.step);
  return fmt::format("step {}/{}  loss {:.4f}  lr {:.2e}  grad {:.3f}  {} tokens/s  {} left",
                     m.step, m.steps, m.loss, m.lr, m.grad_norm, rounded(m.tokens_per_second),
                     duration(left));
}

void print_json(const RunConfig& config, const TrainResult& result) {
  const nlohmann::ordered_json json{{"checkpoint", result.checkpoint},
                                    {"task", config.task},
                                    {"encoding", config.encoding},
                                    {"steps", result.steps},
                                    {"loss", result.loss},
                                    {"seconds", result.seconds},
                                    {"tokens_per_second", result.tokens_per_second},
                                    {"parameters", result.parameters},
                                    {"position_parameters", result.position_parameters},
                                    {"depth", result.depth}};
  std::printf("%s\n", json.dump(2).c_str());
}

struct TrainOptions {
  RunConfig config;
  std::string out;
  std::string resumed;  // folder
  std::vector<std::string> files;
  bool force = false, quiet = false, json = false;
};

void declare(CommandLine& line, TrainOptions& options) {
  RunConfig& config = options.config;
  line.add(
      "Run",
      {Option{"out", &options.out, "folder for the run, created if missing"}.takes("DIR"),
       Option{"force", &options.force, "replace the run in --out"},
       Option{"resume", &options.resumed, "continue the run in DIR, bit for bit"}.takes("DIR")});
  line.repeated(
      "Run",
      Option{"config", {}, "configuration file like a run's config.toml; flags override it"}.takes(
          "FILE"),
      options.files);
  line.add("Run", config.from_fields());
  line.add("Run", {Option{"json", &options.json, "print the result as JSON"}.without_effect(),
                   Option{"quiet", &options.quiet, "no progress"}.without_effect(),
                   Option{"detect-anomaly", &config.detect_anomaly,
                          "report the first operation that produces NaN or Inf; slow"}
                       .without_effect()});
  line.add("Data", config.data_fields());
  line.tasks(config.options, CommandLine::When::training);
  line.add("Model", config.model_fields());
  line.add("Training", config.training_fields());
  line.add("Checkpoints", config.checkpoint_fields());
  line.encodings(config.options, CommandLine::When::training);
}

// --resume allows only options that can't change the result, and another path of the same text.
void require_free(const CommandLine& line) {
  for (const auto& [key, affects_result] : line.given())
    if (affects_result && key.name != "resume" && key.name != "path")
      throw UsageError(flag_of(key) +
                       ": a resumed run keeps its configuration; omit the flag, or start over with "
                       "--out");
}

// Default number of shards under mpirun: enough for 16 ranks.
constexpr int shards_of_ranks = 16;

RunConfig start() {
  RunConfig config;
  if (ranks::started()) config.shards = shards_of_ranks;
  return config;
}

// The configuration of the run to resume, which only rank 0 needs on its disk.
RunConfig begun(const std::string& folder) {
  namespace fs = std::filesystem;
  if (std::error_code error; fs::is_regular_file(folder, error))
    throw UsageError("--resume: " + folder + " is a file; name the folder of the run" +
                     (folder.ends_with(".safetensors")
                          ? ", " + fs::path(folder).parent_path().parent_path().string()
                          : ""));
  if (ranks::count() == 1) return Checkpoints::configuration(folder);
  RunConfig config;
  apply_config(
      ranks::broadcast_from_root([&] { return to_toml(Checkpoints::configuration(folder)); }),
      folder, config);
  return config;
}

// Applies the flags to the configuration of files, a checkpoint, or `begun`, a run to resume.
void complete(const CommandLine& line, const RunConfig& begun, const Inputs& inputs,
              TrainOptions& options) {
  const bool resumed = !options.resumed.empty();
  RunConfig config = start();
  const auto read_files = [&] {
    for (const std::string& file : options.files) apply_config(read_file(file), file, config);
  };
  if (resumed) {
    require_free(line);
    config = begun;
    options.out = options.resumed;
  } else {
    read_files();
  }
  options.config = config;
  line.apply();
  if (!resumed && !options.config.from.empty()) {
    config = config_from(options.config.from, options.config.options, inputs);
    config.shards = start().shards;
    read_files();
    options.config = config;
    line.apply();
  } else if (!resumed && options.files.empty()) {
    imply_task(line, options.config);
  }
  if (options.out.empty()) throw UsageError("train: --out is missing; name the folder of the run");
}

// Prints what is better known before hours of training.
void warn(const RunConfig& config, const Inputs& inputs) {
  const auto say = [](const std::string& text) {
    std::fprintf(stderr, "train: %s\n", text.c_str());
  };
  if (const std::string text = config.warning(); !text.empty()) say(text);
  const auto task = prepare_task(config, inputs);
  if (!task->is_text()) return;
  const EvalSpec longest{.length = config.train_length,
                         .scored = std::min(32, config.train_length)};
  if (const auto why = why_refused([&] { task->sequences(longest); }))
    say("the model can't be evaluated at its training length: " + *why);
}

// Requires that all ranks have the same configuration, and reports idle ranks.
void agree(const RunConfig& config, const Inputs& inputs, Progress& progress) {
  std::string text;
  ranks::run_collectively([&] { text = to_toml(config) + fingerprint(config, inputs.texts()); });
  ranks::require_same("train: the configuration", text);
  if (config.threads == 0) ranks::share_processors();
  const int shards = std::min(config.shards, config.batch), idle = ranks::count() - shards;
  if (idle > 0 && ranks::rank() == 0)
    progress.print_line(
        fmt::format("train: {} of {} ranks have nothing to do: a batch is {} {}, see --shards",
                    idle, ranks::count(), shards, shards == 1 ? "shard" : "shards"));
}

}  // namespace

ExitCode train_command(const Arguments& arguments) {
  TrainOptions options{.config = start()};
  CommandLine command(
      "train", "trains one model and keeps it in a folder",
      {"yonder train --encoding rope --train-length 16 --steps 1000 --out runs/copy",
       "yonder train --text FILE --encoding rope+logn --out runs/text",
       "yonder train --from runs/copy --train-length 64 --rope.scaling linear --out runs/longer",
       "yonder train --encoding rope+window@0-2,none@3 --out runs/mixed"});
  declare(command, options);
  bool proceed = false;
  ranks::run_collectively([&] { proceed = command.parse(arguments); });
  if (!proceed) return ExitCode::ok;
  const RunConfig config_begun = options.resumed.empty() ? RunConfig{} : begun(options.resumed);
  const Inputs inputs;
  ranks::run_collectively([&] { complete(command, config_begun, inputs, options); });
  const RunConfig& config = options.config;
  const bool first = ranks::rank() == 0;
  Progress progress(options.quiet || !first);
  if (ranks::count() > 1) agree(config, inputs, progress);
  const Existing existing = !options.resumed.empty() ? Existing::resume
                            : options.force          ? Existing::replace
                                                     : Existing::refuse;
  if (first && !options.quiet) warn(config, inputs);
  const TrainResult result = train(
      config, options.out, existing, [&](const Metrics& m) { progress.show(line(m)); },
      ranks::world(), inputs);
  if (!first) return ExitCode::ok;
  progress.print_line(fmt::format(
      "trained {} steps{} in {} at {} tokens/s, {} parameters, {} of them positional; evaluate "
      "it with yonder eval {} --eval-lengths {},{}",
      result.steps, result.before ? fmt::format(" ({} before)", result.before) : "",
      duration(result.seconds), rounded(result.tokens_per_second), result.parameters,
      result.position_parameters, shell_word(options.out), config.train_length,
      2 * config.train_length));
  if (!result.changed_text.empty())
    std::fprintf(stderr,
                 "train: %s is not the text that the model began with, which may have held what "
                 "this one keeps for tests; put that one back, or name a text by its option\n",
                 result.changed_text.c_str());
  if (options.json) print_json(config, result);
  else std::printf("%s\n", result.checkpoint.c_str());
  return ExitCode::ok;
}

}  // namespace yonder
