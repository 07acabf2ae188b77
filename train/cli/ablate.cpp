#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <set>

#include "core/error.h"
#include "core/io/files.h"
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
  double scale = 1;
  bool force = false, resume = false, dry = false, json = false, quiet = false;
  SlurmJob slurm;
  bool as_job = false, submit = false;
};

void declare(Flags& flags, SweepOptions& options) {
  SweepConfig& sweep = options.sweep;
  RunConfig& base = sweep.base;
  flags.argument("CONFIG", options.what,
                 "a configuration file or a preset; see yonder list presets",
                 Flags::Presence::optional);
  flags.repeated("Sweep", "--config", "FILE", options.configs,
                 "a configuration file, read over CONFIG and those before it; flags go over all");
  flags.add("Sweep", {Option{"task", &base.task, "what is learned; see yonder list tasks"}});
  flags.names(
      "Sweep", "--encodings", "LIST", sweep.encodings,
      "rows of the table, commas between; all: every encoding, everything: with its extensions "
      "too; "
      "options behind colons, as in "
      "rope:rope.scaling=yarn:rope.factor=4: those of the test share the training of their "
      "encoding, others (deberta:deberta.decoder=0) make it another; rope@0-2;none@3 is one "
      "row, of two encodings in layers that count from 0; a comma between them does too");
  flags.add("Sweep", base.change_fields());
  flags.add("Sweep", {Option{"length", &base.length,
                             "longest length of training, in items; of text, in bytes"}
                          .within(1, 1 << 24)});
  flags.numbers("Sweep", "--lengths", sweep.lengths,
                "lengths of the tests [1, 2, 4 and 8 times --length]");
  flags.repeated("Sweep", "--set", "KEY=V,V", options.sets,
                 "values of any option, as model.width=64,128: several make a panel each, of an "
                 "encoding's option a row each; of several train.lr each encoding takes the one "
                 "with the least loss on validation data");
  flags.names("Sweep", "--tests", "LIST", sweep.tests,
              "options of the task while testing, as tiled.tile=1,tiled.tile=2: a panel each");
  flags.names("Sweep", "--protocols", "LIST", sweep.protocols,
              "how a text is cut into windows, a panel each: same-targets, non-overlapping, "
              "sliding [same-targets]");
  flags.add("Sweep", sweep.fields());
  flags.on("Sweep", "--windowed", sweep.windowed,
           "also test each encoding seeing only the last --length tokens: the baseline to beat");
  flags.add("Sweep", {Option{"scale", &options.scale,
                             "times as many steps of training and sequences of "
                             "each test as CONFIG says"}
                          .within(0.001, 1000)});
  flags.text("Sweep", "--out", "DIR", options.out,
             "folder of the results [runs/ and CONFIG's name]");
  flags.on("Sweep", "--resume", options.resume, "go on with DIR: finished cells are kept");
  flags.on("Sweep", "--force", options.force, "replace the run in DIR");
  flags.on("Sweep", "--dry-run", options.dry,
           "print the configuration, the cells, their parameters, time and memory; train nothing");
  flags.numbers("Sweep", "--ranks", options.ranks,
                "with --dry-run: the time on so many ranks of mpirun, as 1,8,64,512");
  flags.on("Slurm", "--slurm", options.as_job,
           "write DIR/job.sh, a job that runs the sweep through srun, saves before its time is up "
           "and queues again until it is done; train nothing here");
  flags.on("Slurm", "--submit", options.submit, "have sbatch take it");
  flags.add("Slurm", options.slurm.fields());
  flags.on("Output", "--json", options.json, "print results.json instead of tables");
  flags.on("Output", "--quiet", options.quiet, "no progress");
  flags.add("Model", base.model_fields());
  flags.on("Model", "--tied", base.tied, "the logits share the embedding's matrix");
  flags.on("Model", "--bidirectional", base.bidirectional, "models of masked tokens");
  flags.add("Training", base.training_fields());
  flags.tasks(base.options, Flags::When::training);
  flags.encodings(base.options, Flags::When::training);
}

// False if help was asked for. `options` is what the flags change.
bool read(const Arguments& arguments, SweepOptions& options) {
  Flags flags("ablate", "trains encodings short, tests them long, and compares",
              {"yonder ablate quick",
               "yonder ablate --task copy --encodings rope,alibi,t5 --length 20 --lengths 20,40,80 "
               "--width 64 --layers 2 --batch 64 --steps 1500 --lr 2e-3 --out runs/copy",
               "yonder ablate --task text --text /usr/share/common-licenses --encodings "
               "rope,rope:rope.scaling=yarn,kerple --length 64 --lengths 64,128,512 --width 64 "
               "--layers 2 --steps 300 --lr 3e-3 --out runs/text",
               "yonder ablate su-ntk --set train.lr=1e-3,3e-3 --seeds 5 --dry-run"});
  declare(flags, options);
  return flags.parse(arguments);
}

// A file if there is one of that name, else a preset.
void read_config(const std::string& what, SweepConfig& sweep) {
  std::error_code error;
  if (fs::is_regular_file(what, error) || what.ends_with(".toml"))
    return apply_config(read_file(what), what, sweep);
  apply_config(preset(what).toml, "preset " + what, sweep);
}

// --set: one value is a setting, several are an axis.
void apply_set(const std::string& text, SweepConfig& sweep) {
  const auto [option, list] = parse_assignment(text, "--set", "train.lr=1e-3,3e-3");
  const OptionKey key = known(option);
  std::erase_if(sweep.axes, [&key](const Axis& a) { return a.key == key; });
  const auto texts = entries_of(list);
  std::vector<Value> values;
  for (const std::string& v : texts) {
    if (v.empty()) throw UsageError("--set: '" + text + "' has an empty value between its commas");
    values.push_back(parse_value(v));
  }
  if (key == "model.encoding") sweep.encodings = texts;
  else if (values.size() == 1) set_key(sweep.base, key, values[0]);
  else sweep.axes.push_back({key, values});
}

// Of an option given twice the later value holds.
void keep_last(Overrides& options) {
  Overrides kept;
  for (const Override& o : options) {
    std::erase_if(kept, [&o](const Override& k) { return k.key == o.key; });
    kept.push_back(o);
  }
  options = std::move(kept);
}

// n times `factor`, at least 1 and at most what the field may be.
int scaled(const std::string& what, int n, double factor, int most) {
  const double product = std::round(n * factor);
  if (product > most)
    throw UsageError("--scale: " + std::to_string(n) + " " + what + " would become more than " +
                     std::to_string(most) + "; scale by less");
  return std::max(1, int(product));
}

// Steps, warm-up and examples of a test; 0 stays what it means.
void scale(SweepConfig& sweep, double factor) {
  RunConfig& base = sweep.base;
  base.steps = scaled("steps", base.steps, factor, 100'000'000);
  if (base.warmup > 0) base.warmup = scaled("steps of warm-up", base.warmup, factor, 100'000'000);
  if (sweep.examples > 0) sweep.examples = scaled("examples", sweep.examples, factor, 1 << 24);
}

void complete(SweepOptions& options) {
  SweepConfig& sweep = options.sweep;
  if (options.force && options.resume)
    throw UsageError("ablate: --force replaces a run and --resume continues it; give one of them");
  if (options.submit && !options.as_job)
    throw UsageError("ablate: --submit is of --slurm; give both, or neither");
  if (!options.ranks.empty() && !options.dry)
    throw UsageError("ablate: --ranks is of --dry-run; mpirun -n says how many work");
  for (const std::string& text : options.sets) apply_set(text, sweep);
  keep_last(sweep.base.options);
  std::string name = options.what;
  if (name.empty()) name = options.configs.empty() ? sweep.base.task : options.configs.back();
  sweep.name = fs::path(name).stem().string();
  if (options.out.empty()) options.out = "runs/" + sweep.name;
  scale(sweep, options.scale);
}

// The command as it would be given again, --resume, --force and --quiet left away.
std::string command_of(const Arguments& arguments) {
  std::string text = "yonder ablate";
  for (const std::string& a : arguments)
    if (a != "--resume" && a != "--force" && a != "--quiet") text += " " + shell_word(a);
  return text;
}

// False if help was asked for.
bool understood(const Arguments& arguments, SweepOptions& options) {
  SweepOptions first;
  if (!read(arguments, first)) return false;
  if (!first.what.empty()) read_config(first.what, options.sweep);
  for (const std::string& file : first.configs) apply_config(read_file(file), file, options.sweep);
  read(arguments, options);
  complete(options);
  return true;
}

// What all ranks have to agree about.
std::string agreed(const Experiment& experiment) {
  std::string text = to_toml(experiment.config);
  for (const Variant& v : experiment.plan.variants)
    text += fingerprint(v.base, experiment.inputs.texts());
  return text;
}

// The command that a job runs: this one, without what only concerns the job.
std::string command_of_job(const Arguments& arguments, const std::string& folder) {
  std::string text = shell_word(fs::read_symlink("/proc/self/exe").string()) + " ablate";
  std::set<std::string> with_value{"--out"};
  for (const Option& o : SlurmJob{}.fields()) with_value.insert("--" + o.name);
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string flag = arguments[i].substr(0, arguments[i].find('='));
    if (flag == "--slurm" || flag == "--submit" || flag == "--resume" || flag == "--force")
      continue;
    if (!with_value.count(flag)) text += " " + shell_word(arguments[i]);
    else if (flag == arguments[i]) ++i;  // its value stands by itself
  }
  return text + " --out " + shell_word(folder) + " --resume";
}

// Writes the job, after all that the sweep would refuse, and submits it if asked for.
void write_job(const Arguments& arguments, SweepOptions& options) {
  require_possible(Experiment(options.sweep));
  if (options.force)
    throw UsageError(
        "ablate: --force has no place in a job that goes on with what is there; remove " +
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

int ablate_verb(const Arguments& arguments) {
  SweepOptions options;
  bool go_on = false;
  ranks::together([&] { go_on = understood(arguments, options); });
  if (!go_on) return fine;
  if (options.dry) {
    if (ranks::rank() == 0)
      std::fputs(forecast(Experiment(options.sweep), options.ranks).c_str(), stdout);
    return fine;
  }
  if (options.as_job) return write_job(arguments, options), fine;
  std::optional<Experiment> experiment;
  ranks::together([&] { experiment.emplace(options.sweep); });
  if (ranks::count() > 1) {
    std::string text;
    ranks::together([&] { text = agreed(*experiment); });
    ranks::require_same("ablate: the configuration", text);
  }

  Progress progress(options.quiet ? Progress::Voice::quiet : Progress::Voice::normal);
  const Start start = options.force ? Start::over : options.resume ? Start::resumed : Start::fresh;
  const SweepEnd end = sweep(*experiment, options.out, start, command_of(arguments), progress);
  if (ranks::rank() > 0) return end.signal ? exit_code(end.signal) : fine;
  if (end.signal) {
    std::fprintf(stderr,
                 "ablate: stopped; finished cells are kept, the same command with --resume goes "
                 "on\n");
    return exit_code(end.signal);
  }
  const Written page = write_report(end.study, options.out);
  if (!page.problem.empty()) std::fprintf(stderr, "%s\n", page.problem.c_str());
  if (options.json) std::fputs(to_json(end.study).c_str(), stdout);
  else std::fputs(report(end.study, options.out, look_of_stdout()).c_str(), stdout);
  return end.study.failures.empty() ? fine : cells_failed;
}

}  // namespace yonder
