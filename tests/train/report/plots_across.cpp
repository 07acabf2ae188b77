#include "train/report/plots_across.h"

#include "tests/support/catch.h"

using namespace yonder;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("a picture of mean ranks has a line per row, best first, over the multiples") {
  const auto at = [](const std::string& multiple, double rope, double alibi) {
    return AtMultiple{.multiple = multiple,
                      .panels = {nullptr, nullptr},
                      .rows = parse_rows("rope,alibi,rope:window.size=0"),
                      .ranks = {{rope, 2}, {alibi, 1}, {unknown, unknown}}};
  };
  const std::vector<AtMultiple> all{at("1", 1, 2), at("8", 2, 1)};
  const Chart c = mean_ranks(all, Palette(all[0].rows));
  REQUIRE(c.lines.size() == 2);  // windowed models have no rank
  CHECK(c.lines[0].label == "ALiBi");
  CHECK(c.lines[0].points[0].y == 1.5);
  CHECK(c.lines[0].points[1].x == 8);
  CHECK(c.lines[1].points[1].y == 2);
  CHECK(mean_ranks({all[0]}, Palette(all[0].rows)).lines.empty());
  std::vector<AtMultiple> more{all[0], at("1.5", 1, 2), at("4", 2, 1), all[1]};
  more[1].panels.pop_back();  // not all tasks: no ranks to compare
  more[2].rows.erase(more[2].rows.begin() + 1), more[2].ranks.erase(more[2].ranks.begin() + 1);
  const Chart gap = mean_ranks(more, Palette(all[0].rows));
  CHECK(gap.x_tics.size() == 3);
  CHECK(gap.lines[0].points.size() == 2);  // ALiBi was not run at 4
  CHECK(gap.lines[1].points.size() == 3);
}

TEST_CASE("a picture of mean ranks shows the eight best rows and says so") {
  AtMultiple one{.multiple = "1",
                 .panels = {nullptr, nullptr},
                 .rows = parse_rows("none,rope,alibi,t5,kerple,fire,learned,shaw,xpos")};
  for (double rank = 9; rank > 0; --rank) one.ranks.push_back({rank, rank});
  AtMultiple two = one;
  two.multiple = "2";
  const Chart c = mean_ranks({one, two}, Palette(one.rows));
  REQUIRE(c.lines.size() == 8);
  CHECK(c.lines[0].label == "xPos");
  CHECK_THAT(c.caption, ContainsSubstring("The 8 rows that rank best at 2×."));
}

TEST_CASE("a performance profile has a line per row, best first, of the share above each score") {
  const AtMultiple at{.multiple = "8",
                      .rows = parse_rows("rope,alibi,rope:window.size=0"),
                      .scores = {{{0, 0.5}, {0.2}}, {{1, 1}, {1}}, {{1}, {1}}}};
  const Chart c = performance_profile(at, Palette(at.rows));
  REQUIRE(c.lines.size() == 2);  // windowed models do not compete
  CHECK(c.lines[0].label == "ALiBi");
  CHECK(c.lines[0].points.back().y == 100);
  CHECK(c.lines[1].points.front().y == Catch::Approx(200. / 3));
  CHECK(c.lines[1].points.back().y == 0);
  CHECK_THAT(c.title, ContainsSubstring("at 8×"));
}
