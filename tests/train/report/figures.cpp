#include "train/report/figures.h"

#include <filesystem>

#include "tests/support/refused.h"
#include "tests/support/results_fixture.h"

using namespace yonder;
using Catch::Matchers::ContainsSubstring;

namespace {

Study made_up() {
  Results text = found_text();
  text.rows.push_back(parse_rows("rope:window.size=0")[0]);
  text.rows.push_back(parse_rows("kerple:window.size=0")[0]);
  for (std::size_t row = 4; row < 6; ++row)
    for (int length : text.lengths)
      text.scores.push_back(
          {.row = text.rows[row], .length = length, .tokens = length, .loss = 1.7, .examples = 48});
  return {.title = "A study", .panels = {text, found_task()}};
}

bool has(const std::string& program) {
  return std::system(("command -v " + program + " >/dev/null 2>&1").c_str()) == 0;
}

}  // namespace

TEST_CASE("figures name every line, also those with sliding windows, and have no title inside") {
  const Folder folder;
  const auto paths = write_figures(made_up(), folder.path, FigureKind::svg);
  REQUIRE(paths.size() >= 3);  // the text's loss, the task's two measures
  const std::string svg = content_of(paths[0]);
  CHECK_THAT(svg, ContainsSubstring("RoPE + window") && ContainsSubstring("KERPLE + window"));
  CHECK_THAT(svg, !ContainsSubstring("same models, windowed"));
  CHECK_THAT(svg, !ContainsSubstring("by evaluation length</text>"));
  for (const std::string& path : paths) CHECK(path.ends_with(".svg"));
}

TEST_CASE("a TikZ figure has the values, the colours of the page and text that LaTeX can read") {
  Chart c{.title = "100 % & more",
          .left = "nats_per",
          .below = "length",
          .x = Chart::Axis::logarithmic,
          .x_tics = {{64, "64\ntrained"}},
          .mark = 64};
  c.lines.push_back({"A_b", {.colour = 0, .marker = 2, .hollow = true}, {{64, 1.5}, {128, 2.25}}});
  c.lines.push_back({"gone", {}, {}});
  const std::string tex = tikz_of(c);
  CHECK_THAT(tex, ContainsSubstring("coordinates {(64,1.5)(128,2.25)}"));
  CHECK_THAT(tex, ContainsSubstring("{HTML}{0072B2}") && ContainsSubstring("mark=square,"));
  CHECK_THAT(tex, ContainsSubstring("A\\_b") && ContainsSubstring("nats\\_per") &&
                      ContainsSubstring("100 \\% \\& more"));
  CHECK_THAT(tex, ContainsSubstring("xmode=log") && !ContainsSubstring("ymode=log"));
  CHECK_THAT(tex, !ContainsSubstring("gone") && ContainsSubstring("xticklabels={{64}}"));
}

TEST_CASE("PDF and PNG are made by rsvg-convert, or the option says what is missing") {
  const Folder folder;
  for (const auto& [kind, magic] :
       {std::pair{FigureKind::pdf, "%PDF"}, {FigureKind::png, "\x89PNG"}})
    if (has("rsvg-convert")) {
      const auto paths = write_figures(made_up(), folder.path, kind);
      REQUIRE(!paths.empty());
      for (const std::string& path : paths) CHECK(content_of(path).starts_with(magic));
    } else {
      CHECK_THROWS_WITH(
          write_figures(made_up(), folder.path, kind),
          ContainsSubstring("needs rsvg-convert") && ContainsSubstring("choose svg or tikz"));
    }
  for (const auto& file : std::filesystem::directory_iterator(folder.path))
    CHECK(file.path().extension() != ".svg");
}

TEST_CASE("report --figures is refused together with tables") {
  CHECK(refused("report /nowhere --figures pdf --format latex", 2, "--figures"));
  CHECK(refused("report /nowhere --figures jpg", 2, "figures"));
}
