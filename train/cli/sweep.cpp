#include <fmt/core.h>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <set>

#include "core/error.h"
#include "core/io/files.h"
#include "core/text.h"
#include "train/cli/command_line.h"
#include "train/cli/commands.h"
#include "train/cli/slurm.h"
#include "train/config/input_checksums.h"
#include "train/config/keys.h"
#include "train/config/presets.h"
#include "train/config/toml.h"
#include "train/report/html/page.h"
#include "train/report/terminal.h"
#include "train/sweep/sweep.h"
#include "train/system/mpi.h"
#include "train/system/signals.h"

namespace yonder {
namespace {
namespace fs = std::filesystem;

struct SweepOptions {
  SweepConfig sweep;
  std::string what, out;
  std::vector<std::string> sets, configs;
  std::vector<int> ranks;
  double budget = 1;
  bool force = false, resume = false, dry = false, json = false, quiet = false;
  SlurmJob slurm;
  bool as_job = false, submit = false;
};

void add_for_experts(CommandLine& line, const std::string& heading, Options options) {
  for (Option& o : options) o.advanced = true;
  line.add(heading, options);
}

void declare_run(CommandLine& line, SweepOptions& options) {
  line.add("Run", {Option{"out", &options.out, "folder for the results"}.takes("DIR").shown_as(
                       "runs/ and CONFIG's name"),
                   Option{"resume", &options.resume, "continue the sweep in --out"},
                   Option{"force", &options.force, "replace the sweep in --out"},
                   Option{"dry-run", &options.dry,
                          "only print configuration, runs, parameters, time and memory"},
                   Option{"json", &options.json, "print results.json instead of tables"},
                   Option{"quiet", &options.quiet, "no progress"}});
  line.numbers("Run",
               Option{"ranks", {}, "with --dry-run: time on these numbers of MPI ranks, as 1,8,64"}
                   .takes("N,N,...")
                   .for_experts(),
               options.ranks);
  Options slurm{
      Option{"slurm", &options.as_job, "write DIR/job.sh, a Slurm job that requeues until done"},
      Option{"submit", &options.submit, "submit it with sbatch"}};
  for (const Option& o : options.slurm.fields()) slurm.push_back(o);
  add_for_experts(line, "Slurm", slurm);
}

void declare(CommandLine& line, SweepOptions& options) {
  SweepConfig& sweep = options.sweep;
  RunConfig& base = sweep.base;
  line.argument("CONFIG", options.what, "a configuration file or a preset; see yonder list presets",
                CommandLine::Presence::optional);
  line.repeated("Sweep",
                Option{"config", {}, "overrides CONFIG; flags override both"}.takes("FILE"),
                options.configs);
  for (const Option& o : SweepConfig::lists())
    if (o.name == "eval_lengths") line.lengths("Sweep", o, sweep.eval_lengths, sweep.bins);
    else
      line.names("Sweep", o,
                 o.name == "encodings" ? sweep.encodings
                 : o.name == "tests"   ? sweep.tests
                                       : sweep.eval_protocols);
  line.repeated("Sweep",
                Option{"set",
                       {},
                       "values of any option, one panel each (of an encoding's option, one row "
                       "each); of train.lr, the best by validation loss is used"}
                    .takes("KEY=V,V"),
                options.sets);
  line.add("Sweep", sweep.fields());
  line.add("Sweep", {Option{"budget", &options.budget,
                            "multiply training steps and evaluation examples by this factor"}
                         .within(0.001, 1000)
                         .formerly("scale")});
  declare_run(line, options);
  line.add("Data", base.data_fields());
  line.tasks(base.options, CommandLine::When::training);
  Options model = base.model_fields();
  std::erase_if(model, [](const Option& o) { return o.name == "model.encoding"; });
  for (Option& o : model)
    if (OptionKey(o.name).owner == "encoding") o.advanced = true;
  line.add("Model", model);
  line.add("Training", base.training_fields());
  add_for_experts(line, "Training", base.checkpoint_fields());
  line.encodings(base.options, CommandLine::When::training);
}

// Reads a file if there is one of that name, else a preset.
void read_config(const std::string& what, SweepConfig& sweep) {
  std::error_code error;
  if (fs::is_regular_file(what, error) || what.ends_with(".toml"))
    return apply_config(read_file(what), what, sweep);
  apply_config(preset(what), "preset " + what, sweep);
}

bool is_given(const CommandLine& line, const OptionKey& key) {
  const auto given = line.given();
  return std::ranges::any_of(given, [&key](const CommandLine::Given& g) { return g.key == key; });
}

// --set: one value is a setting, several are an axis.
void apply_set(const std::string& text, const CommandLine& line, SweepConfig& sweep) {
  const auto [option, list] = parse_assignment(text, "--set", "train.lr=1e-3,3e-3");
  const OptionKey key = known(option);
  if (is_given(line, key))
    throw UsageError("--set: " + text_of(key) + " is also given by " + flag_of(key) +
                     "; give one of them");
  std::erase_if(sweep.axes, [&key](const Axis& a) { return a.key == key; });
  const auto texts = entries_of(list);
  std::vector<Value> values;
  for (const std::string& v : texts) {
    if (v.empty()) throw UsageError("--set: '" + text + "' has an empty value between its commas");
    values.push_back(parse_value(v));
  }
  if (key == "model.encoding") sweep.encodings = texts;
  else if (values.size() == 1 && texts[0].find(':') == texts[0].npos)
    set_key(sweep.base, key, values[0]);
  else sweep.axes.push_back({key, values});
}

// n times `factor`, at least 1. Throws UsageError above `most`.
int scaled(const std::string& what, int n, double factor, int most) {
  const double product = std::round(n * factor);
  if (product > most)
    throw UsageError(fmt::format("--budget: {} {} would become more than {}; give a smaller factor",
                                 n, what, most));
  return std::max(1, int(product));
}

// Scales steps, warm-up and evaluation examples; 0 keeps its meaning.
void scale(SweepConfig& sweep, double factor) {
  RunConfig& base = sweep.base;
  base.steps = scaled("steps", base.steps, factor, 100'000'000);
  if (base.warmup > 0) base.warmup = scaled("steps of warm-up", base.warmup, factor, 100'000'000);
  if (sweep.examples > 0) sweep.examples = scaled("examples", sweep.examples, factor, 1 << 24);
}

void complete(const CommandLine& line, SweepOptions& options) {
  SweepConfig& sweep = options.sweep;
  if (options.force && options.resume)
    throw UsageError("sweep: --force replaces a sweep and --resume continues it; give one of them");
  if (options.submit && !options.as_job)
    throw UsageError("sweep: --submit is only valid with --slurm; add it");
  if (!options.ranks.empty() && !options.dry)
    throw UsageError(
        "sweep: --ranks is only valid with --dry-run; mpirun -n sets the number of ranks");
  sweep.set_protocols(sweep.eval_protocols);
  for (const std::string& text : options.sets) apply_set(text, line, sweep);
  std::string name = options.what;
  if (name.empty()) name = options.configs.empty() ? sweep.base.task : options.configs.back();
  sweep.name = fs::path(name).stem().string();
  if (options.out.empty()) options.out = "runs/" + sweep.name;
  scale(sweep, options.budget);
}

// If the command line chooses the tasks, drops a file's options of other tasks: only a part of its
// sweep is meant.
void drop_options_of_others(const CommandLine& line, const SweepOptions& options, RunConfig& base) {
  const auto chooses = [](const std::string& set) { return set.starts_with("data.task="); };
  if (!is_given(line, "data.task") && std::ranges::none_of(options.sets, chooses)) return;
  std::vector<std::string> tasks;
  for (const Variant& v : plan_of(options.sweep).variants) tasks.push_back(v.base.task);
  std::erase_if(base.options, [&](const Override& o) {
    return is_of_task(o.key) && !has(tasks, o.key.owner) && !is_given(line, o.key);
  });
}

// The command that repeats the sweep, without --resume, --force and --quiet.
std::string command_of(const Arguments& arguments) {
  std::string text = "yonder sweep";
  for (const std::string& a : arguments)
    if (a != "--resume" && a != "--force" && a != "--quiet") text += " " + shell_word(a);
  return text;
}

// Returns false if help was requested. Flags override files, even if these list several values.
bool parse_options(const Arguments& arguments, CommandLine& line, SweepOptions& options) {
  if (!line.parse(arguments)) return false;
  SweepConfig config;
  if (!options.what.empty()) read_config(options.what, config);
  for (const std::string& file : options.configs) apply_config(read_file(file), file, config);
  options.sweep = std::move(config);
  line.apply();
  SweepConfig& sweep = options.sweep;
  std::erase_if(sweep.axes, [&line](const Axis& a) {
    return is_given(line, a.key == "model.encoding" ? "encodings" : a.key);
  });
  if (options.what.empty() && options.configs.empty()) imply_task(line, sweep.base);
  complete(line, options);
  drop_options_of_others(line, options, sweep.base);
  return true;
}

// What all ranks must agree on.
std::string canonical_config(const Experiment& experiment) {
  std::string text = to_toml(experiment.config);
  for (const Variant& v : experiment.plan.variants)
    text += fingerprint(v.base, experiment.inputs.texts());
  return text;
}

// The command that a job runs: this one, without what only concerns the job.
std::string command_of_job(const Arguments& arguments, const std::string& folder) {
  std::string text = shell_word(fs::read_symlink("/proc/self/exe").string()) + " sweep";
  std::set<std::string> with_value{"--out"};
  for (const Option& o : SlurmJob{}.fields()) with_value.insert("--" + o.name);
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string flag = arguments[i].substr(0, arguments[i].find('='));
    if (flag == "--slurm" || flag == "--submit" || flag == "--resume" || flag == "--force")
      continue;
    if (!with_value.count(flag)) text += " " + shell_word(arguments[i]);
    else if (flag == arguments[i]) ++i;  // its value is the next argument
  }
  return text + " --out " + shell_word(folder) + " --resume";
}

// Writes the job, after the checks of a sweep, and submits it if requested.
void write_job(const Arguments& arguments, SweepOptions& options) {
  require_possible(Experiment(options.sweep));
  if (options.force)
    throw UsageError("sweep: --force has no place in a job that resumes what is there; remove " +
                     options.out + " first");
  if (const std::string there = options.out + "/config.toml";
      fs::exists(there) && !same_sweep(read_file(there), there, options.sweep))
    throw UsageError(options.out + ": the sweep in it was started with other settings, see " +
                     there + "; give the same ones, or choose another --out");
  SlurmJob& job = options.slurm;
  job.sweep = options.sweep.name;
  job.folder = options.out;
  job.command = command_of_job(arguments, options.out);
  job.written_by = command_of(arguments);
  job.threads = std::max(1, options.sweep.base.threads);
  const std::string script = slurm_script(job);
  if (fs::exists(job.path()) && read_file(job.path()).find("\n# The sweep ") == std::string::npos)
    throw UsageError(job.path() + ": yonder did not write it; choose another --out");
  make_folders(options.out);
  write_file(job.path(), script);
  if (options.submit) submit(job.path());
  else std::printf("%s\n", job.path().c_str());
}

}  // namespace

ExitCode sweep_command(const Arguments& arguments) {
  SweepOptions options;
  CommandLine line(
      "sweep", "trains encodings at one length, evaluates them at longer ones, and compares",
      {"yonder sweep quick",
       "yonder sweep --encodings rope,alibi,t5 --task copy --train-length 20 --steps 1500",
       "yonder sweep --text FILE --encodings rope,rope:rope.scaling=yarn --steps 300",
       "yonder sweep su-ntk --set train.lr=1e-3,3e-3 --seeds 5 --dry-run"});
  declare(line, options);
  if (arguments.empty()) {
    if (ranks::rank() == 0) std::fputs(line.short_help().c_str(), stderr);
    return ExitCode::usage;
  }
  bool proceed = false;
  ranks::run_collectively([&] { proceed = parse_options(arguments, line, options); });
  if (!proceed) return ExitCode::ok;
  Progress progress(options.quiet);
  if (options.dry) {
    if (ranks::rank() == 0)
      std::fputs(dry_run(Experiment(options.sweep), progress, options.ranks).c_str(), stdout);
    return ExitCode::ok;
  }
  if (options.as_job) return write_job(arguments, options), ExitCode::ok;
  std::optional<Experiment> experiment;
  ranks::run_collectively([&] { experiment.emplace(options.sweep); });
  if (ranks::count() > 1) {
    std::string text;
    ranks::run_collectively([&] { text = canonical_config(*experiment); });
    ranks::require_same("sweep: the configuration", text);
  }

  const Start start = options.force ? Start::over : options.resume ? Start::resumed : Start::fresh;
  const SweepEnd end = sweep(*experiment, options.out, start, command_of(arguments), progress);
  if (ranks::rank() > 0) return end.signal ? exit_code(end.signal) : ExitCode::ok;
  if (end.signal) {
    std::fprintf(stderr,
                 "sweep: stopped; finished runs are kept, the same command with --resume "
                 "continues\n");
    return exit_code(end.signal);
  }
  write_report(end.study, options.out);
  if (options.json) std::fputs(to_json(end.study).c_str(), stdout);
  else std::fputs(report(end.study, options.out, style_of_stdout()).c_str(), stdout);
  return end.study.failures.empty() ? ExitCode::ok : ExitCode::runs_failed;
}

}  // namespace yonder
