#include "train/sweep/cost_model.h"

#include <sys/resource.h>
#include <sys/wait.h>

#include <algorithm>
#include <cmath>

#include "core/parallel.h"
#include "tests/support/binary.h"
#include "tests/support/catch.h"
#include "tests/support/program.h"
#include "train/sweep/flop_count.h"
#include "train/sweep/sweep.h"
#include "train/system/stopwatch.h"

using namespace yonder;
using Catch::Approx;

namespace {

SweepConfig copies() {
  SweepConfig sweep{.encodings = {"rope", "rope:window.size=0"},
                    .eval_lengths = {8, 64, 256},
                    .examples = 64,
                    .checkpoints = 3};
  sweep.base.task = "copy", sweep.base.train_length = 8;
  sweep.base.width = 32, sweep.base.heads = 2, sweep.base.layers = 2;
  sweep.base.steps = 60;
  return sweep;
}

Cell first_cell(const Experiment& experiment) {
  return {experiment, experiment.plan.variants[0], "rope", 1e-3, 0};
}

}  // namespace

TEST_CASE("the longest job begins first, and the last one to end sets the time") {
  CHECK(makespan({}, 3, 1) == 0);
  CHECK(makespan({5, 1, 2}, 1, 0) == Approx(8));
  CHECK(makespan({1, 2, 3, 6}, 2, 0) == Approx(6));
  CHECK(makespan({4, 4, 4}, 2, 0) == Approx(8));
  CHECK(makespan({4, 4, 4}, 100, 0) == Approx(4));
  // Jobs are scheduled one by one: the third begins after three times 0.5.
  CHECK(makespan({4, 4, 4}, 100, 0.5) == Approx(5.5));
  // If scheduling takes longer than the jobs, only it and the last job take time.
  CHECK(makespan(std::vector<double>(10, 0.1), 100, 1) == Approx(10.1));
}

TEST_CASE("a row evaluates all kept checkpoints, one with an extension only the last") {
  const auto counts = [](const SweepConfig& sweep) {
    const Experiment experiment(sweep);
    const Cell cell = first_cell(experiment);
    std::vector<int> all;
    for (const Row& row : experiment.plan.rows)
      all.push_back(tested_checkpoints(experiment, cell, row));
    return all;
  };
  SweepConfig sweep = copies();
  CHECK(counts(sweep) == std::vector<int>{3, 1});
  sweep.curve_points = 4;  // steps 15, 30, 45 and the three of the last tenth
  CHECK(counts(sweep) == std::vector<int>{6, 1});
  sweep.curve_points = 0, sweep.base.steps = 20;  // the last tenth has two steps
  CHECK(counts(sweep) == std::vector<int>{2, 1});
}

TEST_CASE("a training step costs three evaluations of its batch, and attention grows as T²") {
  RunConfig run = copies().base;
  const auto counted = [&run](int halves) {  // halves of the keys seen per query
    const double T = prepare_task(run)->tokens(64);
    return 2 * T * (4 * 32 * 32 + 2 * 32 * 128 + halves * 32 * T);
  };
  const FlopCount causal(run);
  const double once = causal.test({.length = 64, .count = 1});
  CHECK(once == Approx(counted(1)));
  CHECK(causal.test({.length = 64, .count = 10}) == Approx(10 * once));
  CHECK(causal.training(1, 4, 5) == Approx(3 * causal.test({.length = 1, .count = 20})));
  run.bidirectional = true;
  CHECK(FlopCount(run).test({.length = 64, .count = 1}) == Approx(counted(2)));
}

TEST_CASE("a cell reports progress by work, whether nearly all is training or evaluation") {
  SweepConfig sweep = copies();
  sweep.examples = 2;
  const auto said = [&sweep](int steps) {
    sweep.base.steps = steps;
    const Experiment experiment(sweep);
    std::vector<double> parts;
    const Folder folder;
    run_cell(experiment, first_cell(experiment), folder / "cell",
             [&parts](const std::string& text) { parts.push_back(std::stod(text)); });
    CHECK(std::is_sorted(parts.begin(), parts.end()));
    CHECK(parts.back() == Approx(1));
    return parts;
  };
  CHECK(said(1)[0] < 0.3);  // the rest after one step is evaluation
  CHECK(said(40)[39] > 0.7);
}

TEST_CASE("measuring with one thread restores the number of threads") {
  const WithThreads before(3);
  SweepConfig sweep = copies();
  sweep.eval_lengths = {8}, sweep.examples = 2;
  Progress quiet(true);
  CHECK(dry_run(Experiment(sweep), quiet).find("# runs, one thread each") != std::string::npos);
  CHECK(threads() == 3);
}

#ifndef __SANITIZE_ADDRESS__
TEST_CASE("a process takes about the estimated memory, so that few enough run at once") {
  RunConfig run{.train_length = 64, .width = 128, .heads = 4, .layers = 4};
  run.batch = 24;
  const Folder folder;
  const Program program(
      "train --task copy --length 64 --width 128 --heads 4 --layers 4 --batch 24 --steps 4 "
      "--threads 1 --out " +
      (folder / "run"));
  int status = 0;
  rusage used{};
  ::wait4(program.pid, &status, 0, &used);
  REQUIRE(status == 0);
  const double taken = 1024.0 * double(used.ru_maxrss), estimated = FlopCount(run).bytes(run, 64);
  CHECK(estimated > 0.9 * taken);
  CHECK(estimated < 1.6 * taken);
}
#endif

// Other programs may disturb the measurement or the run that it is compared with, hence the tries;
// an estimate with a wrong formula is wrong every time.
TEST_CASE("a cell takes the estimated time", "[slow]") {
  const WithThreads alone(1);
  const Experiment experiment(copies());
  const Cell cell = first_cell(experiment);
  bool close = false;
  for (int time = 0; time < 10 && !close; ++time) {
    const Folder folder;
    const Cost cost = measured(experiment, cell);
    const double took = processor_seconds_of(
        [&] { run_cell(experiment, cell, folder / "cell", [](const std::string&) {}); });
    const double estimated = cost.training(cell) + cost.test;
    UNSCOPED_INFO(estimated << " s estimated, " << took << " s taken");
    close = std::abs(std::log(took / estimated)) < std::log(1.3);
  }
  CHECK(close);
}
