#include "train/sweep.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <memory>
#include <set>

#include "core/error.h"
#include "core/files.h"
#include "core/parallel.h"
#include "train/cell.h"
#include "train/config_file.h"
#include "train/config_json.h"
#include "train/processes.h"
#include "train/sweep_board.h"

namespace yonder {
namespace {
namespace fs = std::filesystem;

/// Whether cells are only tried at a learning rate, or tested.
enum class Work { trial, whole };

class Sweep {
 public:
  Sweep(const SweepConfig& config, std::string folder, Progress& progress)
      : config_(config),
        plan_(plan_of(config)),
        folder_(std::move(folder)),
        progress_(progress),
        threads_(config.base.threads ? config.base.threads : yonder::threads()) {
    set_threads(1);  // OpenMP's threads do not survive the forks of run()
    for (const Variant& v : plan_.variants) check(config_, plan_, v);
  }

  void open(Start start);
  /// Trains and tests. Returns the signal that ended it, or 0.
  int run();
  Study study() const;

 private:
  const SweepConfig& config_;
  const Plan plan_;
  const std::string folder_;
  Progress& progress_;
  const int threads_;
  std::vector<Cell> trials_, cells_;
  std::vector<Failure> failures_;
  std::unique_ptr<FolderLock> lock_;

  std::string place(const Cell& cell) const { return folder_ + "/cells/" + name_of(plan_, cell); }
  std::vector<std::string> encodings() const;
  std::vector<Cell> trials() const;
  double chosen_rate(const Variant&, const std::string& encoding) const;
  std::vector<Cell> cells() const;
  int run(const std::vector<Cell>& all, Work);
};

// Makes the folder ready: empty of other sweeps, or the same sweep to go on with.
void Sweep::open(Start start) {
  const std::string path = folder_ + "/config.toml", text = to_toml(config_);
  if (fs::exists(path) && start == Start::fresh)
    throw UsageError(folder_ +
                     ": there is a run already; choose another --out, continue it with "
                     "--resume, or replace it with --force");
  if (start == Start::resumed && fs::exists(path) && read_file(path) != text)
    throw UsageError(folder_ + ": the sweep in it was started with other settings, see " + path +
                     "; give the same ones, or replace it with --force");
  make_folders(folder_);
  lock_ = std::make_unique<FolderLock>(folder_);
  if (start == Start::over)
    for (const char* name : {"cells", "plots", "report.html", "results.csv", "results.json",
                             "config.toml", "environment.json"})
      remove_all(folder_ + "/" + name);
  make_folders(folder_ + "/cells");
  auto machine = machine_json();
  machine["threads"] = threads_;
  write_file(folder_ + "/environment.json", machine.dump(2) + "\n");
  write_file(path, text);
}

// Each encoding with its options of training once, in the order of the rows.
std::vector<std::string> Sweep::encodings() const {
  std::vector<std::string> all;
  for (const Row& row : plan_.rows)
    if (std::find(all.begin(), all.end(), row.encoding) == all.end()) all.push_back(row.encoding);
  return all;
}

std::vector<Cell> Sweep::trials() const {
  std::vector<Cell> all;
  for (const Variant& v : plan_.variants)
    for (const std::string& encoding : encodings())
      for (double lr : plan_.rates) all.push_back({&v, encoding, lr, v.base.seed});
  return all;
}

// The rate of the least validation loss; NaN if every trial failed.
double Sweep::chosen_rate(const Variant& variant, const std::string& encoding) const {
  if (plan_.rates.empty()) return variant.base.lr;
  double best = INFINITY, chosen = NAN;
  for (const Cell& trial : trials_) {
    const std::string path = place(trial) + "/trial.json";
    if (trial.variant != &variant || trial.encoding != encoding || !fs::exists(path)) continue;
    const double loss = cell_from_json(read_file(path), path).training.validation;
    if (loss < best) best = loss, chosen = trial.lr;
  }
  return chosen;
}

// Cells of the first seed come first, so that an early end leaves every encoding.
std::vector<Cell> Sweep::cells() const {
  std::vector<Cell> all;
  for (int s = 0; s < config_.seeds; ++s)
    for (const Variant& v : plan_.variants)
      for (const std::string& encoding : encodings())
        if (const double lr = chosen_rate(v, encoding); !std::isnan(lr))
          all.push_back({&v, encoding, lr, v.base.seed + s});
  return all;
}

int Sweep::run() {
  if (!plan_.rates.empty()) {
    trials_ = trials();
    progress_.settle("choosing among " + std::to_string(plan_.rates.size()) +
                     " learning rates by validation loss, one model each");
    if (const int signal = run(trials_, Work::trial)) return signal;
  }
  cells_ = cells();
  return run(cells_, Work::whole);
}

// Runs the cells that are not done, several side by side.
int Sweep::run(const std::vector<Cell>& all, Work work) {
  const std::string mark = work == Work::trial ? "/trial.json" : "/DONE";
  std::vector<Cell> open;
  std::vector<std::string> names;
  for (const Cell& c : all)
    if (!fs::exists(place(c) + mark)) open.push_back(c), names.push_back(name_of(plan_, c));
  const int count = int(open.size()), at_once = std::max(1, std::min(threads_, count));
  const int threads_each = std::max(1, threads_ / at_once);
  Board board(names, int(all.size()), progress_);
  const auto ended = [&](int i, const std::string& reason) {
    const std::string at = place(open[std::size_t(i)]);
    if (reason.empty()) {
      const std::string path = at + (work == Work::trial ? "/trial.json" : "/scores.json");
      return board.done(i, cell_from_json(read_file(path), path));
    }
    make_folders(at);
    write_file(at + "/FAILED", reason + "\n");
    failures_.push_back({names[std::size_t(i)], reason});
    board.failed(i, reason);
  };
  const auto in_process = [&](int i, const Say& say) {
    set_threads(threads_each);
    const Cell& cell = open[std::size_t(i)];
    if (work == Work::trial) try_cell(config_, plan_, cell, place(cell), say);
    else run_cell(config_, plan_, cell, place(cell), say);
  };
  const int signal =
      yonder::run({.count = count,
                   .at_once = at_once,
                   .work = in_process,
                   .started = [&](int i) { board.started(i); },
                   .heard = [&](int i, const std::string& said) { board.heard(i, said); },
                   .ended = ended,
                   .tick = [&] { board.show(); }});
  progress_.clear();
  return signal;
}

bool same_panel(const Results& a, const Results& b) {
  return a.task == b.task && a.trained == b.trained && a.variant == b.variant && a.test == b.test &&
         a.protocol == b.protocol;
}

template <class T>
void add_of_row(std::vector<T>& to, const std::vector<T>& from, const Row& row) {
  for (const T& one : from)
    if (one.row == row) to.push_back(one);
}

// Scores by panel, row, seed and length, whatever the order in which cells ended.
Study Sweep::study() const {
  Study study{.name = config_.name,
              .title = config_.title,
              .source = config_.source,
              .failures = failures_,
              .claims = config_.claims};
  std::vector<CellResult> results;
  for (const Cell& c : cells_)
    if (const std::string path = place(c) + "/scores.json"; fs::exists(place(c) + "/DONE"))
      results.push_back(cell_from_json(read_file(path), path));
  for (const Variant& v : plan_.variants)
    for (Results& panel : panels_of(config_, plan_, v)) {
      for (const Row& row : plan_.rows)
        for (const CellResult& cell : results)
          for (const Results& part : cell.panels) {
            if (!same_panel(part, panel)) continue;
            add_of_row(panel.scores, part.scores, row);
            add_of_row(panel.earlier, part.earlier, row);
            add_of_row(panel.curves, part.curves, row);
            add_of_row(panel.lags, part.lags, row);
          }
      study.panels.push_back(std::move(panel));
    }
  std::set<std::string> tested;
  for (CellResult& cell : results) {
    tested.insert(cell.training.cell);
    study.trainings.push_back(std::move(cell.training));
  }
  for (const Cell& trial : trials_)
    if (const std::string path = place(trial) + "/trial.json";
        fs::exists(path) && !tested.count(name_of(plan_, trial)))
      study.trainings.push_back(cell_from_json(read_file(path), path).training);
  return study;
}

}  // namespace

SweepEnd sweep(const SweepConfig& config, const std::string& folder, Start start,
               const std::string& command, Progress& progress) {
  Sweep work(config, folder, progress);
  work.open(start);
  SweepEnd end{.signal = work.run()};
  if (end.signal) return end;
  end.study = work.study();
  end.study.command = command;
  write_file(folder + "/results.csv", to_csv(end.study));
  write_file(folder + "/results.json", to_json(end.study));
  return end;
}

Study read_study(const std::string& folder) {
  const std::string path = folder + "/results.json";
  return study_from_json(read_file(path), path);
}

}  // namespace yonder
