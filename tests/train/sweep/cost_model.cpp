#include "train/sweep/cost_model.h"

#include <algorithm>

#include "core/parallel.h"
#include "tests/support/binary.h"
#include "tests/support/catch.h"
#include "train/sweep/flop_count.h"

using namespace yonder;
using Catch::Approx;

namespace {

SweepConfig copies() {
  SweepConfig sweep{.encodings = {"rope", "rope:window.size=0"},
                    .lengths = {8, 64, 256},
                    .examples = 64,
                    .checkpoints = 3};
  sweep.base.task = "copy", sweep.base.length = 8;
  sweep.base.width = 32, sweep.base.heads = 2, sweep.base.layers = 2;
  sweep.base.steps = 60;
  return sweep;
}

}  // namespace

TEST_CASE("the longest job begins first, and the last one to end sets the time") {
  CHECK(makespan({}, 3, 1) == 0);
  CHECK(makespan({5, 1, 2}, 1, 0) == Approx(8));
  CHECK(makespan({1, 2, 3, 6}, 2, 0) == Approx(6));
  CHECK(makespan({4, 4, 4}, 2, 0) == Approx(8));
  CHECK(makespan({4, 4, 4}, 100, 0) == Approx(4));
  // Who hands out does it one by one: the third begins after three hand-outs.
  CHECK(makespan({4, 4, 4}, 100, 0.5) == Approx(5.5));
  // Hand-outs longer than the jobs are all there is to wait for, and the last job.
  CHECK(makespan(std::vector<double>(10, 0.1), 100, 1) == Approx(10.1));
}

TEST_CASE("a row tests the checkpoints that stay, one with an extension the last") {
  SweepConfig sweep = copies();
  const Plan plan = plan_of(sweep);
  const Cell cell{&plan.variants[0], "rope"};
  CHECK(tested_checkpoints(sweep, cell, plan.rows[0]) == 3);
  CHECK(tested_checkpoints(sweep, cell, plan.rows[1]) == 1);
  sweep.course = 4;  // steps 15, 30, 45 beside the three of the last tenth
  CHECK(tested_checkpoints(sweep, cell, plan.rows[0]) == 6);
  sweep.course = 0, sweep.base.steps = 20;  // the last tenth has two steps
  const Plan shorter = plan_of(sweep);
  CHECK(tested_checkpoints(sweep, {&shorter.variants[0], "rope"}, shorter.rows[0]) == 2);
}

TEST_CASE("a step of training counts as three tests of its batch, and attention grows by T²") {
  RunConfig run = copies().base;
  const auto counted = [&run](int halves) {  // of all keys, those that a query sees on average
    const double T = prepare_task(run)->tokens(64);
    return 2 * T * (4 * 32 * 32 + 2 * 32 * 128 + halves * 32 * T);
  };
  const Effort causal(run);
  const double once = causal.test({.length = 64, .count = 1});
  CHECK(once == Approx(counted(1)));
  CHECK(causal.test({.length = 64, .count = 10}) == Approx(10 * once));
  CHECK(causal.training(1, 4, 5) == Approx(3 * causal.test({.length = 1, .count = 20})));
  run.bidirectional = true;
  CHECK(Effort(run).test({.length = 64, .count = 1}) == Approx(counted(2)));
}

TEST_CASE("a cell says how much is behind it by the work, be it nearly all training or all tests") {
  SweepConfig sweep = copies();
  sweep.examples = 2;
  const auto said = [&sweep](int steps) {
    sweep.base.steps = steps;
    const Plan plan = plan_of(sweep);
    std::vector<double> parts;
    const Folder folder;
    run_cell(sweep, plan, {&plan.variants[0], "rope", 1e-3}, folder / "cell",
             [&parts](const std::string& text) { parts.push_back(std::stod(text)); });
    CHECK(std::is_sorted(parts.begin(), parts.end()));
    CHECK(parts.back() == Approx(1));
    return parts;
  };
  CHECK(said(1)[0] < 0.3);  // what the one step leaves is tests
  CHECK(said(40)[39] > 0.7);
}

// Half and double: what a few steps tell of many, caches and clock rates being as they are.
TEST_CASE("a cell takes the time that is foretold", "[slow]") {
  const Folder folder;
  const int before = threads();
  set_threads(1);
  const SweepConfig sweep = copies();
  const Plan plan = plan_of(sweep);
  const Cell cell{&plan.variants[0], "rope", 1e-3};
  const Cost cost = measured(sweep, plan, cell);
  const double took = processor_seconds_of(
      [&] { run_cell(sweep, plan, cell, folder / "cell", [](const std::string&) {}); });
  set_threads(before);
  const double foretold = cost.training(cell) + cost.test;
  INFO(foretold << " s foretold, " << took << " s taken");
  CHECK(took > foretold / 2);
  CHECK(took < foretold * 2);
}
