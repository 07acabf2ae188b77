#include <algorithm>
#include <chrono>
#include <cstdio>

#include "core/parallel.h"
#include "core/pool.h"
#include "train/cell.h"
#include "train/config_file.h"
#include "train/progress.h"
#include "train/sweep.h"
#include "train/trainer.h"

namespace yonder {
namespace {

// What a cell is likely to take, with one thread.
struct Cost {
  double step = 0, test = 0;  // seconds: of a step, of all tests of one checkpoint
  double bytes = 0;           // at most, at once
  std::int64_t parameters = 0, position_parameters = 0;
};

double seconds_of(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// Takes three steps, the first of which fetches memory and is not counted, and tests one sequence
// at each length.
Cost measured(const SweepConfig& config, const Plan& plan, const Cell& cell) {
  pool::reset_peak();
  Trained run = prepare(run_of(config, cell));
  const Parameters& p = run.model->parameters();
  Cost cost{.parameters = p.count(), .position_parameters = p.count("encoding.")};
  {
    Trainer trainer(run);
    trainer.step(1);
    cost.step = seconds_of([&] { trainer.step(2), trainer.step(3); }) / 2;
  }
  const std::vector<int> lengths = lengths_of(plan, *cell.variant);
  const auto rows = std::count_if(plan.rows.begin(), plan.rows.end(),
                                  [&](const Row& row) { return row.encoding == cell.encoding; });
  const int all = run.task->sequences(
      {.length = lengths.back(), .longest = lengths.back(), .count = config.examples});
  cost.test = double(all) * double(rows) *
              seconds_of([&] { evaluate(run, {.lengths = lengths, .examples = 1}); });
  cost.test *= double(plan.tests.size());
  if (run.task->is_text()) cost.test *= double(config.protocols.size());
  cost.bytes = double(pool::peak_bytes());
  return cost;
}

}  // namespace

std::string forecast(const SweepConfig& config) {
  const Plan plan = plan_of(config);
  const int threads = config.base.threads ? config.base.threads : yonder::threads();
  set_threads(1);
  for (const Variant& v : plan.variants) check(config, plan, v);
  std::string text = to_toml(config) + "\n# cells, each one thread:\n";
  char line[200];
  double seconds = 0, bytes = 0;
  int cells = 0;
  const int rates = std::max(1, int(plan.rates.size()));
  for (const Variant& v : plan.variants) {
    std::vector<std::string> seen;
    for (const Row& row : plan.rows) {
      if (std::find(seen.begin(), seen.end(), row.encoding) != seen.end()) continue;
      seen.push_back(row.encoding);
      const Cell cell{&v, row.encoding, v.base.lr, v.base.seed};
      const Cost cost = measured(config, plan, cell);
      const double training = cost.step * v.base.steps, test = cost.test * config.checkpoints;
      const int count = config.seeds + rates - 1;  // the trial of the chosen rate is a cell
      std::snprintf(
          line, sizeof line,
          "#   %-32s %d x %s, of it testing %s; parameters: %lld content, %lld position\n",
          (row.encoding + "-" + v.base.task + v.slug).c_str(), count,
          duration(training + test).c_str(), duration(test).c_str(),
          static_cast<long long>(cost.parameters - cost.position_parameters),
          static_cast<long long>(cost.position_parameters));
      text += line;
      seconds += training * count + test * config.seeds;
      bytes = std::max(bytes, cost.bytes);
      cells += count;
    }
  }
  const int at_once = std::min(threads, cells);
  std::snprintf(line, sizeof line,
                "# %d cells, %d at once: about %s here, and about %.0f MB of memory at most\n",
                cells, at_once, duration(seconds / at_once).c_str(), at_once * (bytes / 1e6 + 25));
  return text + line;
}

}  // namespace yonder
