#include "train/results/orderings.h"

#include <cmath>

#include "tests/support/catch.h"
#include "tests/support/results_fixture.h"

using namespace yonder;

namespace {

Verdict verdict_of(const Results& r, Claim claim) {
  Study study{.panels = {r}, .claims = {std::move(claim)}};
  return verdicts(study).at(0);
}

Results with_loss(Results r, const Row& row, int length, int seed, double loss) {
  for (EvalScore& s : r.scores)
    if (s.row == row && s.length == length && s.seed == seed) s.loss = loss;
  return r;
}

}  // namespace

TEST_CASE("an ordering counts its seeds, and uses < for a loss and > for a share") {
  const Results text = found_text(5), task = found_task();
  const Ordering o = ordering(text, text.rows[0], text.rows[2], 512, Measure::loss);
  CHECK(said(o) == "KERPLE < RoPE + YaRN at 512: 5 of 5 seeds");
  CHECK(o.outcome == Outcome::holds);
  CHECK(evidence(o) ==
        "median difference −0.290 nats, interval −0.290 to −0.290, p = 0.031 (sign test 0.031)");
  CHECK(said(ordering(task, task.rows[1], task.rows[0], 40, Measure::token_accuracy)) ==
        "ALiBi > RoPE at 40: 1 of 1 seed");
}

TEST_CASE("a claim whose every step holds is reproduced, the opposite order is not") {
  const Verdict v = verdict_of(found_text(5), {.order = {"kerple", "rope:rope.scaling=yarn"}});
  CHECK(v.length == 512);
  CHECK(v.result == Verdict::reproduced);
  // rope's loss of 4.96 is worse than the unigram baseline; kerple's and yarn's are not.
  CHECK(verdict_of(found_text(5), {.order = {"rope", "kerple"}}).result == Verdict::not_reproduced);
  CHECK(std::string(name_of(Verdict::not_reproduced)) == "not reproduced");
}

TEST_CASE("a claim of which some steps hold is partly reproduced") {
  const Verdict v =
      verdict_of(found_text(5), {.order = {"kerple", "rope", "rope:rope.scaling=yarn"}});
  REQUIRE(v.steps.size() == 2);
  CHECK(v.steps[0].outcome == Outcome::holds);
  CHECK(v.steps[1].outcome == Outcome::reversed);
  CHECK(v.result == Verdict::partly);
}

TEST_CASE("if one of five seeds disagrees, a pair stays open, with the seeds needed to decide") {
  const Results r = found_text(5);
  const Ordering o =
      ordering(with_loss(r, r.rows[2], 512, 1, 1.5), r.rows[0], r.rows[2], 512, Measure::loss);
  CHECK(o.agree == 4);
  CHECK(o.p == 2 / 32.);
  CHECK(o.outcome == Outcome::open);
  CHECK(seeds_to_decide(o, 1) == "7 seeds would decide, if the observed difference is real");
  const Ordering opposite =
      ordering(with_loss(r, r.rows[2], 512, 1, 1.5), r.rows[2], r.rows[0], 512, Measure::loss);
  CHECK(seeds_to_decide(opposite, 1) ==
        "it leans the other way; 7 seeds would decide, if the observed difference is real");
}

TEST_CASE("more seeds are asked for only where they would help") {
  Results r = found_text(3);
  const auto asked = [&r] {
    return seeds_to_decide(ordering(r, r.rows[0], r.rows[2], 512, Measure::loss), 1);
  };
  CHECK_THAT(asked(), Catch::Matchers::ContainsSubstring("seeds would decide"));
  for (EvalScore& s : r.scores)
    if (s.row == r.rows[2]) s.loss = 4;  // above the unigram baseline
  for (EvalScore& s : r.scores)
    if (s.row == r.rows[0]) s.loss = 4.5;
  CHECK(asked().empty());
}

TEST_CASE("one seed has neither an interval nor a p") {
  const Results r = found_text(1);
  const Ordering o = ordering(r, r.rows[0], r.rows[2], 512, Measure::loss);
  CHECK(evidence(o) == "difference −0.290 nats; one seed has no interval and no p");
  CHECK((std::isnan(o.p) && std::isnan(o.opposite_p) && std::isnan(o.pairs.interval.low)));
  CHECK(o.outcome == Outcome::open);
  CHECK(verdict_of(r, {.order = {"kerple", "rope:rope.scaling=yarn"}}).p == 1);
}

TEST_CASE("the opposite of an order is tested as often as the order has steps") {
  const std::vector<std::string> order{"rope", "rope:rope.scaling=yarn", "kerple"};
  CHECK(verdict_of(found_text(5), {.order = order}).opposite_p == 2 / 32.);
  CHECK(verdict_of(found_text(5), {.order = order}).result == Verdict::inconclusive);
  CHECK(verdict_of(found_text(6), {.order = order}).result == Verdict::not_reproduced);
}

TEST_CASE("claims of one study share their error rate, by Holm") {
  const Claim claim{.order = {"kerple", "rope:rope.scaling=yarn"}};
  Study study{.panels = {found_text(5)}, .claims = {claim, claim}};
  CHECK(verdicts(study)[0].result == Verdict::partly);  // 2 · 1/32
  CHECK(verdicts(study)[0].adjusted_p == 2 / 32.);
  study.panels = {found_text(6)};
  CHECK(verdicts(study)[0].result == Verdict::reproduced);
}

TEST_CASE("an order of four rows or more has a trend") {
  Results r = found_text(5);
  for (EvalScore& s : r.scores)
    if (s.row == r.rows[3]) s.status = Status::ok, s.reason = s.problem = "", s.loss = 3;
  const Verdict v =
      verdict_of(r, {.order = {"kerple", "rope:rope.scaling=yarn", "learned", "rope"}});
  REQUIRE(v.trend);
  CHECK(v.trend->tau == 1);
  CHECK(v.trend->p < 1e-3);
  CHECK(v.result == Verdict::reproduced);
}

TEST_CASE("too few seeds, missing rows, tables that end and models at chance are inconclusive") {
  const Verdict few = verdict_of(found_text(2), {.order = {"kerple", "rope"}});
  CHECK(few.result == Verdict::inconclusive);
  CHECK(few.steps[0].doubt == "2 seeds, at least 5 are needed");
  auto doubt = [](const Results& r, std::vector<std::string> order) {
    const Verdict v = verdict_of(r, {.order = std::move(order)});
    CHECK(v.result == Verdict::inconclusive);
    return v.steps.at(0).doubt;
  };
  CHECK(doubt(found_text(5), {"kerple", "t5"}) == "T5 was not run");
  CHECK(doubt(found_text(5), {"kerple", "learned"}) == "learned has no number here: table ends");
  CHECK(doubt(found_task(), {"alibi", "t5"}).starts_with("T5 was not learned"));
  Results lost = found_text(5);
  lost.unigram_loss = 1.5;
  CHECK(doubt(lost, {"kerple", "rope"}) == "both at chance level");
}

TEST_CASE("a claim about something not evaluated says so") {
  CHECK(verdict_of(found_text(), {.order = {"kerple", "rope"}, .length = 100}).why ==
        "length 100 was not tested");
  CHECK(verdict_of(found_text(), {.order = {"kerple", "rope"}, .task = "copy"}).panel == -1);
}

TEST_CASE("the ranking goes from best to worst and omits rows without a value") {
  const auto rows = ranking(found_text(), 512, Measure::loss);
  REQUIRE(rows.size() == 3);
  CHECK(rows[0].label() == "kerple");
  CHECK(rows[2].label() == "rope");
  CHECK(orderings(found_text(), 512, Measure::loss).size() == 2);
}

TEST_CASE("a claim may name its measure and its panel's config, or be judged as a whole") {
  Results r = found_text(5);
  for (EvalScore& s : r.scores)
    if (s.row == r.rows[3]) s.status = Status::ok, s.reason = s.problem = "", s.loss = 3;
  for (EvalScore& s : r.scores)  // one seed in which two neighbours are swapped
    if (s.row == r.rows[0] && s.length == 512 && s.seed == 0) s.loss = 2.5;
  const std::vector<std::string> order{"kerple", "rope:rope.scaling=yarn", "learned", "rope"};
  CHECK(verdict_of(r, {.order = order}).result == Verdict::partly);
  const Verdict whole = verdict_of(r, {.order = order, .judged_by = "trend"});
  REQUIRE(whole.trend);
  CHECK(whole.p == whole.trend->p);
  CHECK(whole.result == Verdict::reproduced);
  Results worse = r;
  worse.unigram_loss = 2.9;  // below learned and rope, whose order then means nothing
  CHECK(verdict_of(worse, {.order = order, .judged_by = "trend"}).result == Verdict::partly);
  const Verdict last_turned =
      verdict_of(r, {.order = {order[0], order[1], order[3], order[2]}, .judged_by = "trend"});
  CHECK(last_turned.adjusted_p <= 0.05);
  CHECK(last_turned.steps.back().opposite_p <= 0.05);
  CHECK(last_turned.result == Verdict::partly);
  Results tied = r;
  for (EvalScore& s : tied.scores)
    if (s.row == tied.rows[0] || s.row == tied.rows[2]) s.loss = 1 + 0.01 * s.seed;
  const Verdict equal = verdict_of(tied, {.order = order, .judged_by = "trend"});
  CHECK(equal.adjusted_p <= 0.05);
  CHECK(equal.steps.front().agree == 0);
  CHECK(equal.result == Verdict::partly);
  CHECK(seeds_to_decide(equal.steps.front(), 1) == "they are equal in every seed");
  const Verdict turned =
      verdict_of(r, {.order = {order.rbegin(), order.rend()}, .judged_by = "trend"});
  CHECK(turned.opposite_p == whole.p);
  CHECK(turned.result == Verdict::not_reproduced);
  CHECK(verdict_of(r, {.order = order, .measure = "exact_match"}).why ==
        "exact_match is not a measure of text");
  CHECK(verdict_of(r, {.order = order, .config = "train.steps=9"}).panel == -1);
  const Verdict exact =
      verdict_of(found_task(), {.order = {"alibi", "rope"}, .measure = "exact_match"});
  CHECK(exact.steps.at(0).measure.name == std::string("exact_match"));
}

TEST_CASE("at the training length itself, a row that has not learned is the finding") {
  const Verdict v = verdict_of(found_task(), {.order = {"alibi", "t5"}, .length = 20});
  CHECK(v.steps.at(0).doubt == "1 seed, at least 5 are needed");
}
