#include <algorithm>

#include "core/error.h"
#include "core/io/files.h"
#include "train/config/keys.h"
#include "train/evaluation/extrapolation.h"
#include "train/sweep/sweep_run.h"
#include "train/training/session.h"

/// \file
/// Checks of a sweep before anything is trained: whether each cell can run; and its panels.
namespace yonder {

void check(const Experiment& experiment, const Variant& variant) {
  const auto& [config, plan, inputs] = experiment;
  const RunConfig& base = variant.base;
  if (config.curve_points > 0 && base.checkpoint_every > 0)
    throw UsageError(
        "sweep.curve_points: both it and train.checkpoint_every set which checkpoints are kept; "
        "omit one of them");
  for (const auto& [key, value] : base.options)
    if (std::none_of(plan.variants.begin(), plan.variants.end(),
                     [&owner = key.owner](const Variant& v) { return v.base.task == owner; }) &&
        std::none_of(plan.rows.begin(), plan.rows.end(), [&, &owner = key.owner](const Row& row) {
          return has_component(Cell(experiment, variant, row.encoding, 0, 0).run, owner);
        }))
      throw UsageError(text_of(key) + ": neither the task nor an encoding of this sweep is " +
                       key.owner + "; add it to --encodings or omit the option");
  if (plan.variants.size() == 1 && !make_task(base.task)->is_text() &&
      config.eval_protocols != SweepConfig{}.eval_protocols)
    throw UsageError("eval_protocols: " + base.task +
                     " has a single evaluation protocol; omit them");
  const std::vector<int> lengths = lengths_of(plan, variant);
  for (const Row& row : plan.rows) {
    Trained model =
        prepare(Cell(experiment, variant, row.encoding, base.lr, base.seed).run, inputs);
    row.finetune();
    switch_encoding(model);
    for (const auto& [key, value] : row.of_test()) model.model->set_at_inference(key, value);
    model.model->encoding().check();
    for (const Overrides& of_test : plan.tests)
      for (const std::string& protocol : config.eval_protocols) {
        for (const auto& [key, value] : of_test)
          if (const auto o = find(model.task->options(), key.name); o && key.owner == base.task)
            assign(*o, base.task, value);
          else
            throw UsageError("tests: " + text_of(key) + ": the task is " + base.task +
                             "; omit it, or choose its task");
        for (int length : lengths)
          model.task->sequences({.length = length,
                                 .longest = lengths.back(),
                                 .least = least_of_bin(length, config.bins),
                                 .count = config.examples,
                                 .protocol = protocol_named(protocol)});
      }
  }
}

namespace {

// A checksum of what the runs of a panel share: not their rows, seeds, and learning rates that
// validation loss chooses.
std::string checksum_of_settings(const Experiment& experiment, const RunConfig& run) {
  std::string text = experiment.plan.rates.empty() ? text_of(Value(run.lr)) : "";
  for (const Override& o : shared_settings(experiment, run)) text += "\n" + text_of(o);
  return checksum(text).substr(0, 8);
}

}  // namespace

std::vector<Results> panels_of(const Experiment& experiment, const Variant& variant) {
  const auto& [config, plan, inputs] = experiment;
  std::vector<Results> panels;
  for (std::size_t t = 0; t < plan.tests.size(); ++t) {
    RunConfig run = Cell(experiment, variant, plan.rows.front().encoding, variant.base.lr, 0).run;
    for (const Override& o : plan.tests[t]) run.options.push_back(o);
    const Trained model = prepare(run, inputs);
    const Task& task = *model.task;
    for (const std::string& protocol : config.eval_protocols) {
      Results panel{.task = run.task,
                    .test = config.tests[t],
                    .protocol = task.is_text() ? protocol : "answer",
                    .variant = variant.text,
                    .text = task.is_text(),
                    .train_length = run.train_length,
                    .train_steps = run.steps,
                    .settings = checksum_of_settings(experiment, run),
                    .lengths = lengths_of(plan, variant),
                    .bins = config.bins,
                    .seeds = config.seeds,
                    .rows = plan.rows,
                    .unigram_loss = task.unigram_loss(),
                    .bytes_per_token = task.bytes_per_token()};
      for (int length : panel.lengths)
        panel.chance.push_back(chance_accuracy(task, shortest(length, config.bins), length));
      panels.push_back(std::move(panel));
      if (!task.is_text()) break;  // a generated task has a single protocol
    }
  }
  return panels;
}

}  // namespace yonder
