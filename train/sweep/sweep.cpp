#include "train/sweep/sweep.h"

#include <fmt/core.h>
#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>

#include "core/error.h"
#include "core/io/available_memory.h"
#include "core/io/files.h"
#include "core/parallel.h"
#include "train/sweep/dir_archive.h"
#include "train/sweep/flop_count.h"
#include "train/sweep/progress_board.h"
#include "train/sweep/remote_run.h"
#include "train/sweep/status_file.h"
#include "train/sweep/sweep_dir.h"
#include "train/sweep/sweep_run.h"
#include "train/system/exit_code.h"
#include "train/system/mpi.h"
#include "train/system/process_pool.h"

namespace yonder {
namespace {
namespace fs = std::filesystem;

const char* file_of(Work work) { return work == Work::trial ? "/trial.json" : "/scores.json"; }

bool same_panel(const Results& a, const Results& b) {
  return a.task == b.task && a.train_length == b.train_length && a.variant == b.variant &&
         a.test == b.test && a.protocol == b.protocol;
}

template <class T>
void add_of_row(std::vector<T>& to, const std::vector<T>& from, const Row& row) {
  for (const T& one : from)
    if (one.row == row) to.push_back(one);
}

class Sweep {
 public:
  Sweep(const Experiment& experiment, std::string folder, Progress& progress)
      : experiment_(experiment),
        config_(experiment.config),
        plan_(experiment.plan),
        folder_(std::move(folder)),
        progress_(progress),
        threads_(config_.base.threads ? config_.base.threads : yonder::threads()) {
    require_possible(experiment_);
  }

  void open(Start start) { lock_ = open_sweep_dir(experiment_, folder_, start, threads_); }
  /// Finds out which ranks see the folder, once it is open. Every rank calls it.
  void meet() { seen_ = who_sees(folder_); }
  /// Trains and evaluates all cells. Returns the signal that ended it, or 0.
  int run() {
    for (const std::string& why : plan_.left_out) progress_.print_line("left out: " + why);
    if (!plan_.rates.empty()) {
      trials_ = trials();
      progress_.print_line(
          fmt::format("choosing among {} learning rates by validation loss, one model each",
                      plan_.rates.size()));
      if (const int signal = run(trials_, Work::trial)) return signal;
    }
    cells_ = cells();
    return run(cells_, Work::whole);
  }
  /// The same on a rank other than 0.
  int help() { return run_remote_tasks(experiment_, folder_, seen_[std::size_t(ranks::rank())]); }

  // Scores ordered by panel, row, seed and length, in whatever order the cells ended.
  Study study() const {
    Study study{.name = config_.name,
                .title = config_.title,
                .source = config_.source,
                .failures = failures_,
                .claims = config_.claims,
                .predictions = config_.predictions};
    std::ranges::sort(study.failures,
                      [](const Failure& a, const Failure& b) { return a.cell < b.cell; });
    std::vector<const CellResult*> results;
    for (const Cell& c : cells_)
      if (const auto found = tested_.find(name_of(experiment_, c)); found != tested_.end())
        results.push_back(&found->second);
    for (const Variant& v : plan_.variants)
      for (Results& panel : panels_of(experiment_, v)) {
        for (const Row& row : plan_.rows)
          for (const CellResult* cell : results)
            for (const Results& part : cell->panels) {
              if (same_panel(part, panel))
                each_list(panel, part,
                          [&](auto& all, const auto& more) { add_of_row(all, more, row); });
            }
        study.panels.push_back(std::move(panel));
      }
    for (const CellResult* cell : results) study.trainings.push_back(cell->training);
    for (const Cell& trial : trials_)
      if (const auto found = tried_.find(name_of(experiment_, trial));
          found != tried_.end() && !tested_.count(found->first))
        study.trainings.push_back(found->second.training);
    return study;
  }

 private:
  const Experiment& experiment_;
  const SweepConfig& config_;
  const SweepPlan& plan_;
  const std::string folder_;
  Progress& progress_;
  const int threads_;
  const WithThreads alone_{1};  // OpenMP's threads do not survive the forks of run()
  std::vector<Cell> trials_, cells_;
  std::vector<Failure> failures_;
  std::unique_ptr<FolderLock> lock_;
  std::vector<bool> seen_;  // by rank
  std::chrono::steady_clock::time_point noted_{};
  std::map<std::pair<const Variant*, std::string>, Cost> costs_;  // by variant and encoding
  std::map<std::string, CellResult> tried_, tested_;              // by cell name
  std::set<std::pair<const Variant*, std::string>> undecided_;    // that lost a trial

  std::string place(const Cell& cell) const {
    return folder_ + "/cells/" + name_of(experiment_, cell);
  }
  std::map<std::string, CellResult>& results(Work work) {
    return work == Work::trial ? tried_ : tested_;
  }

  // Whether the cell's result exists from an earlier call; reads it.
  bool is_done(const Cell& cell, Work work) {
    const std::string path = place(cell) + file_of(work);
    if (!fs::exists(work == Work::whole ? place(cell) + "/DONE" : path)) return false;
    const auto result = result_of(experiment_, cell, path);
    if (result) results(work)[name_of(experiment_, cell)] = *result;
    return result.has_value();
  }

  // Each encoding with its training options once, in row order.
  std::vector<std::string> encodings() const {
    std::vector<std::string> all;
    for (const Row& row : plan_.rows) add_once(all, row.encoding);
    return all;
  }

  std::vector<Cell> trials() const {
    std::vector<Cell> all;
    for (const Variant& v : plan_.variants)
      for (const std::string& encoding : encodings())
        for (double lr : plan_.rates) all.emplace_back(experiment_, v, encoding, lr, v.base.seed);
    return all;
  }

  // The learning rate with the lowest validation loss; NaN if every trial diverged, or if one ended
  // for a reason other than its rate, on which the choice must not depend.
  double chosen_rate(const Variant& variant, const std::string& encoding) const {
    if (plan_.rates.empty()) return variant.base.lr;
    if (undecided_.count({&variant, encoding})) return NAN;
    double best = INFINITY, chosen = NAN;
    for (const Cell& trial : trials_) {
      const auto found = tried_.find(name_of(experiment_, trial));
      if (trial.variant != &variant || trial.encoding != encoding || found == tried_.end())
        continue;
      const double loss = found->second.training.validation;
      if (loss < best) best = loss, chosen = trial.lr;
    }
    return chosen;
  }

  // Cells of the first seed come first, so that every encoding has some if the sweep ends early.
  std::vector<Cell> cells() const {
    std::vector<Cell> all;
    for (int s = 0; s < config_.seeds; ++s)
      for (const Variant& v : plan_.variants)
        for (const std::string& encoding : encodings())
          if (const double lr = chosen_rate(v, encoding); !std::isnan(lr))
            all.emplace_back(experiment_, v, encoding, lr, v.base.seed + s);
    return all;
  }

  // Runs the cells that are not done.
  int run(const std::vector<Cell>& all, Work work) {
    std::vector<Cell> open;
    for (const Cell& c : all)
      if (!is_done(c, work)) open.push_back(c);
    const int workers = ranks::count() - 1;
    if (workers > 0 && int(open.size()) > workers) {
      if (const int signal = measure(open)) return signal;
      sort_by_cost(open, work);
    } else if (int(open.size()) < workers && !open.empty()) {
      progress_.print_line(
          fmt::format("{} of {} ranks are idle: there are only {} runs, which rank 0 schedules",
                      workers - int(open.size()), ranks::count(), open.size()));
    }
    std::vector<std::string> names;
    for (const Cell& c : open) names.push_back(name_of(experiment_, c));
    ProgressBoard board(names, int(all.size()), progress_);
    const int signal = workers > 0 ? run_elsewhere(open, work, board) : run_here(open, work, board);
    progress_.clear();
    return signal;
  }

  // How many of the cells may run at once: a thread each, and as many as fit into memory.
  int at_once(const std::vector<Cell>& open) const {
    const int count = std::max(1, std::min(threads_, int(open.size())));
    std::map<const Variant*, double> bytes;
    for (const Cell& c : open)
      if (!bytes.count(c.variant))
        bytes[c.variant] =
            FlopCount(c.run, experiment_.inputs).bytes(c.run, lengths_of(plan_, *c.variant).back());
    double most = 1;
    for (const auto& [variant, each] : bytes) most = std::max(most, each);
    const int fit = int(std::clamp(free_bytes() / most, 1.0, double(count)));
    if (fit < count)
      progress_.print_line(fmt::format("there is memory for {} of {} runs at a time", fit, count));
    return fit;
  }

  // What run_here() and run_elsewhere() have in common.
  Jobs jobs_of(const std::vector<Cell>& open, Work work, ProgressBoard& board) {
    return {.count = int(open.size()),
            .started = [&board](int i) { board.started(i); },
            .on_progress = [&board](int i, const std::string& said) { board.on_progress(i, said); },
            .ended =
                [this, &open, work, &board](int i, const TaskResult& answer) {
                  if (!answer.signal) ended(open[std::size_t(i)], i, answer, work, board);
                },
            .tick = [this, &board] { show(board); }};
  }

  // Runs each cell in a process of its own, several at once.
  int run_here(const std::vector<Cell>& open, Work work, ProgressBoard& board) {
    Jobs jobs = jobs_of(open, work, board);
    jobs.at_once = at_once(open);
    const int threads_each = std::max(1, threads_ / jobs.at_once);
    jobs.work = [&](int i, const ProgressCallback& say) {
      set_threads(threads_each);
      const Cell& cell = open[std::size_t(i)];
      return (work == Work::trial ? try_cell : run_cell)(experiment_, cell, place(cell), say);
    };
    return yonder::run(jobs);
  }

  // Runs each cell on one of the other ranks. Files that come back as a message are renamed into
  // place, so that they are there completely or not at all.
  int run_elsewhere(const std::vector<Cell>& open, Work work, ProgressBoard& board) {
    const std::string arriving = folder_ + "/.arriving";
    Jobs jobs = jobs_of(open, work, board);
    jobs.ended = [&, in_place = jobs.ended](int i, const TaskResult& answer) {
      if (!answer.archive.empty()) {
        unpack(answer.archive, arriving);
        replace_folder(place(open[std::size_t(i)]), arriving);
      }
      in_place(i, answer);
    };
    return hand_to_ranks(jobs, [&](int i, int rank) {
      const Cell& c = open[std::size_t(i)];
      return request_for(experiment_, work, c, seen_[std::size_t(rank)] ? "" : packed(place(c)));
    });
  }

  // Updates the terminal and, every five seconds, what `yonder show` reads.
  void show(ProgressBoard& board) {
    board.show();
    const auto now = std::chrono::steady_clock::now();
    if (now - noted_ < std::chrono::seconds(5)) return;
    write_status(folder_, board.line());
    noted_ = now;
  }

  void ended(const Cell& cell, int i, const TaskResult& answer, Work work, ProgressBoard& board) {
    const std::string at = place(cell), name = name_of(experiment_, cell);
    if (answer.reason.empty()) {
      CellResult& result = results(work)[name];
      result = cell_from_json(answer.result, at + file_of(work));
      return board.done(i, result);
    }
    make_folders(at);
    write_file(at + "/FAILED", answer.reason + "\n");
    failures_.push_back({name, answer.reason});
    if (work == Work::trial && answer.code != ExitCode::diverged)
      undecided_.insert({cell.variant, cell.encoding});
    board.failed(i, answer.reason);
  }

  // Lets the other ranks measure the cost of one cell of each variant and encoding.
  int measure(const std::vector<Cell>& open) {
    std::vector<Cell> kinds;
    for (const Cell& c : open)
      if (costs_.try_emplace({c.variant, c.encoding}).second) kinds.push_back(c);
    if (kinds.size() > 1)
      progress_.print_line("timing a few steps of " + std::to_string(kinds.size()) +
                           " kinds of runs, so that the longest can start first");
    const auto ended = [&](int i, const TaskResult& answer) {
      const Cell& c = kinds[std::size_t(i)];
      if (!answer.result.empty()) costs_[{c.variant, c.encoding}] = cost_of(answer.result);
    };
    return hand_to_ranks({.count = int(kinds.size()), .ended = ended}, [&](int i, int) {
      return request_for(experiment_, Work::measured, kinds[std::size_t(i)], "");
    });
  }

  void sort_by_cost(std::vector<Cell>& open, Work work) const {
    const auto seconds = [&](const Cell& c) {
      const Cost& cost = costs_.at({c.variant, c.encoding});
      const bool trained = fs::exists(place(c) + "/trial.json");
      return (trained ? 0 : cost.training(c)) + (work == Work::whole ? cost.test : 0);
    };
    std::ranges::stable_sort(open,
                             [&](const Cell& a, const Cell& b) { return seconds(a) > seconds(b); });
  }
};

// Notes where a text has fewer sequences than requested and all were used: presets take any text.
void tell_fewer(const SweepConfig& config, const Study& study, Progress& progress) {
  for (const Results& r : study.panels) {
    const int longest = r.longest();
    for (const EvalScore& s : r.scores)
      if (s.length == longest && 0 < s.examples && s.examples < config.examples) {
        progress.print_line(fmt::format(
            "{}: evaluated on {} sequences of length {} and not on {}: there are no more",
            r.title(), s.examples, longest, config.examples));
        break;
      }
  }
}

}  // namespace

void require_possible(const Experiment& experiment) {
  for (const Variant& v : experiment.plan.variants) check(experiment, v);
}

SweepEnd sweep(const Experiment& experiment, const std::string& folder, Start start,
               const std::string& command, Progress& progress) {
  std::optional<Sweep> work;
  ranks::run_collectively([&] {
    work.emplace(experiment, folder, progress);
    if (ranks::rank() == 0) work->open(start);
  });
  if (ranks::count() > 1) work->meet();
  if (ranks::rank() > 0) return {.signal = work->help()};
  if (const std::string text = experiment.config.base.warning(); !text.empty())
    progress.print_line("sweep: " + text);
  SweepEnd end{.signal = work->run()};
  shut_down(end.signal);
  if (end.signal) {
    write_status(folder, "stopped and saved; the same command with --resume continues");
    return end;
  }
  end.study = work->study();
  end.study.command = command;
  tell_fewer(experiment.config, end.study, progress);
  write_file(folder + "/results.csv", to_csv(end.study));
  if (const std::string looks = attention_csv(end.study); !looks.empty())
    write_file(folder + "/attention.csv", looks);
  else remove_all(folder + "/attention.csv");
  write_file(folder + "/results.json", to_json(end.study));
  remove_status(folder);
  return end;
}

Study read_study(const std::string& folder) {
  const std::string path = folder + "/results.json";
  return study_from_json(read_file(path), path);
}

}  // namespace yonder
