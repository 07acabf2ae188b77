#include "train/costs.h"

#include <catch2/catch.hpp>

using namespace yonder;

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
