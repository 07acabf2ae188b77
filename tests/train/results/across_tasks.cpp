#include "train/results/across_tasks.h"

#include "tests/support/catch.h"
#include "tests/support/results_fixture.h"

using namespace yonder;
using Catch::Approx;

TEST_CASE("Wilson's interval of a solve rate") {
  CHECK(wilson(0, 5).first == 0);
  CHECK(wilson(0, 5).second == Approx(0.434).margin(5e-4));
  CHECK(wilson(5, 5).first == Approx(0.566).margin(5e-4));
  CHECK(wilson(5, 5).second == 1);
  CHECK(wilson(0, 3).second == Approx(0.561).margin(5e-4));
  CHECK(wilson(3, 3).first == Approx(0.439).margin(5e-4));
}

TEST_CASE("the interquartile mean drops a quarter at either end") {
  CHECK(interquartile_mean({0.9, 0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6}) == Approx(0.35));
  CHECK(interquartile_mean({1, 2, 6}) == Approx(3));  // of three none
}

TEST_CASE("seeds are redrawn within their task, so a task never leaves the sample") {
  const AcrossTasks apart = across_tasks({{1, 1, 1}, {0, 0, 0}, {}});
  CHECK(apart.tasks == 2);
  CHECK(apart.runs == 6);
  CHECK(apart.mean == 0.5);
  CHECK(apart.low == 0.5);  // a pooled bootstrap would have draws of one task
  CHECK(apart.high == 0.5);
  const AcrossTasks spread = across_tasks({{0, 1, 0, 1}, {0.5, 0.5, 0.5, 0.5}});
  CHECK(spread.low < spread.mean);
  CHECK(spread.mean < spread.high);
  CHECK(across_tasks({{0, 1, 0, 1}, {0.5, 0.5, 0.5, 0.5}}).low == spread.low);
}

TEST_CASE("scores of tasks and of text are from chance to the best, at multiples that both have") {
  const std::vector<Results> panels{found_text(), found_task()};
  const auto near = [](const Results& r, int row, int length) {
    return normalised(r, r.rows[std::size_t(row)], length).at(0);
  };
  CHECK(near(panels[1], 0, 40) == Approx((0.26 - 0.0625) / (1 - 0.0625)));
  CHECK(near(panels[0], 1, 128) == Approx((3.19 - 2.0) / (3.19 - 1.61)));
  CHECK(near(panels[0], 1, 512) == 0);  // 4.96 is worse than the unigram model
  CHECK(near(panels[0], 0, 64) == 1);   // 1.60 is better than the best median
  CHECK(shared_multiples(panels) == std::vector<std::string>{"1", "2"});
  CHECK(across_tasks(panels, parse_row("rope"), "2").runs == 4);
  CHECK(across_tasks(panels, parse_row("rope"), "2").tasks == 2);
}
