#include "train/results/across_tasks.h"

#include <cmath>

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
  CHECK(interquartile_mean({1, 2, 6}) == Approx(3));  // none of three
}

TEST_CASE("seeds are resampled within their task, so a task never leaves the sample") {
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

TEST_CASE("scores are scaled from chance to the best, at multiples that tasks and text share") {
  const std::vector<Results> panels{found_text(), found_task()};
  const auto near = [](const Results& r, int row, int length) {
    return normalised(r, r.rows, length).at(std::size_t(row)).at(0);
  };
  CHECK(near(panels[1], 0, 40) == Approx((0.26 - 0.0625) / (1 - 0.0625)));
  CHECK(near(panels[0], 1, 128) == Approx((3.19 - 2.0) / (3.19 - 1.61)));
  CHECK(near(panels[0], 1, 512) == 0);  // 4.96 is worse than the unigram model
  CHECK(near(panels[0], 0, 64) == 1);   // 1.60 is better than the best median
  const std::vector<AtMultiple> all = at_multiples(panels);
  REQUIRE(all.size() == 2);
  CHECK(all[0].multiple == "1");
  CHECK(all[1].multiple == "2");
  CHECK(&headline_of(all) == &all[1]);
  REQUIRE(all[1].rows[0] == parse_row("rope"));  // copy comes before text
  CHECK(across_tasks(all[1].scores[0]).runs == 4);
  CHECK(across_tasks(all[1].scores[0]).tasks == 2);
}

TEST_CASE("the probability of improvement is a mean over tasks, and ties count half") {
  // In the first task 2 of 4 pairs are better and 1 is a tie; in the second none is better.
  CHECK(probability_of_improvement({{0.5, 0.9}, {0.1}}, {{0.5, 0.6}, {0.2}}) ==
        Approx((2.5 / 4 + 0) / 2));
  CHECK(probability_of_improvement({{0.5, 0.6}, {0.2}}, {{0.5, 0.9}, {0.1}}) == Approx(1.375 / 2));
  CHECK(probability_of_improvement({{1.}, {}}, {{0.}, {1.}}) == 1);  // the second has no pair
  CHECK(std::isnan(probability_of_improvement({{}, {1.}}, {{1.}, {}})));
}

TEST_CASE("a performance profile is the share of all runs above a score") {
  const TaskScores scores{{0, 0.5}, {0.5, 1}};
  CHECK(share_above(0, scores) == 0.75);
  CHECK(share_above(0.5, scores) == 0.25);
  CHECK(share_above(1, scores) == 0);
  CHECK(std::isnan(share_above(0, {{}, {}})));
}

TEST_CASE("ranks are of medians as tables print them, and rows without a value come last") {
  Results r = found_task();
  r.rows = parse_rows("rope,alibi,t5,learned,shaw,none,rope:window.size=0");
  for (const std::size_t row : {3, 4, 6}) {
    r.scores.push_back(r.scores[1]);
    r.scores.back().row = r.rows[row];
    r.scores.back().token_accuracy = row == 6 ? 1 : unknown;
  }
  r.scores[3].token_accuracy = 0.98001, r.scores[5].token_accuracy = 0.98049;  // both 98.0 %
  const std::vector<double> found = ranks_at(r, r.rows, 40);
  CHECK(std::vector<double>(found.begin(), found.begin() + 5) ==
        std::vector<double>{3, 1.5, 1.5, 4.5, 4.5});
  CHECK(std::isnan(found[5]));  // was not run
  CHECK(std::isnan(found[6]));  // does not compete
  const Results text = found_text();
  CHECK(ranks_at(text, text.rows, 512) == std::vector<double>{1, 3, 2, 4});
}

TEST_CASE("the mean rank is over the tasks that a row was run on, the best comes first") {
  AtMultiple at{.rows = parse_rows("rope,alibi,t5,none"),
                .ranks = {{1, 3}, {2, 1}, {3, unknown}, {unknown, unknown}}};
  CHECK(at.mean_rank(0) == 2);
  CHECK(at.mean_rank(1) == 1.5);
  CHECK(at.mean_rank(2) == 3);
  CHECK(std::isnan(at.mean_rank(3)));
  CHECK(at.by_rank() == std::vector<std::size_t>{1, 0, 2, 3});
  CHECK(at.best_ranked(9) == std::vector<std::size_t>{1, 0, 2});  // row 3 has no rank
  CHECK(at.best_ranked(2) == std::vector<std::size_t>{1, 0});
}

TEST_CASE("options of a task make it a different task, other settings do not") {
  Results plain = found_task(), unique = found_task(), wide = found_task();
  unique.variant = "data.copy.unique=true, data.train_length=20";
  wide.variant = "model.width=64";
  CHECK(task_name(plain) == "copy");
  CHECK(task_name(unique) == "copy (unique true)");
  CHECK(task_name(wide) == "copy");
  CHECK(at_multiples({plain, wide}).empty());
  CHECK(at_multiples({plain, wide, unique}).at(0).panels.size() == 2);
}
