#include "datasets/base/masked.h"

#include "tests/support/catch.h"
#include "tests/support/datasets.h"

using namespace yonder;

TEST_CASE("the masked form of every task hides the whole answer in place") {
  for (const TaskEntry& entry : tasks()) {
    if (entry.make()->reads_files()) continue;
    INFO(entry.name);
    auto inner = make_task(entry.name);
    const auto plain = prepared(entry.name, {}, 5);
    inner->prepare(5, {});
    const int vocabulary = inner->vocabulary(), tokens = inner->tokens(5);
    const auto task = masked(std::move(inner));
    CHECK(task->vocabulary() == vocabulary + 1);
    CHECK(task->tokens(5) == tokens + (plain->labels() ? 0 : 1));
    CHECK(task->spelled(vocabulary) == "<mask>");
    for (const Split split : {Split::test, Split::validation}) {
      const EvalSpec spec{.length = 5, .split = split};
      const Batch hidden = task->test(spec, 0, 3), seen = plain->test(spec, 0, 3);
      for (int b = 0; b < 3; ++b)
        for (int t = 0; t < seen.extent; ++t) {
          if (plain->labels()) continue;  // nothing to hide
          const int asked = seen.targets[b * seen.extent + t], p = b * hidden.extent + t + 1;
          CHECK(hidden.targets[p] == asked);
          if (asked >= 0) CHECK(hidden.tokens[p] == vocabulary);
          else CHECK(hidden.tokens[p] == seen.tokens[b * seen.extent + t + 1]);
        }
    }
  }
}

TEST_CASE("the masked form keeps the powers of digits, and EOS has none") {
  auto inner = prepared("addition", {}, 5);
  const Batch seen = inner->test({.length = 5}, 0, 3);
  const auto task = masked(std::move(inner));
  CHECK(task->numbers());
  const Batch hidden = task->test({.length = 5}, 0, 3);
  for (int b = 0; b < 3; ++b)
    for (int t = 0; t < hidden.extent; ++t)
      CHECK(hidden.digits[b * hidden.extent + t] ==
            (t < seen.extent ? seen.digits[b * seen.extent + t] : -1));
}
