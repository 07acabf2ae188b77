#include <cmath>

#include "core/io/files.h"
#include "tests/support/binary.h"
#include "tests/support/catch.h"
#include "train/sweep/remote_run.h"
#include "train/sweep/sweep_run.h"
#include "train/training/checkpoint_dir.h"
#include "train/training/session.h"

using namespace yonder;
namespace fs = std::filesystem;

namespace {

const std::string tuned = "rope:rope.scaling=linear:finetune.length=16:finetune.steps=2";

SweepConfig needles() {
  SweepConfig sweep{.encodings = {"rope", tuned}, .eval_lengths = {8, 16}, .examples = 4};
  sweep.base.task = "needle", sweep.base.train_length = 8;
  sweep.base.width = 16, sweep.base.heads = 2, sweep.base.layers = 1;
  sweep.base.steps = 20, sweep.base.batch = 2;
  return sweep;
}

void say_nothing(const std::string&) {}

CellResult result_in(const std::string& path) { return cell_from_json(read_file(path), path); }

}  // namespace

TEST_CASE("a cell writes the scores of its checkpoints and rows at every length") {
  const Folder folder;
  SweepConfig sweep = needles();
  sweep.checkpoints = 2, sweep.curve_points = 2;
  sweep.base.weight_decay = 0.3, sweep.base.min_lr_ratio = 0.7;
  const Experiment experiment(sweep);
  const Cell rope(experiment, experiment.plan.variants[0], "rope", 1e-3, 0);
  const std::string place = folder / "cell";
  double part = 0;
  const std::string text = run_cell(experiment, rope, place, [&part](const std::string& said) {
    CHECK(std::stod(said) >= part);
    part = std::stod(said);
  });
  CHECK(part == 1);
  CHECK(fs::exists(place + "/DONE"));
  CHECK(text == read_file(place + "/scores.json"));
  const CellResult cell = result_in(place + "/scores.json");
  CHECK(cell.training.steps == 20);
  CHECK(cell.training.loss.size() == 20);
  REQUIRE(cell.panels.size() == 1);
  const Results& panel = cell.panels[0];
  CHECK(panel.scores.size() == 4);            // two rows at two lengths
  CHECK(panel.late_checkpoints.size() == 2);  // step 19
  CHECK(panel.learning_curve.size() == 2);    // step 10
  for (const auto* scores : {&panel.scores, &panel.late_checkpoints, &panel.learning_curve})
    for (const EvalScore& s : *scores) CHECK((s.loss > 0 && std::isfinite(s.loss)));
  for (const EvalScore& s : panel.learning_curve) CHECK(s.step == 10);
  REQUIRE_FALSE(panel.lags.empty());
  for (const auto& lag : panel.lags) {
    CHECK(lag.to == 2 * lag.from);
    CHECK(lag.count > 0);
  }
  const RunConfig further = Checkpoints::configuration(
      place + "/finetuned/" +
      folder_name("rope.scaling=linear:finetune.length=16:finetune.steps=2"));
  CHECK((further.train_length == 16 && further.steps == 2 && further.batch == 1));
  CHECK((further.weight_decay == 0.3 && further.min_lr_ratio == 0.7));
}

TEST_CASE("a cell that was a trial is not trained again, and keeps its validation loss") {
  const Folder folder;
  SweepConfig sweep = needles();
  sweep.axes = {{"train.lr", {"1e-3", "1e-2"}}};
  const Experiment experiment(sweep);
  const Cell cell(experiment, experiment.plan.variants[0], "rope", experiment.plan.rates[1], 0);
  const std::string place = folder / "cell";
  try_cell(experiment, cell, place, say_nothing);
  const Training trial = result_in(place + "/trial.json").training;
  CHECK(trial.trial);
  CHECK(trial.lr == 1e-2);
  CHECK(trial.validation > 0);
  const std::string model = place + "/checkpoints/step-20.safetensors";
  const auto written = fs::last_write_time(model);
  run_cell(experiment, cell, place, say_nothing);
  CHECK(fs::last_write_time(model) == written);
  const Training whole = result_in(place + "/scores.json").training;
  CHECK_FALSE(whole.trial);
  CHECK(whole.validation == trial.validation);
}

TEST_CASE("a curve is stored as means of equal parts, each over its values that are not NaN") {
  CHECK(downsample({1, 2}) == std::vector<double>{1, 2});
  std::vector<double> pairs;
  for (int i = 0; i < 64; ++i) pairs.insert(pairs.end(), {double(i), i + 1.});
  pairs[0] = pairs[7] = NAN;  // as at the start of a masked text, and by chance in it
  const std::vector<double> means = downsample(pairs);
  REQUIRE(means.size() == 64);
  CHECK(means[0] == 1);
  CHECK(means[1] == 1.5);
  CHECK(means[3] == 3);
  pairs[1] = NAN;
  CHECK(std::isnan(downsample(pairs)[0]));
}

TEST_CASE("a cell's cost reads back as the rank that measured it sent it") {
  const Cost cost = cost_of(text_of(Cost{.step = 0.125, .test = 3}));
  CHECK(cost.step == 0.125);
  CHECK(cost.test == 3);
}
