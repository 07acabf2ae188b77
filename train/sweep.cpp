#include "train/sweep.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <set>

#include "core/error.h"
#include "core/files.h"
#include "core/parallel.h"
#include "models/checkpoint.h"
#include "train/config_json.h"
#include "train/extensions.h"
#include "train/processes.h"
#include "train/sweep_board.h"

namespace yonder {
namespace {

namespace fs = std::filesystem;

struct Cell {
  std::string encoding;
  int seed;
};

bool has_part(const std::string& encoding, const std::string& part) {
  return ("+" + encoding + "+").find("+" + part + "+") != std::string::npos;
}

std::string owner(const Setting& s) { return s.option.substr(0, s.option.find('.')); }

// Cells of the first seed come first, so that an early end leaves every encoding.
std::vector<Cell> cells_of(const SweepConfig& config) {
  std::vector<Cell> cells;
  std::set<std::pair<int, std::string>> seen;
  for (int seed = config.base.seed; seed < config.base.seed + config.seeds; ++seed)
    for (const Row& row : config.rows)
      if (seen.emplace(seed, row.encoding).second) cells.push_back({row.encoding, seed});
  return cells;
}

std::string name_of(const SweepConfig& config, const Cell& cell) {
  return cell.encoding + "-" + config.base.task + "-s" + std::to_string(cell.seed);
}

std::string place_of(const SweepConfig& config, const std::string& folder, const Cell& cell) {
  return folder + "/cells/" + name_of(config, cell);
}

CellResult read_cell(const std::string& place) {
  const std::string path = place + "/scores.json";
  return cell_from_json(read_file(path), path);
}

RunConfig run_of(const SweepConfig& config, const Cell& cell) {
  RunConfig run = config.base;
  const Row trained{cell.encoding, {}};
  run.encoding = trained.name();
  run.seed = cell.seed;
  std::erase_if(run.options, [&](const Setting& s) {
    return owner(s) != run.task && !has_part(run.encoding, owner(s));
  });
  for (const Setting& s : trained.training()) run.options.push_back(s);
  return run;
}

std::vector<int> lengths_of(const SweepConfig& config) {
  std::set<int> lengths(config.lengths.begin(), config.lengths.end());
  lengths.insert(config.base.length);
  return {lengths.begin(), lengths.end()};
}

// Everything that a cell would refuse, asked before any is started.
void check(const SweepConfig& config, Results& results) {
  for (const Setting& s : config.base.options)
    if (owner(s) != config.base.task &&
        std::none_of(config.rows.begin(), config.rows.end(),
                     [&](const Row& row) { return has_part(row.name(), owner(s)); }))
      throw UsageError(s.option + ": neither the task nor an encoding of this sweep is " +
                       owner(s) + "; add it to --encodings or leave the option away");
  for (const Row& row : config.rows) {
    Trained model = prepare(run_of(config, {row.encoding, config.base.seed}));
    for (const Setting& s : row.extension) model.model->encoding().set_at_test(s.option, s.value);
    model.model->encoding().check();
    for (int length : results.lengths)
      model.task->sequences(
          {.length = length, .longest = results.lengths.back(), .count = config.examples});
    results.text = model.task->is_text();
    results.chance.clear();
    for (int length : results.lengths) results.chance.push_back(model.task->chance(length));
    results.letters = model.task->frequency_loss();
  }
}

std::string config_text(const SweepConfig& config) {
  nlohmann::ordered_json json{{"verb", "ablate"}, {"task", config.base.task}};
  for (const Row& row : config.rows)
    json["encodings"].push_back(row.encoding +
                                (row.extension.empty() ? "" : ":" + row.extension_text()));
  json["length"] = config.base.length;
  json["lengths"] = lengths_of(config);
  json["seeds"] = config.seeds;
  json["examples"] = config.examples;
  json["tied"] = config.base.tied;
  json["bidirectional"] = config.base.bidirectional;
  RunConfig base = config.base;
  for (const Options& fields : {base.model_fields(), base.training_fields()})
    for (const Option& o : fields)
      if (o.name != "threads") json[o.name] = json_of(o);
  json["options"] = nlohmann::ordered_json::object();
  for (const Setting& s : base.options) json["options"][s.option] = s.value;
  return json.dump(2) + "\n";
}

// Makes the folder ready: empty of other sweeps, or the same sweep to go on with.
void open_folder(const SweepConfig& config, const std::string& folder, Start start, int threads) {
  const std::string path = folder + "/config.json";
  if (fs::exists(path) && start == Start::fresh)
    throw UsageError(folder +
                     ": there is a run already; choose another --out, continue it with "
                     "--resume, or replace it with --force");
  if (start == Start::resumed && fs::exists(path) && read_file(path) != config_text(config))
    throw UsageError(folder + ": the sweep in it was started with other settings, see " + path +
                     "; give the same ones, or replace it with --force");
  if (start == Start::over)
    for (const char* name :
         {"cells", "plots", "results.csv", "results.json", "config.json", "environment.json"})
      remove_all(folder + "/" + name);
  make_folders(folder + "/cells");
  auto machine = machine_json();
  machine["threads"] = threads;
  write_file(folder + "/environment.json", machine.dump(2) + "\n");
  write_file(path, config_text(config));
}

// One cell, in a process of its own: training, then a test in each row that shares it. DONE is
// written last.
void run_cell(const SweepConfig& config, const Cell& cell, const std::string& folder,
              const Say& say) {
  for (const char* name : {"scores.json", "DONE", "FAILED"}) remove_all(folder + "/" + name);
  const TrainResult trained =
      train(run_of(config, cell), folder, Existing::replace,
            [&say](const Metrics& m) { say(Board::trained(double(m.step) / m.steps)); });
  CellResult result{.training = {.cell = name_of(config, cell),
                                 .encoding = cell.encoding,
                                 .task = config.base.task,
                                 .seed = cell.seed,
                                 .steps = trained.steps,
                                 .lr = config.base.lr,
                                 .seconds = trained.seconds,
                                 .tokens_per_second = trained.tokens_per_second,
                                 .parameters = trained.parameters,
                                 .position_parameters = trained.position_parameters},
                    .panels = {Results{.task = config.base.task}}};
  const std::vector<int> lengths = lengths_of(config);
  for (std::size_t r = 0; r < config.rows.size(); ++r) {
    if (config.rows[r].encoding != cell.encoding) continue;
    Trained model = load(trained.checkpoint, config.rows[r].extension);
    auto progress = [&](int i, double part) {
      say(Board::tested((double(r) + (i + part) / double(lengths.size())) /
                        double(config.rows.size())));
    };
    for (const EvalRow& e :
         evaluate(model, {.lengths = lengths, .examples = config.examples}, progress))
      result.panels[0].scores.push_back(score_of(config.rows[r], model, "same-targets", e));
  }
  write_file(folder + "/scores.json", to_json(result));
  write_file(folder + "/DONE", "");
}

// Runs the cells that are not done, several side by side. Returns the signal that ended it, or 0.
int run_cells(const SweepConfig& config, const std::string& folder, int threads,
              const std::vector<Cell>& all, Progress& progress, std::vector<Failure>& failures) {
  std::vector<Cell> open;
  std::vector<std::string> names, places;
  for (const Cell& c : all)
    if (const std::string at = place_of(config, folder, c); !fs::exists(at + "/DONE"))
      open.push_back(c), names.push_back(name_of(config, c)), places.push_back(at);
  SweepConfig work = config;
  const int count = int(open.size()), at_once = std::max(1, std::min(threads, count));
  work.base.threads = std::max(1, threads / at_once);
  Board board(names, int(all.size()), progress);
  const auto ended = [&](int i, const std::string& reason) {
    const std::string& at = places[std::size_t(i)];
    if (reason.empty()) return board.done(i, read_cell(at));
    make_folders(at);
    write_file(at + "/FAILED", reason + "\n");
    failures.push_back({names[std::size_t(i)], reason});
    board.failed(i, reason);
  };
  const int signal = run({.count = count,
                          .at_once = at_once,
                          .work =
                              [&](int i, const Say& say) {
                                set_threads(work.base.threads);
                                run_cell(work, open[std::size_t(i)], places[std::size_t(i)], say);
                              },
                          .started = [&](int i) { board.started(i); },
                          .heard = [&](int i, const std::string& said) { board.heard(i, said); },
                          .ended = ended,
                          .tick = [&] { board.show(); }});
  progress.clear();
  return signal;
}

// Scores by row, seed and length, whatever the order in which cells ended.
void collect(const SweepConfig& config, const std::string& folder, const std::vector<Cell>& all,
             Study& study) {
  Results& results = study.panels[0];
  std::vector<CellResult> cells;
  for (const Cell& c : all)
    if (const std::string at = place_of(config, folder, c); fs::exists(at + "/DONE"))
      cells.push_back(read_cell(at));
  for (const Row& row : results.rows)
    for (const CellResult& cell : cells)
      for (const Score& s : cell.panels[0].scores)
        if (s.row == row) results.scores.push_back(s);
  for (CellResult& cell : cells) study.trainings.push_back(std::move(cell.training));
}

}  // namespace

SweepEnd sweep(const SweepConfig& config, const std::string& folder, Start start,
               Progress& progress) {
  const int threads = config.base.threads ? config.base.threads : yonder::threads();
  set_threads(1);  // OpenMP's threads do not survive the forks of run_cells
  SweepEnd end;
  end.study = {.name = "ablate",
               .panels = {{.task = config.base.task,
                           .trained = config.base.length,
                           .lengths = lengths_of(config),
                           .seeds = config.seeds,
                           .rows = config.rows}}};
  check(config, end.study.panels[0]);
  open_folder(config, folder, start, threads);
  const std::vector<Cell> all = cells_of(config);
  end.signal = run_cells(config, folder, threads, all, progress, end.study.failures);
  if (end.signal) return end;
  collect(config, folder, all, end.study);
  write_file(folder + "/results.csv", to_csv(end.study));
  write_file(folder + "/results.json", to_json(end.study));
  return end;
}

Study read_study(const std::string& folder) {
  const std::string path = folder + "/results.json";
  return study_from_json(read_file(path), path);
}

}  // namespace yonder
