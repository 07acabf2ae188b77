#include "tests/support/refused.h"

using namespace yonder;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("check tries an encoding in every kind of model, with its overrides") {
  const Ran rope = yonder_run("check RoPE");
  CHECK(rope.code == 0);
  CHECK_THAT(rope.out, ContainsSubstring("ok      rope, causal\n") &&
                           ContainsSubstring("ok      rope, bidirectional\n") &&
                           ContainsSubstring("rope.scaling=yarn") && !ContainsSubstring("FAILED"));
  const Ran learned = yonder_run("check learned");
  CHECK(learned.code == 0);
  CHECK_THAT(learned.out, ContainsSubstring("undefined beyond the training length"));
  CHECK(yonder_run("check abacus").code == 0);  // needs digits
}

TEST_CASE("check refuses an unknown encoding") {
  CHECK(refused("check rop", 2, "did you mean 'rope'"));
  CHECK(refused("check", 2, "ENCODING"));
}
