#include "train/report/chart.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "tests/support/catch.h"
#include "tests/support/results_fixture.h"
#include "train/report/plots.h"

using namespace yonder;
using Catch::Matchers::ContainsSubstring;

namespace {

int count(const std::string& text, const std::string& part) {
  int n = 0;
  for (auto at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++n;
  return n;
}

// The values of every attribute of this name.
std::vector<double> numbers(const std::string& svg, const std::string& attribute) {
  std::vector<double> all;
  const std::string before = " " + attribute + "=\"";
  for (auto at = svg.find(before); at != svg.npos; at = svg.find(before, at + 1))
    all.push_back(std::stod(svg.substr(at + before.size())));
  return all;
}

Chart of_text() {
  const Results r = found_text();
  return over_length(r, Measure::loss, r.rows, Palette(r.rows));
}

}  // namespace

TEST_CASE("labels that fit keep their preferred positions") {
  CHECK(spread_labels({3, 1, 2}, 0.5, 0, 4) == std::vector<double>{3, 1, 2});
}

TEST_CASE("labels of equal height are moved apart, around the middle, and keep their order") {
  const auto at = spread_labels({2, 2, 2}, 0.5, 0, 4);
  CHECK(at == std::vector<double>{1.5, 2, 2.5});
  CHECK(spread_labels({}, 1, 0, 1).empty());
}

TEST_CASE("labels never overlap or leave the frame while there is room") {
  const std::vector<double> wanted{0, 0.05, 0.1, 0.11, 3.9, 4, 4, 1};
  const auto at = spread_labels(wanted, 0.4, 0, 4);
  for (std::size_t i = 0; i < at.size(); ++i) {
    CHECK(at[i] >= 0);
    CHECK(at[i] <= 4 + 1e-12);
    for (std::size_t j = 0; j < i; ++j) {
      CHECK(std::abs(at[i] - at[j]) >= 0.4 - 1e-12);
      if (wanted[i] > wanted[j]) CHECK(at[i] > at[j]);
    }
  }
}

TEST_CASE("a chart has a line, markers with their values and a dot for each seed") {
  const std::string svg = chart_svg(of_text(), Svg::inlined);
  CHECK(count(svg, "class=\"stroke\"") == 4);
  CHECK(count(svg, "class=\"seed\"") == 3 * (3 + 3 + 3 + 1));
  CHECK(count(svg, "<title>RoPE, 512: 4.97 (4.96, 4.97, 4.98)</title>") == 1);
  CHECK(count(svg, "class=\"mark\"") == 1);
  CHECK(count(svg, ">unigram model</text>") == 1);
  CHECK(count(svg, ">learned (ends)</text>") == 1);
  CHECK_FALSE(count(svg, "style="));
}

TEST_CASE("more than ten seeds are a band from their least to their greatest value") {
  Chart c = of_text();
  c.lines.resize(1), c.lines[0].points.resize(2);
  for (Chart::Point& p : c.lines[0].points) p.seeds = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
  CHECK(count(chart_svg(c, Svg::inlined), "class=\"seed\"") == 20);
  c.lines[0].points[0].seeds.push_back(11);
  const std::string svg = chart_svg(c, Svg::inlined), path = "<path class=\"band\" d=\"";
  CHECK(count(svg, "class=\"seed\"") == 0);
  const std::size_t at = svg.find(path);
  REQUIRE(at != svg.npos);
  double x[4], y[4];
  REQUIRE(std::sscanf(svg.c_str() + at + path.size(), "M%lf %lfL%lf %lfL%lf %lfL%lf %lfZ", x, y,
                      x + 1, y + 1, x + 2, y + 2, x + 3, y + 3) == 8);
  CHECK((x[0] == x[3] && x[1] == x[2] && x[0] < x[1]));
  CHECK(y[2] == y[3]);                  // 1 is the least of both
  CHECK((y[0] < y[1] && y[1] < y[2]));  // upwards: 11, 10, 1
}

TEST_CASE("all parts of a picture are inside its frame") {
  Chart c = of_text();
  for (int i = 0; i < 30; ++i)
    c.lines.push_back({"a rather long name, number " + std::to_string(i), {}, {{64, 2}, {512, 3}}});
  const std::string svg = chart_svg(c, Svg::inlined);
  const auto box = svg.find("viewBox=\"0 0 500 ");
  REQUIRE(box != svg.npos);
  const double height = std::stod(svg.substr(box + 17));
  for (const char* attribute : {"x", "cx"})
    for (double x : numbers(svg, attribute)) CHECK((x >= 0 && x <= 500));
  for (const char* attribute : {"y", "cy"})
    for (double y : numbers(svg, attribute)) CHECK((y >= 0 && y <= height));
}

TEST_CASE("on a phone the text of a picture is still ten pixels high") {
  const std::string svg = chart_svg(of_text(), Svg::file);
  const auto font = svg.find("font: "), box = svg.find("viewBox=\"0 0 ");
  REQUIRE(font != svg.npos);
  CHECK(std::stod(svg.substr(font + 6)) * 368 / std::stod(svg.substr(box + 13)) > 10);
}

TEST_CASE("a long name is split into several lines, between the layers of a mix") {
  const std::string svg =
      chart_svg({.lines = {{"NoPE+log n@0,RoPE+window@1-3", {}, {{1, 1}, {2, 2}}}}}, Svg::inlined);
  CHECK_THAT(svg, ContainsSubstring(">NoPE+log n@0,</text>"));
  CHECK_THAT(svg, ContainsSubstring(">RoPE+window@1-3</text>"));
}

TEST_CASE("whatever a label contains stays text, in well-formed XML") {
  const std::string evil = "`touch x`\"><script>alert('1')</script>\n&\x1b[31m\xff";
  Chart c{.title = evil, .caption = evil, .left = evil, .below = evil};
  c.lines = {{evil, {}, {{1, 1}, {2, 2}}}};
  c.reference_lines = {{evil, {{1, 1}, {2, 1}}}};
  c.x_tics = {{1, evil}};
  const std::string svg = chart_svg(c, Svg::file);
  for (const char* part : {"<script", "\x1b", "\xff", "&\n", "'1'"}) {
    INFO(part);
    CHECK(svg.find(part) == svg.npos);
  }
  CHECK_THAT(svg, ContainsSubstring("&lt;script&gt;alert(&#39;1&#39;)"));
  CHECK(count(svg, "<text") == count(svg, "</text>"));
  CHECK(count(svg, "<g ") == count(svg, "</g>"));
}

TEST_CASE("a single point, equal values and no line at all give pictures without NaN") {
  for (const std::vector<Chart::Point>& points :
       {std::vector<Chart::Point>{{0.5, 3}}, {{1, 2}, {2, 2}}, {}}) {
    const std::string svg = chart_svg({.lines = {{"one", {}, points}}}, Svg::inlined);
    CHECK(svg.find("nan") == svg.npos);
    CHECK(svg.find("inf") == svg.npos);
  }
}
