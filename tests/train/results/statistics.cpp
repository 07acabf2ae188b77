#include "train/results/statistics.h"

#include <cmath>

#include "tests/support/catch.h"

using namespace yonder;
using Catch::Approx;

TEST_CASE("the median of an odd count is the middle value, whatever the order") {
  const Spread s = spread({3, 1, 2});
  CHECK(s.median == 2);
  CHECK(s.least == 1);
  CHECK(s.most == 3);
  CHECK(s.count == 3);
}

TEST_CASE("the median of an even count is the mean of the middle two") {
  CHECK(spread({4, 1, 2, 10}).median == 3);
  CHECK(spread({1, 2}).median == 1.5);
}

TEST_CASE("one value is its own median and range, none is an empty spread of NaN") {
  const Spread one = spread({7});
  CHECK((one.median == 7 && one.least == 7 && one.most == 7));
  const Spread none = spread({});
  CHECK(none.empty());
  CHECK((std::isnan(none.median) && std::isnan(none.least) && std::isnan(none.most)));
}

TEST_CASE("an infinite loss is a value like any other") {
  CHECK(spread({1, 2, INFINITY}).median == 2);
  CHECK(spread({1, 2, INFINITY}).most == INFINITY);
}

TEST_CASE("the interval of three seeds is their range, and states its low confidence") {
  const Interval i = bootstrap({3, 1, 2});
  // P(median of a resample = least) = 3·(1/3)²(2/3) + (1/3)³ = 7/27, far over 2.5 %.
  CHECK(i.low == 1);
  CHECK(i.high == 3);
  CHECK(i.coverage == Approx(0.75));
  CHECK(worth(i) == "75 % confidence interval (n = 3)");
  CHECK(worth(bootstrap({4})) == "one seed has no interval");
}

TEST_CASE("the interval of five seeds is their range, that of seven is narrower") {
  // The least of 5 is a resample's median if at least 3 of 5 draws are it: 0.058 > 2.5 %; the least
  // of 7 if 4 of 7 are: 0.0102 < 2.5 %.
  const Interval five = bootstrap({1, 2, 3, 4, 5});
  CHECK((five.low == 1 && five.high == 5));
  CHECK(five.coverage == Approx(0.9375));
  const Interval seven = bootstrap({1, 2, 3, 4, 5, 6, 7});
  CHECK((seven.low == 2 && seven.high == 6));
  // 1 − 2 (1 + 7)/2^7
  CHECK(seven.coverage == Approx(0.875));
}

TEST_CASE("random resamples approximate counting all of them, reproducibly and in any order") {
  std::vector<double> up, down;
  for (int i = 0; i < 41; ++i) up.push_back(i), down.push_back(40 - i);
  const Interval i = bootstrap(up);
  // Order statistics 14 and 28 of 41 are the 95 % interval of the sign test.
  CHECK(i.low == Approx(13).margin(1.01));
  CHECK(i.high == Approx(27).margin(1.01));
  CHECK(i.coverage > 0.9);
  CHECK((bootstrap(down).low == i.low && bootstrap(down).high == i.high));
}

TEST_CASE("resampled sequences spread by their standard error") {
  // 400 sequences of loss 1 or 3 per target: mean 2, standard deviation 1, standard error 1/20.
  std::vector<double> sums;
  const std::vector<int> counts(400, 32);
  for (int i = 0; i < 400; ++i) sums.push_back(i % 2 ? 32 : 96);
  const Interval i = bootstrap_of_sequences(sums, counts);
  CHECK(i.low == Approx(2 - 1.96 / 20).margin(0.01));
  CHECK(i.high == Approx(2 + 1.96 / 20).margin(0.01));
  CHECK(i.low == bootstrap_of_sequences(sums, counts).low);

  // Sequences with more targets have more weight.
  const Interval uneven = bootstrap_of_sequences({100, 3}, {100, 1});
  CHECK((uneven.low == 1 && uneven.high == 3));
  CHECK(std::isnan(bootstrap_of_sequences({1}, {1}).low));
}

TEST_CASE("pairs count the seeds that agree") {
  const Paired p = paired({1, 2, 3, 4, 5}, {2, 3, 4, 5, 6.5});
  CHECK(p.below == 5);
  CHECK(p.above == 0);
  CHECK(p.difference.median == -1);
  CHECK((p.interval.low == -1.5 && p.interval.high == -1));
  CHECK(p.differences == std::vector<double>{-1, -1, -1, -1, -1.5});
  CHECK(paired({}, {}).seeds == 0);
  CHECK(paired({INFINITY, 1}, {INFINITY, 2}).difference.most == 0);
}
