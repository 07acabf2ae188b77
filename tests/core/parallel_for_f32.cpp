#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>

#include "core/parallel.h"

#include "tests/support/catch.h"

using namespace yonder;

TEST_CASE("of several exceptions, the one of lowest index is thrown, with any number of threads") {
  for (const int count : {1, 2, 4}) {
    const WithThreads so_many(count);
    const auto late_first = [](std::int64_t i) {
      if (i % 3 != 1) return;
      if (i == 1) std::this_thread::sleep_for(std::chrono::milliseconds(20));
      throw std::runtime_error(std::to_string(i));
    };
    CHECK_THROWS_WITH(parallel_for(64, late_first), "1");
  }
}

TEST_CASE("a number of threads set for a scope is restored") {
  const int before = threads();
  {
    const WithThreads more(before + 2);
    CHECK(threads() == before + 2);
  }
  CHECK(threads() == before);
}
