#include "train/report/plots.h"

#include <algorithm>
#include <cmath>

#include "tests/support/binary.h"
#include "tests/support/catch.h"
#include "tests/support/results_fixture.h"

using namespace yonder;

TEST_CASE("labels that fit stay where they want to be") {
  CHECK(spread_labels({3, 1, 2}, 0.5, 0, 4) == std::vector<double>{3, 1, 2});
}

TEST_CASE("labels of equal height are moved apart, around the middle, and keep their order") {
  const auto at = spread_labels({2, 2, 2}, 0.5, 0, 4);
  CHECK(at == std::vector<double>{1.5, 2, 2.5});
  CHECK(spread_labels({}, 1, 0, 1).empty());
}

TEST_CASE("labels never overlap nor leave the frame while there is room") {
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

TEST_CASE("a plot shares a colour between an encoding and its extension and marks N") {
  const Results r = found_text();
  const std::string script = chart_script(over_length(r, Measure::loss, r.rows, Palette(r.rows)));
  auto count = [&script](const std::string& part) {
    int n = 0;
    for (auto at = script.find(part); at != std::string::npos; at = script.find(part, at + 1)) ++n;
    return n;
  };
  CHECK(count("trained\" 64") == 1);
  CHECK(count("set arrow from first 64, graph 0") == 1);
  CHECK(count("set label \"letter frequencies\"") == 1);
  // Two lines, two markers, two leads and two bands in rope's colour.
  CHECK(count("#D55E00") == 8);
  CHECK(count("learned (ends)") == 1);
}

TEST_CASE("a long name stands in several lines, broken between the layers of a mix") {
  const std::string mix = "none+logn:logn.when=test@0,rope+window:window.size=16@1-3";
  const std::string script =
      chart_script({.title = mix + ": tokens per turn of each pair of it",
                    .lines = {{mix, {}, {{1, 1}, {2, 2}}}, {"rope", {}, {{1, 2}, {2, 2}}}}});
  const auto height_of = [&script](const std::string& label) {
    const auto at = script.find("set label \"" + label + "\" at graph ");
    INFO(label);
    REQUIRE(at != std::string::npos);
    return std::stod(script.substr(script.find(", graph ", at) + 8));
  };
  const double first = height_of("none+logn:logn.when=test@0,"),
               second = height_of("rope+window:window.size=16@1-3"), other = height_of("rope");
  CHECK(first > second);
  CHECK(std::max(first - other, other - second) > 2 * (first - second) - 1e-6);  // none between
  CHECK(script.find("set label \"" + mix + ":\" at screen") != std::string::npos);
}

TEST_CASE("gnuplot draws a training of a single step") {
  const Folder folder;
  const Chart one{.name = "one", .lines = {{"rope", {}, {{0.5, 3}}}}};
  const Drawn drawn = draw(one, folder.name, Png::no);
  CHECK(drawn.path == folder / "one.svg");
  CHECK(drawn.problem == "");
}

TEST_CASE("a picture gets one style sheet for readers in the dark") {
  const std::string svg = "<svg>\n<g id=\"gnuplot_canvas\">\n</g></svg>";
  const std::string both = in_light_and_dark(svg);
  CHECK(both.find("prefers-color-scheme: dark") < both.find("gnuplot_canvas"));
  CHECK(in_light_and_dark("no svg of gnuplot") == "no svg of gnuplot");
}

TEST_CASE("a picture inside a page has no size, background or id of its own") {
  const std::string svg =
      "<?xml version=\"1.0\"?><svg width=\"760\" viewBox=\"0 0 760 480\">\n<style>x</style>\n"
      "<g id=\"gnuplot_canvas\"><rect x=\"0\" y=\"0\" width=\"760\" fill=\"#fff\"/>"
      "<use xlink:href='#gpPt5' id='gpPt6'/><filter id='textbox'>..</filter></g></svg>";
  CHECK(inlined(svg, "p1-") ==
        "<svg class=\"chart\" viewBox=\"0 0 760 480\" role=\"img\"><g id=\"p1-gnuplot_canvas\">"
        "<use href='#p1-gpPt5' id='p1-gpPt6'/></g></svg>");
  CHECK(inlined("no svg of gnuplot", "p1-").empty());
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
  const auto subtitle = [&r] {
    return over_length(r, Measure::loss, r.rows, Palette(r.rows)).subtitle;
  };
  CHECK(subtitle().find("; median of 3 seeds, band") != std::string::npos);
  r.scores.erase(r.scores.begin());
  CHECK(subtitle().find("; median of up to 3 seeds, band") != std::string::npos);
}

TEST_CASE("an encoding looks the same in every picture, whatever its extension") {
  const auto rows = parse_rows("alibi,rope,rope:rope.scaling=yarn,rope:window.size=0");
  const Palette p(rows);
  CHECK(p.of(rows[1]).colour == p.of(rows[2]).colour);
  CHECK(p.of(rows[1]).colour != p.of(rows[0]).colour);
  CHECK(p.of(rows[1]).marker == p.of(rows[2]).marker + 1);
  CHECK(p.of(rows[2]).dashes != p.of(rows[1]).dashes);
  CHECK(p.of(rows[3]).colour == "#9a9a9a");
}
