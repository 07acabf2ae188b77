#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/io/files.h"
#include "train/cli/command_line.h"
#include "train/cli/commands.h"
#include "train/config/input_checksums.h"
#include "train/config/toml.h"
#include "train/system/mpi.h"
#include "train/system/progress.h"
#include "train/training/finetune.h"
#include "train/training/session.h"

namespace yonder {
namespace {

std::string line(const Metrics& m) {
  char text[200];
  const double left = m.seconds / m.step * (m.steps - m.step);
  std::snprintf(text, sizeof text,
                "step %d/%d  loss %.4f  lr %.2e  gradient %.3f  %s tokens/s  %s left", m.step,
                m.steps, m.loss, m.lr, m.grad_norm, rounded(m.tokens_per_second).c_str(),
                duration(left).c_str());
  return text;
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
                                    {"position_parameters", result.position_parameters}};
  std::printf("%s\n", json.dump(2).c_str());
}

struct TrainOptions {
  RunConfig config;
  std::string out;
  std::string resumed;  // folder
  std::vector<std::string> files;
  bool force = false, quiet = false, json = false;
};

// The flags that may stand beside --resume: no bit of the result depends on them.
std::vector<std::string> free_flags() {
  std::vector<std::string> all;
  const RunConfig defaults;
  for (const OptionView& o : defaults.fields())
    if (!o.affects_result) all.push_back("--" + OptionKey(o.name).name);
  all.insert(all.end(), {"--detect-anomaly", "--json", "--quiet"});
  return all;
}

void declare(Flags& flags, TrainOptions& options) {
  RunConfig& config = options.config;
  flags.text("Run", "--task", "NAME", config.task, "what to learn; see yonder list tasks");
  flags.text("Run", "--encoding", "NAME", config.encoding,
             "how the model knows where a token is, joined by + if several; see yonder list "
             "encodings");
  flags.add("Run", config.change_fields());
  flags.add("Run", {Option{"length", &config.length,
                           "the longest that training shows, in items of the task or bytes of text"}
                        .within(1, 1 << 24)});
  flags.text("Run", "--from", "RUN", config.from,
             "a run's folder or a checkpoint to go on from, at any --length and with test-time "
             "options in force; model, task and encoding are its own");
  flags.repeated("Run", "--config", "FILE", options.files,
                 "a configuration, as config.toml of a run's folder; later files go over earlier "
                 "ones, flags over all");
  flags.text("Run", "--out", "DIR", options.out, "folder of the run, made if there is none");
  flags.on("Run", "--force", options.force, "replace the run that is in DIR");
  std::string free;
  for (const std::string& flag : free_flags()) free += (free.empty() ? "" : ", ") + flag;
  flags.text("Run", "--resume", "DIR", options.resumed,
             "go on with the run in DIR as it began, to the very bits that it would have had; "
             "only these may stand beside it: " +
                 free);
  flags.add("Model", config.model_fields());
  flags.on("Model", "--tied", config.tied, "logits by the embedding's matrix");
  flags.on("Model", "--bidirectional", config.bidirectional,
           "every token sees every other, and names those that are masked");
  flags.add("Training", config.training_fields());
  flags.on("Training", "--detect-anomaly", config.detect_anomaly,
           "name the operation where a number is first none; slow");
  flags.on("Output", "--json", options.json, "the result as JSON");
  flags.on("Output", "--quiet", options.quiet, "no progress");
  flags.tasks(config.options, Flags::When::training);
  flags.encodings(config.options, Flags::When::training);
}

// False if help was asked for. `start` is what the flags change.
bool read(const Arguments& arguments, TrainOptions& start) {
  Flags flags("train", "trains one model and keeps it in a folder",
              {"yonder train --encoding rope --length 16 --steps 1000 --out runs/copy",
               "yonder train --task recall --encoding rope+logn --length 8 --out runs/recall",
               "yonder train --task text --text /usr/share/common-licenses --out runs/text",
               "yonder train --from runs/copy --length 64 --rope.scaling linear --steps 200 --out "
               "runs/copy-64",
               "yonder train --encoding rope --encoding.until 0.875 --out runs/drope",
               "yonder train --encoding rope+window@0-2,none@3 --out runs/mixed",
               "yonder train --config runs/copy/config.toml --seed 1 --out runs/copy-1",
               "yonder train --resume runs/copy"});
  declare(flags, start);
  return flags.parse(arguments);
}

void require_free(const Arguments& arguments) {
  const auto free = free_flags();
  for (const std::string& a : arguments) {
    const std::string flag = a.substr(0, a.find('='));
    if (flag.starts_with("--") && flag != "--resume" &&
        std::find(free.begin(), free.end(), flag) == free.end())
      throw UsageError(flag +
                       ": a run that goes on keeps what it began with; leave the flag away, "
                       "or train anew with --out");
  }
}

// What a training of several ranks begins with, unless it is told otherwise: enough for 16 ranks.
constexpr int shards_of_ranks = 16;

TrainOptions start() {
  TrainOptions options;
  if (ranks::started()) options.config.shards = shards_of_ranks;
  return options;
}

// The configuration of the run that is gone on with, which rank 0 alone needs to have on its disk.
RunConfig begun(const std::string& folder) {
  if (ranks::count() == 1) return begun_in(folder);
  RunConfig config;
  apply_config(ranks::of_first([&] { return to_toml(begun_in(folder)); }), folder, config);
  return config;
}

// Reads the arguments again, over what they name as a start: files, a checkpoint, or `begun`, the
// configuration of a run that goes on.
void complete(const Arguments& arguments, const RunConfig& begun, const Inputs& inputs,
              TrainOptions& options) {
  const bool resumed = !options.resumed.empty();
  if (resumed) {
    require_free(arguments);
    TrainOptions again{.config = begun, .out = options.resumed};
    read(arguments, again);
    options = std::move(again);
  } else if (!options.files.empty()) {
    TrainOptions again = start();
    for (const std::string& file : options.files) apply_config(read_file(file), file, again.config);
    read(arguments, again);
    options = std::move(again);
  }
  if (!resumed && !options.config.from.empty()) {
    TrainOptions again{.config = config_from(options.config.from, options.config.options, inputs)};
    again.config.shards = start().config.shards;
    for (const std::string& file : options.files) apply_config(read_file(file), file, again.config);
    read(arguments, again);
    options = std::move(again);
  }
  if (options.out.empty()) throw UsageError("train: --out is missing; name the folder of the run");
}

// What all ranks have to agree about, and how many of them are too many.
void agree(const RunConfig& config, const Inputs& inputs, Progress& progress) {
  std::string text;
  ranks::together([&] { text = to_toml(config) + fingerprint(config, inputs.texts()); });
  ranks::require_same("train: the configuration", text);
  if (config.threads == 0) ranks::share_processors();
  const int shards = std::min(config.shards, config.batch), idle = ranks::count() - shards;
  if (idle > 0 && ranks::rank() == 0)
    progress.settle("train: " + std::to_string(idle) + " of " + std::to_string(ranks::count()) +
                    " ranks have nothing to do: a batch is " + std::to_string(shards) +
                    (shards == 1 ? " shard" : " shards") + ", see --shards");
}

}  // namespace

int train_verb(const Arguments& arguments) {
  TrainOptions options = start();
  bool go_on = false;
  ranks::together([&] { go_on = read(arguments, options); });
  if (!go_on) return fine;
  const RunConfig config_begun = options.resumed.empty() ? RunConfig{} : begun(options.resumed);
  const Inputs inputs;
  ranks::together([&] { complete(arguments, config_begun, inputs, options); });
  const RunConfig& config = options.config;
  const bool first = ranks::rank() == 0;
  Progress progress(options.quiet || !first ? Progress::Voice::quiet : Progress::Voice::normal);
  if (ranks::count() > 1) agree(config, inputs, progress);
  const Existing existing = !options.resumed.empty() ? Existing::resume
                            : options.force          ? Existing::replace
                                                     : Existing::refuse;
  const TrainResult result = train(
      config, options.out, existing, [&](const Metrics& m) { progress.show(line(m)); },
      ranks::everyone(), inputs);
  if (!first) return fine;
  progress.settle("trained " + std::to_string(result.steps) + " steps" +
                  (result.before ? " (" + std::to_string(result.before) + " before)" : "") +
                  " in " + duration(result.seconds) + " at " + rounded(result.tokens_per_second) +
                  " tokens/s, " + std::to_string(result.parameters) + " parameters, " +
                  std::to_string(result.position_parameters) +
                  " of them of positions; test it with yonder eval " + options.out + " --lengths " +
                  std::to_string(config.length) + "," + std::to_string(2 * config.length));
  if (!result.changed_text.empty())
    std::fprintf(stderr,
                 "train: %s is not the text that the model began with, which may have held what "
                 "this one keeps for tests; put that one back, or name a text by its option\n",
                 result.changed_text.c_str());
  if (options.json) print_json(config, result);
  else std::printf("%s\n", result.checkpoint.c_str());
  return fine;
}

}  // namespace yonder
