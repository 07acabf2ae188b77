#include "train/report/plots.h"

#include <cmath>

#include "tests/support/catch.h"
#include "tests/support/results_fixture.h"
#include "train/report/attention_map.h"

using namespace yonder;
using Catch::Matchers::ContainsSubstring;

namespace {

AttentionScore mapped_look() {
  return {.row = {"rope", {}},
          .length = 128,
          .tokens = 128,
          .heads = {{.keys = 20, .by_distance = {1}, .map = {1, 0, 0.25, 0.75}},
                    {.head = 1, .keys = 30, .by_distance = {1}, .map = {1, 0, 0.001, 0.999}}}};
}

}  // namespace

TEST_CASE("each seed is a dot of its own, and a chart says which axis is logarithmic") {
  const Results r = found_text();
  const Chart c = over_length(r, Measure::loss, r.rows, Palette(r.rows));
  CHECK(c.lines[0].points[2].seeds == std::vector<double>{1.63, 1.64, 1.65});
  CHECK(c.mark == 64);
  CHECK_THAT(chart_svg(c, Svg::inlined), ContainsSubstring("nats per byte (log scale)"));
}

TEST_CASE("with many rows, the first picture has the encodings, and each family has its own") {
  Results r = found_text(1);
  const Palette few(r.rows);
  CHECK(headline(r, few).size() == 1);
  r.rows = parse_rows("none,rope,alibi,t5,kerple,fire,learned,rope:window.size=0");
  for (const char* scaling :
       {"linear", "ntk", "ntk-old", "ntk-fixed", "ntk-mixed", "yarn", "leaky", "rerope", "llama3"})
    r.rows.push_back(parse_rows("rope:rope.scaling=" + std::string(scaling))[0]);
  const auto charts = headline(r, Palette(r.rows));
  REQUIRE(charts.size() == 2);
  CHECK(charts[0].lines.size() == 7);
  CHECK(charts[1].lines.size() == 11);
  CHECK(charts[0].name != charts[1].name);
}

TEST_CASE("a picture's caption says how many seeds its medians have at most") {
  Results r = found_text();
  const auto caption = [&r] {
    return over_length(r, Measure::loss, r.rows, Palette(r.rows)).caption;
  };
  CHECK_THAT(caption(), ContainsSubstring("Median of 3 seeds, dots: seeds."));
  r.scores.erase(r.scores.begin());
  CHECK_THAT(caption(), ContainsSubstring("Median of up to 3 seeds"));
  r = found_text(11);
  CHECK_THAT(caption(), ContainsSubstring("Median of 11 seeds, bands: range of the seeds"));
}

TEST_CASE("a map has a square per head, opacity by the root of the mass, and a diagonal at N") {
  const std::string svg = attention_map_svg(mapped_look(), 32, Svg::inlined);
  CHECK_THAT(svg, ContainsSubstring("<title>layer 1, head 2</title>"));
  CHECK_THAT(svg, ContainsSubstring("fill-opacity=\"1\" d=\"M0 0h1v1H0z\""));
  CHECK_THAT(svg, ContainsSubstring("fill-opacity=\"0.5\" d=\"M0 1h1v1H0z\""));
  CHECK_THAT(svg, ContainsSubstring("fill-opacity=\"0.9\" d=\"M1 1h1v1H1z\""));
  // Values too small to be seen are not drawn: head 2 has one shade.
  CHECK_THAT(svg, ContainsSubstring("fill-opacity=\"1\" d=\"M0 0h1v1H0zM1 1h1v1H1z\""));
  CHECK_THAT(svg, ContainsSubstring("class=\"mark\""));
  CHECK(attention_map_svg(mapped_look(), 128, Svg::inlined).find("mark") == std::string::npos);
  CHECK(attention_map_svg(mapped_look(), 0, Svg::inlined).find("mark") == std::string::npos);
}

TEST_CASE("effective keys show half of all tokens as a dashed line, and N counts tokens") {
  Results r = found_task();
  for (const int length : {20, 40}) {
    AttentionScore look = mapped_look();
    look.length = length, look.tokens = 2 * length + 2;
    r.attention.push_back(look);
  }
  const Chart keys = keys_over_length(r, r.rows, Palette(r.rows));
  REQUIRE(keys.reference_lines.size() == 1);
  CHECK(keys.reference_lines[0].points[1].y == 41);
  CHECK_THAT(chart_svg(keys, Svg::inlined),
             ContainsSubstring("<path class=\"thin grey\" stroke-dasharray"));
  CHECK(over_distances(r, r.rows, Palette(r.rows)).mark == 1 + std::log2(42));
}

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
