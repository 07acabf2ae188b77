#include "core/random.h"

#include <catch2/catch.hpp>

using namespace yonder;

TEST_CASE("a random number depends on seed, stream, step and index, and on nothing else") {
  const Random a(1, "x", 2);
  CHECK(a.block(3) == Random(1, "x", 2).block(3));
  CHECK(a.block(3) != Random(2, "x", 2).block(3));
  CHECK(a.block(3) != Random(1, "y", 2).block(3));
  CHECK(a.block(3) != Random(1, "x", 3).block(3));
  CHECK(a.block(3) != a.block(4));
}
