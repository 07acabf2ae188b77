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
