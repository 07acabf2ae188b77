#include <fmt/core.h>
#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/parallel.h"
#include "train/config/toml.h"
#include "train/sweep/cost_model.h"
#include "train/sweep/sweep.h"
#include "train/system/progress.h"
#include "train/system/stopwatch.h"

namespace yonder {
namespace {

// Cells of one variant and encoding.
struct CellGroup {
  Cell cell;
  Cost cost{};
  double measuring = 0;  // seconds that measuring its cost took
};

std::vector<CellGroup> groups_of(const Experiment& experiment, Progress& progress) {
  const SweepPlan& plan = experiment.plan;
  std::vector<CellGroup> groups;
  for (const Variant& v : plan.variants) {
    std::vector<std::string> seen;
    for (const Row& row : plan.rows) {
      if (has(seen, row.encoding)) continue;
      seen.push_back(row.encoding);
      CellGroup group{.cell = Cell(experiment, v, row.encoding, v.base.lr, v.base.seed)};
      progress.show(fmt::format("timing a few steps of {} on {}", row.encoding, v.base.task));
      group.measuring =
          processor_seconds_of([&] { group.cost = measured(experiment, group.cell); });
      groups.push_back(std::move(group));
    }
  }
  return groups;
}

// Seconds of each job: trials, which only choose a learning rate, and cells. The trial of the
// chosen rate is already trained when it becomes a cell.
struct JobTimes {
  std::vector<double> trials, cells;
};

JobTimes times_of(const Experiment& experiment, const std::vector<CellGroup>& groups) {
  const auto& [config, plan, inputs] = experiment;
  JobTimes times;
  for (const CellGroup& g : groups) {
    const double training = g.cost.training(g.cell), testing = g.cost.test;
    times.trials.insert(times.trials.end(), plan.rates.size(), training);
    for (int s = 0; s < config.seeds; ++s)
      times.cells.push_back(testing + (s == 0 && !plan.rates.empty() ? 0 : training));
  }
  return times;
}

double sum_of(const std::vector<double>& x) { return std::accumulate(x.begin(), x.end(), 0.0); }
double most_of(const std::vector<double>& x) {
  return x.empty() ? 0 : *std::ranges::max_element(x);
}

// Rank 0's time per cell: handing it out, then reading and recording its result.
constexpr double scheduling_seconds = 2e-3;
// From mpirun to the first scheduled job, without the checks that each rank makes.
constexpr double meeting_seconds = 0.5;

// The time on each number of ranks. With two or more, rank 0 schedules; the others measure first.
std::string table_of_ranks(const JobTimes& times, const std::vector<CellGroup>& groups,
                           double checking, const std::vector<int>& ranks) {
  const double work = sum_of(times.trials) + sum_of(times.cells);
  std::vector<double> measuring;
  for (const CellGroup& g : groups) measuring.push_back(g.measuring);
  std::string text =
      "# under mpirun, one thread each, on processors like these:\n"
      "#  ranks  train      start       time   as fast   at work\n";
  for (const int n : ranks) {
    const int workers = std::max(1, n - 1);
    const double each = n > 1 ? scheduling_seconds : 0;
    const double start =
        checking + (n > 1 ? meeting_seconds + makespan(measuring, workers, each) : 0);
    const double time =
        start + makespan(times.trials, workers, each) + makespan(times.cells, workers, each);
    text +=
        fmt::format("# {:6} {:6} {:>10} {:>10} {:>8.1f}x {:>8.0f}%\n", n, workers, duration(start),
                    duration(time), (work + checking) / time, 100 * work / (time * workers));
  }
  const double longest = most_of(times.trials) + most_of(times.cells);
  return text + fmt::format(
                    "# no number of ranks is faster than the longest runs, one after the other: "
                    "{}; {:.0f} that train are enough\n",
                    duration(longest), std::ceil(work / longest));
}

}  // namespace

std::string dry_run(const Experiment& experiment, Progress& progress,
                    const std::vector<int>& ranks) {
  const auto& [config, plan, inputs] = experiment;
  const int threads = config.base.threads ? config.base.threads : yonder::threads();
  const WithThreads alone(1);
  const double checking = processor_seconds_of([&] { require_possible(experiment); });
  const std::vector<CellGroup> groups = groups_of(experiment, progress);
  progress.clear();
  SweepConfig resolved = config;
  // If panels differ in their evaluation lengths, a single list would mislead.
  const std::vector<int> lengths = lengths_of(plan, plan.variants.front());
  if (std::ranges::all_of(plan.variants,
                          [&](const Variant& v) { return lengths_of(plan, v) == lengths; }))
    resolved.eval_lengths = lengths;
  std::string text = to_toml(resolved) + "\n";
  for (const std::string& why : plan.left_out) text += "# left out: " + why + "\n";
  text += "# runs, one thread each:\n";
  double bytes = 0;
  const int count = config.seeds + std::max(1, int(plan.rates.size())) - 1;
  for (const auto& [cell, cost, measuring] : groups) {
    const double training = cost.training(cell), test = cost.test;
    text += fmt::format(
        "#   {:<32} {} x {}, of which evaluation {}; parameters: {} content, {} position; depth "
        "{}\n",
        cell.encoding + "-" + cell.variant->base.task + cell.variant->slug, count,
        duration(training + test), duration(test), cost.parameters - cost.position_parameters,
        cost.position_parameters, cost.depth);
    bytes = std::max(bytes, cost.bytes);
  }
  const JobTimes times = times_of(experiment, groups);
  const int cells = count * int(groups.size()), at_once = std::min(threads, cells);
  const double seconds = sum_of(times.trials) + sum_of(times.cells);
  text +=
      fmt::format("# {} runs, {} at a time: about {} here, and at most about {:.0f} MB of memory\n",
                  cells, at_once, duration(seconds / at_once), at_once * (bytes / 1e6 + 25));
  return ranks.empty() ? text : text + table_of_ranks(times, groups, checking, ranks);
}

}  // namespace yonder
