#include "train/results/orderings.h"

#include "tests/support/catch.h"
#include "tests/support/results_fixture.h"

using namespace yonder;

namespace {

Verdict verdict_of(const Results& r, Claim claim) {
  Study study{.panels = {r}, .claims = {std::move(claim)}};
  return verdicts(study).at(0);
}

Results with_loss(Results r, const Row& row, int length, int seed, double loss) {
  for (Score& s : r.scores)
    if (s.row == row && s.length == length && s.seed == seed) s.loss = loss;
  return r;
}

}  // namespace

TEST_CASE("an ordering names its seeds, < for a loss and > for a share") {
  const Results text = found_text(), task = found_task();
  const Ordering o = ordering(text, text.rows[0], text.rows[2], 512, Measure::loss);
  CHECK(said(o) == "KERPLE < RoPE + YaRN at 512: 3 of 3 seeds");
  CHECK(o.outcome == Outcome::holds);
  CHECK(evidence(o) ==
        "median difference −0.290 nats, interval −0.290 to −0.290, sign test p = 0.25");
  CHECK(said(ordering(task, task.rows[1], task.rows[0], 40, Measure::accuracy)) ==
        "ALiBi > RoPE at 40: 1 of 1 seed");
}

TEST_CASE("a claim whose every step holds is reproduced, the opposite order is not") {
  const Verdict v = verdict_of(found_text(), {.order = {"kerple", "rope:rope.scaling=yarn"}});
  CHECK(v.length == 512);
  CHECK(v.result == Verdict::reproduced);
  // rope loses 4.96, which is worse than letter frequencies; kerple and yarn do not.
  CHECK(verdict_of(found_text(), {.order = {"rope", "kerple"}}).result == Verdict::not_reproduced);
  CHECK(std::string(name_of(Verdict::not_reproduced)) == "not reproduced");
}

TEST_CASE("a claim of which some steps hold is partly reproduced") {
  const Verdict v =
      verdict_of(found_text(), {.order = {"kerple", "rope", "rope:rope.scaling=yarn"}});
  REQUIRE(v.steps.size() == 2);
  CHECK(v.steps[0].outcome == Outcome::holds);
  CHECK(v.steps[1].outcome == Outcome::reversed);
  CHECK(v.result == Verdict::partly);
}

TEST_CASE("one seed that disagrees of three leaves a pair open") {
  const Results r = found_text();
  const Ordering o =
      ordering(with_loss(r, r.rows[2], 512, 1, 1.5), r.rows[0], r.rows[2], 512, Measure::loss);
  CHECK(o.agree == 2);
  CHECK(o.outcome == Outcome::open);
}

TEST_CASE("nothing is told of too few seeds, rows not run, tables that end, or guesses") {
  const Verdict few = verdict_of(found_text(2), {.order = {"kerple", "rope"}});
  CHECK(few.result == Verdict::cannot_be_told);
  CHECK(few.steps[0].doubt == "2 seeds, at least 3 are needed");
  auto doubt = [](const Results& r, std::vector<std::string> order) {
    const Verdict v = verdict_of(r, {.order = std::move(order)});
    CHECK(v.result == Verdict::cannot_be_told);
    return v.steps.at(0).doubt;
  };
  CHECK(doubt(found_text(), {"kerple", "t5"}) == "T5 was not run");
  CHECK(doubt(found_text(), {"kerple", "learned"}) == "learned has no number here: table ends");
  CHECK(doubt(found_task(), {"alibi", "t5"}).starts_with("T5 was not learned"));
  Results lost = found_text();
  lost.letters = 1.5;
  CHECK(doubt(lost, {"kerple", "rope"}) == "both at chance level");
}

TEST_CASE("a claim about what was not tested says so") {
  CHECK(verdict_of(found_text(), {.order = {"kerple", "rope"}, .length = 100}).why ==
        "length 100 was not tested");
  CHECK(verdict_of(found_text(), {.order = {"kerple", "rope"}, .task = "copy"}).panel == -1);
}

TEST_CASE("the ranking goes from best to worst and leaves out what has no number") {
  const auto rows = ranking(found_text(), 512, Measure::loss);
  REQUIRE(rows.size() == 3);
  CHECK(rows[0].label() == "kerple");
  CHECK(rows[2].label() == "rope");
  CHECK(orderings(found_text(), 512, Measure::loss).size() == 2);
}
