#include "train/statistics.h"

#include <catch2/catch.hpp>
#include <cmath>

using namespace yonder;

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
