#include "train/report/palette.h"

#include <cmath>
#include <set>

#include "encodings/base/encoding.h"
#include "tests/support/catch.h"
#include "train/report/html/render.h"

using namespace yonder;

namespace {

// Relative luminance of "#rrggbb".  W3C 2018, "WCAG 2.1", definitions
double luminance(const std::string& colour) {
  const double weights[] = {0.2126, 0.7152, 0.0722};
  double sum = 0;
  for (std::size_t i = 0; i < 3; ++i) {
    const double c = std::stoi(colour.substr(1 + 2 * i, 2), nullptr, 16) / 255.;
    sum += weights[i] * (c <= 0.04045 ? c / 12.92 : std::pow((c + 0.055) / 1.055, 2.4));
  }
  return sum;
}

double contrast(const std::string& a, const std::string& b) {
  const double x = luminance(a), y = luminance(b);
  return (std::max(x, y) + 0.05) / (std::min(x, y) + 0.05);
}

// The colour that a rule of a style sheet sets.
std::string colour_in(const std::string& css, const std::string& rule) {
  const auto at = css.find(rule);
  INFO(rule);
  REQUIRE(at != css.npos);
  return css.substr(css.find('#', at), 7);
}

}  // namespace

TEST_CASE("every colour of a picture has a contrast of 3 to its background, in light and dark") {
  const std::string css = asset("chart.css");
  const auto dark = css.find("@media (prefers-color-scheme: dark)");
  REQUIRE(dark != css.npos);
  for (const std::string& part : {css.substr(0, dark), css.substr(dark)}) {
    const std::string paper = colour_in(part, ".paper");
    std::set<std::string> all;
    for (int i = 0; i < Style::colours; ++i) {
      const std::string colour = colour_in(part, ".c" + std::to_string(i) + " {");
      INFO(colour);
      CHECK(contrast(colour, paper) >= 3);
      all.insert(colour);
    }
    CHECK(all.size() == Style::colours);
    CHECK(contrast(colour_in(part, ".grey {"), paper) >= 3);
    CHECK(contrast(colour_in(part, ".chart text"), paper) >= 7);
    CHECK(contrast(colour_in(part, ".quiet"), paper) >= 4.5);
  }
}

TEST_CASE("the page has the background colour of its pictures") {
  const std::string page = asset("page.css"), chart = asset("chart.css");
  const auto dark = page.find("prefers-color-scheme: dark");
  CHECK(colour_in(page, "--paper:") == colour_in(chart, ".paper"));
  CHECK(colour_in(page.substr(dark), "--paper:") ==
        colour_in(chart.substr(chart.find("@media")), ".paper"));
}

TEST_CASE("an encoding has the same colour and marker in every report, whatever its overrides") {
  const auto rows = parse_rows("alibi,rope,rope:rope.scaling=yarn,rope:window.size=0");
  const Palette p(rows), other(parse_rows("t5,kerple,rope"));
  CHECK(p.of(rows[1]).colour == other.of(rows[1]).colour);
  CHECK(p.of(rows[1]).marker == other.of(rows[1]).marker);
  CHECK(p.of(rows[1]).colour == p.of(rows[2]).colour);
  CHECK(p.of(rows[1]).marker == p.of(rows[2]).marker);
  CHECK_FALSE(p.of(rows[1]).hollow);
  CHECK(p.of(rows[2]).hollow);
  CHECK(p.of(rows[2]).dashes != p.of(rows[1]).dashes);
  CHECK(p.of(rows[3]).colour == Style::grey);
}

TEST_CASE("no two encodings of a report look alike, and common ones differ in colour") {
  const auto often = parse_rows("none,rope,alibi,t5,kerple,learned,sinusoidal,fire");
  const Palette few(often);
  std::set<int> colours;
  for (const Row& row : often) colours.insert(few.of(row).colour);
  CHECK(colours.size() == often.size());
  std::vector<Row> rows;
  for (const Entry& e : registry()) rows.push_back({e.name, {}});
  const Palette all(rows);
  std::set<std::pair<int, int>> looks;
  for (const Row& row : rows) looks.emplace(all.of(row).colour, all.of(row).marker);
  CHECK(looks.size() == rows.size());
}
