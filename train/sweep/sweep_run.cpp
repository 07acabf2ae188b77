#include "train/sweep/sweep_run.h"

#include <fmt/core.h>
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>

#include "core/error.h"
#include "core/io/files.h"
#include "core/io/json.h"
#include "train/config/keys.h"
#include "train/evaluation/extrapolation.h"
#include "train/sweep/flop_count.h"
#include "train/sweep/progress_board.h"
#include "train/system/signals.h"
#include "train/training/checkpoint_dir.h"
#include "train/training/event_file.h"
#include "train/training/finetune.h"
#include "train/training/session.h"

namespace yonder {
namespace {
namespace fs = std::filesystem;

constexpr int stretches = 64;   // of a curve over positions or steps
constexpr int map_blocks = 16;  // of attention maps, for first seeds at the longest length

// Reports the fraction of a cell's work that is done, with its pieces weighted by their cost.
class ProgressMeter {
 public:
  ProgressMeter(double all, const ProgressCallback& say) : all_(all), say_(say) {}
  /// `done` of the current piece is done; `step` is given in training.
  void at(double done, const Metrics* step = nullptr) const {
    say_(ProgressBoard::said((behind_ + done) / all_, step));
  }
  void ended(double piece) { behind_ += piece; }

 private:
  double all_, behind_ = 0;
  const ProgressCallback& say_;
};

bool is_plain(unsigned char c) {
  return std::isalnum(c) || c == '-' || c == '_' || c == '.' || c == '+';
}

double sum_of(const std::vector<double>& x) { return std::accumulate(x.begin(), x.end(), 0.0); }

std::vector<double> losses_in(const std::string& metrics_path) {
  std::vector<double> losses;
  for (const std::string& line : split(read_file(metrics_path), '\n'))
    if (!line.empty()) losses.push_back(parse_json(line, metrics_path).at("loss"));
  return losses;
}

double training_of(const FlopCount& flops, const RunConfig& run) {
  return flops.training(run.train_length, run.batch, run.steps);
}

// The configuration that a cell trains.
RunConfig run_of(const SweepConfig& config, const Variant& variant, const std::string& encoding,
                 double lr, int seed) {
  RunConfig run = variant.base;
  const Row trained{encoding, {}};
  run.encoding = trained.name();
  run.lr = lr;
  run.seed = seed;
  run.threads = 0;  // the cells share the sweep's threads
  run.last_checkpoints = config.checkpoints;
  if (config.curve_points > 0) run.checkpoint_every = std::max(1, run.steps / config.curve_points);
  const auto training = trained.training();
  for (const auto& [key, value] : training)
    if (key.owner == "encoding") set_key(run, key, value);
  std::erase_if(run.options, [&](const Override& o) {
    return o.key.owner != run.task && !has_component(run, o.key.owner);
  });
  for (const Override& o : training)
    if (o.key.owner != "encoding") run.options.push_back(o);
  return run;
}

Training train_cell(const Experiment& experiment, const Cell& cell, const std::string& folder,
                    const FlopCount& flops, ProgressMeter& pace) {
  const double work = training_of(flops, cell.run);
  const TrainResult r = train(
      cell.run, folder, Existing::resume,
      [&](const Metrics& m) { pace.at(work * m.step / m.steps, &m); }, {}, experiment.inputs);
  pace.ended(work);
  Training training = training_of(experiment, cell);
  training.seconds = r.seconds;
  training.tokens_per_second = r.tokens_per_second;
  training.parameters = r.parameters;
  training.position_parameters = r.position_parameters;
  training.depth = r.depth;
  training.loss = downsample(losses_in(folder + "/metrics.jsonl"));
  return training;
}

// A checkpoint to evaluate, and the list for its scores.
struct Tested {
  int step;
  std::vector<EvalScore> Results::*scores;
};

// The last checkpoint, and the earlier ones that are evaluated too.
std::vector<Tested> tested(const SweepConfig& config, const Cell& cell, const Row& row) {
  const RunConfig& run = cell.run;
  std::vector<Tested> all{{run.steps, &Results::scores}};
  if (!row.extension.empty()) return all;
  const std::vector<int> late = late_steps(run);
  for (int step = 1; step < run.steps; ++step) {
    if (has(late, step)) all.push_back({step, &Results::late_checkpoints});
    else if (config.curve_points > 0 && step % run.checkpoint_every == 0)
      all.push_back({step, &Results::learning_curve});
  }
  return all;
}

// Accuracy by lag in bins of powers of two, 2^k ≤ lag < 2^(k+1).
void add_lags(Results& panel, const Row& row, int seed, const EvalRow& e) {
  std::map<int, std::pair<int, int>> by_power;  // correct, all
  for (const auto& [lag, share] : e.lags) {
    int from = 1;
    while (2 * from <= lag) from *= 2;
    by_power[from].first += share.right, by_power[from].second += share.count;
  }
  for (const auto& [from, share] : by_power)
    panel.lags.push_back({.row = row,
                          .seed = seed,
                          .length = e.length,
                          .from = from,
                          .to = 2 * from,
                          .token_accuracy = double(share.first) / share.second,
                          .count = share.second});
}

// Sets a run's length and steps to those of a row's fine-tuning.
void apply_finetune(RunConfig& run, const RunConfig& base, const Row& row) {
  run.train_length = row.finetune().length;
  run.steps = row.finetune().steps;
  run.batch =
      std::max(1, base.batch * base.train_length / run.train_length);  // the same tokens per step
}

// Fine-tunes a cell's model with a row's settings. Returns the checkpoint.
std::string tuned(const Experiment& experiment, const Cell& cell, const Row& row,
                  const std::string& folder) {
  const std::string place = folder + "/finetuned/" + folder_name(row.extension_text());
  RunConfig base = cell.variant->base,
            run = config_from(Checkpoints(folder, {}).model(base.steps), {}, experiment.inputs);
  const auto copy = [](const Options& from, const Options& to) {
    for (std::size_t i = 0; i < from.size(); ++i) assign(to[i], "", value_of(from[i]));
  };
  copy(base.training_fields(), run.training_fields());
  copy(base.checkpoint_fields(), run.checkpoint_fields());
  run.options = row.of_test();
  apply_finetune(run, base, row);
  run.warmup = std::min(base.warmup, run.steps / 10);
  run.lr = cell.lr;
  run.seed = cell.seed;
  run.checkpoint_every = 0, run.last_checkpoints = 1;
  return train(run, place, Existing::resume, {}, {}, experiment.inputs).checkpoint;
}

double tuning_of(const FlopCount& flops, const Cell& cell, const Row& row) {
  if (row.finetune().steps == 0) return 0;
  RunConfig run = cell.variant->base;
  apply_finetune(run, cell.variant->base, row);
  return training_of(flops, run);
}

Protocol protocol_of(const Results& panel) {
  return panel.text ? protocol_named(panel.protocol) : Protocol::fixed_targets;
}

// Multiply-adds to evaluate one checkpoint in a panel, at each length.
std::vector<double> tests_of(const FlopCount& flops, const SweepConfig& config,
                             const Results& panel) {
  std::vector<double> all;
  for (int length : panel.lengths)
    all.push_back(flops.test({.length = length,
                              .longest = panel.lengths.back(),
                              .least = least_of_bin(length, panel.bins),
                              .count = config.examples,
                              .protocol = protocol_of(panel)}));
  return all;
}

// Evaluates one row of a cell in one panel. `progress` gets the index of the checkpoint and of the
// length, and the fraction of it that is done.
void test(const Experiment& experiment, const Cell& cell, const Row& row, const Overrides& of_test,
          const std::string& folder, Results& panel,
          const std::function<void(std::ptrdiff_t, int, double)>& progress) {
  const SweepConfig& config = experiment.config;
  const std::vector<int> lengths = lengths_of(experiment.plan, *cell.variant);
  EvalSettings settings{.lengths = lengths,
                        .bins = config.bins,
                        .examples = config.examples,
                        .protocol = protocol_of(panel),
                        .details_from = lengths.back()};
  const std::vector<Tested> all = tested(config, cell, row);
  for (const Tested& t : all) {
    const bool last = t.scores == &Results::scores;
    settings.attention = config.attention && last;
    const bool first = cell.seed == cell.variant->base.seed;
    settings.map_blocks = settings.attention && first ? map_blocks : 0;
    settings.by_position = last ? scored_by_position : 0;
    Trained model = row.finetune().steps > 0
                        ? load(tuned(experiment, cell, row, folder), of_test, experiment.inputs)
                        : load(Checkpoints(folder, {}).model(t.step),
                               concatenated(row.extension, of_test), experiment.inputs);
    const auto rows = evaluate(model, settings, [&](int i, double part) {
      // Nothing is lost: the training is saved.
      if (const int signal = Interruptible::signal())
        throw Interrupted(signal, "ended by a signal while it was tested");
      progress(&t - &all[0], i, part);
    });
    for (const EvalRow& e : rows) {
      EvalScore score = score_of(row, model, panel.protocol, e);
      score.seed = cell.seed;
      if (last) add_lags(panel, row, cell.seed, e);
      else score.step = t.step;
      add_attention(panel, row, cell.seed, e);
      (panel.*t.scores).push_back(std::move(score));
    }
    if (last && !rows.back().position_loss.empty())
      panel.curves.push_back({row, cell.seed, downsample(rows.back().position_loss)});
  }
}

// Writes a cell's evaluation losses for TensorBoard, beside those of its training.
void write_events(const CellResult& result, const std::string& folder) {
  EventFile events(folder);
  Scalars losses;
  for (const Results& panel : result.panels)
    for (const EvalScore& s : panel.scores) {
      const std::string extension = s.row.extension_text();
      if (std::isfinite(s.loss))
        losses.emplace_back(fmt::format("test/{}{}/{}/loss", panel.task,
                                        extension.empty() ? "" : "/" + extension, s.length),
                            s.loss);
    }
  events.add(result.training.steps, losses);
  events.flush();
}

}  // namespace

Overrides shared_settings(const Experiment& experiment, const RunConfig& run) {
  const std::vector<std::string> elsewhere{"model.encoding", "data.task", "data.train_length",
                                           "train.steps",    "train.lr",  "train.seed"};
  Overrides all;
  for (const OptionView& o : run.fields())
    if (o.affects_result && !o.name.starts_with("encoding.") && !has(elsewhere, o.name))
      all.push_back({o.name, o.value});
  const auto task = prepare_task(run, experiment.inputs);
  for (const Option& o : task->options())
    if (o.name != "path") all.push_back({{run.task, {}, o.name}, value_of(o)});
  return all;
}

std::vector<double> downsample(const std::vector<double>& values) {
  const std::size_t parts = std::min<std::size_t>(stretches, values.size());
  std::vector<double> means;
  for (std::size_t p = 0; p < parts; ++p) {
    double sum = 0;
    int counted = 0;
    for (std::size_t i = p * values.size() / parts; i < (p + 1) * values.size() / parts; ++i)
      if (!std::isnan(values[i])) sum += values[i], ++counted;
    means.push_back(counted ? sum / counted : unknown);
  }
  return means;
}

Cell::Cell(const Experiment& experiment, const Variant& of, std::string name, double rate,
           int of_seed)
    : variant(&of),
      encoding(std::move(name)),
      lr(rate),
      seed(of_seed),
      run(run_of(experiment.config, of, encoding, rate, of_seed)) {}

std::string folder_name(const std::string& text) {
  constexpr std::size_t most = 76;  // of 100 bytes, the rest for a checksum and a seed
  std::string name = text.substr(0, most);
  for (char& c : name)
    if (!is_plain(c)) c = '_';
  return name == text ? name : name + "-" + checksum(text).substr(0, 8);
}

bool is_folder_name(const std::string& text) {
  return text.size() <= 100 && std::ranges::all_of(text, is_plain);
}

std::string name_of(const Experiment& experiment, const Cell& cell) {
  std::string name = cell.encoding + "-" + cell.variant->base.task + cell.variant->slug;
  if (!experiment.plan.rates.empty()) name += "-lr" + text_of(Value(cell.lr));
  return folder_name(name) + "-s" + std::to_string(cell.seed);
}

bool has_component(const RunConfig& run, const std::string& part) {
  for (const std::string& encoding : run.encodings())
    if (parse_encoding(encoding).has(part)) return true;
  return false;
}

Training training_of(const Experiment& experiment, const Cell& cell) {
  return {.cell = name_of(experiment, cell),
          .encoding = cell.encoding,
          .task = cell.variant->base.task,
          .variant = cell.variant->text,
          .seed = cell.seed,
          .steps = cell.run.steps,
          .lr = cell.lr,
          .settings = shared_settings(experiment, cell.run)};
}

int tested_checkpoints(const Experiment& experiment, const Cell& cell, const Row& row) {
  return int(tested(experiment.config, cell, row).size());
}

std::string try_cell(const Experiment& experiment, const Cell& cell, const std::string& folder,
                     const ProgressCallback& say) {
  for (const char* name : {"trial.json", "FAILED"}) remove_all(folder + "/" + name);
  const RunConfig& run = cell.run;
  const FlopCount flops(run, experiment.inputs);
  const double validation = flops.test({.length = run.train_length, .split = Split::validation});
  ProgressMeter pace(training_of(flops, run) + validation, say);
  Training training = train_cell(experiment, cell, folder, flops, pace);
  Trained model = load(Checkpoints(folder, {}).model(training.steps), {}, experiment.inputs);
  training.validation = evaluate(model, {.lengths = {run.train_length}, .split = Split::validation},
                                 [&](int, double part) { pace.at(validation * part); })[0]
                            .loss;
  training.trial = true;
  const std::string text = to_json(CellResult{training, {}});
  write_file(folder + "/trial.json", text);
  return text;
}

std::string run_cell(const Experiment& experiment, const Cell& cell, const std::string& folder,
                     const ProgressCallback& say) {
  const auto& [config, plan, inputs] = experiment;
  for (const char* name : {"scores.json", "DONE", "FAILED"}) remove_all(folder + "/" + name);
  const FlopCount flops(cell.run, inputs);
  CellResult result{.panels = panels_of(experiment, *cell.variant)};
  std::vector<Row> rows;
  for (const Row& row : plan.rows)
    if (row.encoding == cell.encoding) rows.push_back(row);
  double work = training_of(flops, cell.run);
  for (const Row& row : rows) {
    work += tuning_of(flops, cell, row);
    for (const Results& panel : result.panels)
      work += tested_checkpoints(experiment, cell, row) * sum_of(tests_of(flops, config, panel));
  }
  ProgressMeter pace(work, say);
  result.training = train_cell(experiment, cell, folder, flops, pace);
  if (const std::string trial = folder + "/trial.json"; fs::exists(trial))
    result.training.validation = cell_from_json(read_file(trial), trial).training.validation;
  for (Results& panel : result.panels) {
    const auto t = std::ranges::find(config.tests, panel.test);
    const std::vector<double> tests = tests_of(flops, config, panel);
    for (const Row& row : rows) {
      if (&panel == &result.panels.front()) pace.ended(tuning_of(flops, cell, row));
      test(experiment, cell, row, plan.tests[std::size_t(t - config.tests.begin())], folder, panel,
           [&](std::ptrdiff_t checkpoint, int length, double part) {
             const auto here = tests.begin() + length;
             pace.at(double(checkpoint) * sum_of(tests) +
                     std::accumulate(tests.begin(), here, 0.0) + part * *here);
           });
      pace.ended(tested_checkpoints(experiment, cell, row) * sum_of(tests));
    }
  }
  if (cell.run.tensorboard) write_events(result, folder);
  const std::string text = to_json(result);
  write_file(folder + "/scores.json", text);
  write_file(folder + "/DONE", "");
  return text;
}

}  // namespace yonder
