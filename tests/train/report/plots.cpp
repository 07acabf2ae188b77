#include "train/report/plots.h"

#include "tests/support/catch.h"
#include "tests/support/results_fixture.h"

using namespace yonder;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("each seed is a dot of its own, and a chart says which axis is logarithmic") {
  const Results r = found_text();
  const Chart c = over_length(r, Measure::loss, r.rows, Palette(r.rows));
  CHECK(c.lines[0].points[2].seeds == std::vector<double>{1.63, 1.64, 1.65});
  CHECK(c.mark == 64);
  CHECK_THAT(chart_svg(c, Svg::inlined), ContainsSubstring("nats per byte (log scale)"));
}

TEST_CASE("with many rows the first picture has the encodings and each family one of its own") {
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

TEST_CASE("a picture says of how many seeds its medians are at most") {
  Results r = found_text();
  const auto caption = [&r] {
    return over_length(r, Measure::loss, r.rows, Palette(r.rows)).caption;
  };
  CHECK_THAT(caption(), ContainsSubstring("Median of 3 seeds"));
  r.scores.erase(r.scores.begin());
  CHECK_THAT(caption(), ContainsSubstring("Median of up to 3 seeds"));
}

TEST_CASE(
    "a performance profile has a line for each row, the best first, of the runs above a score") {
  const AtMultiple at{.multiple = "8",
                      .rows = parse_rows("rope,alibi,rope:window.size=0"),
                      .scores = {{{0, 0.5}, {0.2}}, {{1, 1}, {1}}, {{1}, {1}}}};
  const Chart c = performance_profile(at, Palette(at.rows));
  REQUIRE(c.lines.size() == 2);  // windowed models are no competitors
  CHECK(c.lines[0].label == "ALiBi");
  CHECK(c.lines[0].points.back().y == 100);
  CHECK(c.lines[1].points.front().y == Catch::Approx(200. / 3));
  CHECK(c.lines[1].points.back().y == 0);
  CHECK_THAT(c.title, ContainsSubstring("at 8×"));
}
