#include "train/costs.h"

#include <algorithm>
#include <chrono>

#include "core/pool.h"
#include "train/trainer.h"

namespace yonder {

double seconds_of(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
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
  cost.bytes = double(pool::peak_bytes());
  return cost;
}

}  // namespace yonder
