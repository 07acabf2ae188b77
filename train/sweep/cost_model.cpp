#include "train/sweep/cost_model.h"

#include <algorithm>
#include <queue>

#include "core/tensor_pool.h"
#include "train/config/keys.h"
#include "train/system/stopwatch.h"
#include "train/training/trainer.h"

namespace yonder {
namespace {

constexpr int tested_to_measure = 4;   // sequences at the greatest length
constexpr int trained_to_measure = 3;  // steps, whose batches differ in length
// seconds, from which on the time to fetch memory does not matter
constexpr double long_test = 0.1, long_training = 2;

}  // namespace

double makespan(std::vector<double> jobs, int workers, double scheduling) {
  std::sort(jobs.rbegin(), jobs.rend());
  std::priority_queue<double, std::vector<double>, std::greater<>> free;  // when a worker is
  for (int w = 0; w < workers; ++w) free.push(0);
  double handed = 0, end = 0;
  for (const double job : jobs) {
    handed = std::max(handed, free.top()) + scheduling;
    free.pop();
    free.push(handed + job);
    end = std::max(end, handed + job);
  }
  return end;
}

namespace {

// The untrained model of a cell, as a row evaluates it.
Trained tested(const RunConfig& run, const Row& row, const Inputs& inputs) {
  Trained model = prepare(run, inputs);
  switch_encoding(model);
  for (const auto& [key, value] : row.of_test()) model.model->set_at_inference(key, value);
  return model;
}

// Seconds to evaluate one checkpoint at all lengths under one protocol, extrapolated from a few
// sequences of each length. The first round fetches memory and is not counted, unless it is long.
double seconds_of_tests(Trained& model, const std::vector<int>& lengths, int examples,
                        Protocol protocol) {
  const auto sequences = [&](int length, int count) {
    return model.task->sequences(
        {.length = length, .longest = lengths.back(), .count = count, .protocol = protocol});
  };
  const int all = sequences(lengths.back(), examples), few = std::min(tested_to_measure, all);
  double seconds = 0;
  const double start = processor_seconds();
  for (int round = 0; round < 2 && processor_seconds() - start < long_test; ++round) {
    seconds = 0;
    double last = processor_seconds();
    evaluate(model,
             {.lengths = lengths,
              .examples = few,
              .protocol = protocol,
              .by_position = few * std::min(scored_by_position, all) / all,
              .details_from = lengths.back()},
             [&](int i, double part) {
               if (part < 1) return;
               const int length = lengths[std::size_t(i)];
               const double now = processor_seconds();
               seconds += (now - last) * sequences(length, examples) / sequences(length, few);
               last = now;
             });
  }
  return seconds;
}

// Seconds per training step. The same steps are trained twice: the first round fetches memory for
// the longest of their batches and is counted only if it is long.
double seconds_of_step(Trainer& trainer) {
  double seconds = 0;
  for (int round = 0; round < 2 && seconds < long_training; ++round)
    seconds = processor_seconds_of([&] {
      for (int step = 1; step <= trained_to_measure; ++step) trainer.step(step);
    });
  return seconds / trained_to_measure;
}

}  // namespace

Cost measured(const Experiment& experiment, const Cell& cell) {
  const auto& [config, plan, inputs] = experiment;
  pool::reset_peak();
  Trained trained = prepare(cell.run, inputs);
  const Parameters& p = trained.model->parameters();
  Cost cost{.parameters = p.count(),
            .position_parameters = trained.model->position_parameters(),
            .depth = trained.model->depth()};
  {
    Trainer trainer(trained);
    cost.step = seconds_of_step(trainer);
  }
  const std::vector<int> lengths = lengths_of(plan, *cell.variant);
  const std::size_t protocols = trained.task->is_text() ? config.eval_protocols.size() : 1;
  for (const Row& row : plan.rows) {
    if (row.encoding != cell.encoding) continue;
    Trained model = tested(cell.run, row, inputs);
    double seconds = 0;
    for (std::size_t i = 0; i < protocols; ++i)
      seconds += seconds_of_tests(model, lengths, config.examples,
                                  protocol_named(config.eval_protocols[i]));
    cost.test += seconds * double(plan.tests.size()) * tested_checkpoints(experiment, cell, row) +
                 row.finetune().steps * cost.step;
  }
  cost.bytes = double(pool::peak_bytes());
  return cost;
}

}  // namespace yonder
