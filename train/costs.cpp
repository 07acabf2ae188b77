#include "train/costs.h"

#include <algorithm>
#include <chrono>
#include <queue>

#include "core/pool.h"
#include "train/trainer.h"

namespace yonder {

double seconds_of(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double makespan(std::vector<double> jobs, int workers, double hand_out) {
  std::sort(jobs.rbegin(), jobs.rend());
  std::priority_queue<double, std::vector<double>, std::greater<>> free;  // when each worker is
  for (int w = 0; w < workers; ++w) free.push(0);
  double handed = 0, end = 0;
  for (const double job : jobs) {
    handed = std::max(handed, free.top()) + hand_out;
    free.pop();
    free.push(handed + job);
    end = std::max(end, handed + job);
  }
  return end;
}

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
  cost.plain = cost.test / double(rows);
  cost.bytes = double(pool::peak_bytes());
  return cost;
}

}  // namespace yonder
