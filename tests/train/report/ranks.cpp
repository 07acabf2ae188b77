#include "train/report/ranks.h"

#include <algorithm>

#include "core/error.h"
#include "tests/support/binary.h"
#include "tests/support/catch.h"
#include "tests/support/results_fixture.h"
#include "train/sweep/collect.h"

using namespace yonder;
using Catch::Matchers::ContainsSubstring;
namespace fs = std::filesystem;

namespace {

// One task: four rows, five seeds, up to four times the length.
Results atlas_task(const std::string& task, int train_length, double skill) {
  Results r{.task = task,
            .protocol = "answer",
            .train_length = train_length,
            .lengths = {train_length, 2 * train_length, 4 * train_length},
            .seeds = 5,
            .rows = parse_rows("alibi,none,rope,rope:rope.scaling=yarn"),
            .chance = {0.1, 0.1, 0.1}};
  for (std::size_t row = 0; row < r.rows.size(); ++row)
    for (std::size_t i = 0; i < r.lengths.size(); ++i)
      for (int seed = 0; seed < 5; ++seed) {
        const double share = std::max(0.1, skill - 0.2 * double(row * i) - 0.01 * seed);
        r.scores.push_back({.row = r.rows[row],
                            .protocol = "answer",
                            .length = r.lengths[i],
                            .seed = seed,
                            .token_accuracy = share,
                            .exact_match = share * share,
                            .examples = 64});
      }
  return r;
}

Study small_atlas() {
  Results text = found_text(5);
  text.lengths = {64, 128};
  std::erase_if(text.scores, [](const EvalScore& s) { return s.length == 512; });
  return {.panels = {atlas_task("sort", 8, 1), atlas_task("copy", 16, 0.96), text}};
}

// Writes each panel of a study to a file, as in train/atlas.
std::vector<std::string> csv_files(const Study& study, const Folder& folder) {
  std::vector<std::string> paths;
  for (const Results& r : study.panels) {
    paths.push_back(folder / (r.task + ".csv"));
    put(paths.back(), to_csv({.panels = {r}}));
  }
  return paths;
}

// The page of train/atlas or of a folder like it, made from its files alone.
std::string remade(const std::string& folder) {
  std::vector<std::string> paths;
  for (const auto& file : fs::directory_iterator(folder))
    if (is_csv(file.path())) paths.push_back(file.path());
  std::vector<Study> studies;
  for (const std::string& path : paths) studies.push_back(find_study(path).study);
  return kept_above(folder + "/README.md") + as_ranks(merged(studies, paths));
}

}  // namespace

TEST_CASE("ranks over tasks are tables of means, ranks and solved seeds") {
  const std::string page = as_ranks(small_atlas());
  for (const char* part :
       {"Training lengths: copy 16; sort 8; text 64. Seeds: 5.\n",
        "| | 1× (3 tasks) | 2× (3 tasks) | 4× (2 tasks) |\n",
        "### Ranks at 2×\n\n| | mean | copy (32) | sort (16) | text (128) |\n",
        "\n| RoPE | 3 | 3 | 3 | 3 |\n", "0 of 5 is 0–43 %",
        "### Seeds that solve it at 2×\n\nAt least 90 % exact match; Wilson's 95 % intervals: "})
    CHECK_THAT(page, ContainsSubstring(part));
  // KERPLE and learned have only text, alibi and none only the tasks.
  CHECK_THAT(page, ContainsSubstring("\nMissing: alibi and none on text; kerple and learned on "
                                     "copy and sort.\n"));
  CHECK_THROWS_AS(as_ranks({.panels = {found_text()}}), UsageError);
}

TEST_CASE("the page is the same whatever the order of the tasks") {
  Study study = small_atlas();
  const std::string page = as_ranks(study);
  std::reverse(study.panels.begin(), study.panels.end());
  CHECK(as_ranks(study) == page);
}

TEST_CASE("a page of ranks is regenerated from CSVs alone, below what was written by hand") {
  const Folder folder;
  std::string paths;
  for (const std::string& path : csv_files(small_atlas(), folder)) paths += " " + path;
  const std::string page = folder / "README.md", make = "report" + paths + " --format ranks";
  const Ran first = yonder_run(make);
  CHECK(first.code == 0);
  CHECK_THAT(first.err, ContainsSubstring("Missing: alibi and none on text; "));
  put(page, "# Atlas\n\nWhat was found.\n\n" + first.out.substr(0, first.out.find('\n') + 1));
  CHECK(yonder_run(make + " --out " + page).code == 0);
  CHECK(content_of(page) == "# Atlas\n\nWhat was found.\n\n" + first.out);
  CHECK(remade(folder.path) == content_of(page));
  put(page, "# Of something else\n");
  const Ran other = yonder_run(make + " --out " + page);
  CHECK(other.code == 2);
  CHECK_THAT(other.err, ContainsSubstring("README.md would be overwritten"));
  CHECK(content_of(page) == "# Of something else\n");
}

TEST_CASE("train/atlas/README.md matches its results") {
  const std::string folder = YONDER_SOURCE "/train/atlas";
  CHECK(remade(folder) == content_of(folder + "/README.md"));
}

TEST_CASE("yonder report makes the page, the tables and one CSV from results.csv files alone") {
  const Folder folder;
  const std::vector<std::string> paths = csv_files(small_atlas(), folder);
  const std::string all = "report " + paths[0] + " " + paths[1] + " " + paths[2];
  CHECK(yonder_run(all + " --format csv").out == to_csv(small_atlas()));
  CHECK_THAT(yonder_run(all + " --format md").out, ContainsSubstring("sort: Token accuracy (%)"));
  CHECK(yonder_run(all).code == 2);
  CHECK_THAT(yonder_run("report " + paths[0]).err, ContainsSubstring("need --out"));
  REQUIRE(yonder_run(all + " --out " + (folder / "p/page.html")).code == 0);
  const std::string page = content_of(folder / "p/page.html");
  for (const char* part :
       {"<section id=\"across\">", "Performance profile at 2×", "Ranks by task at 4×",
        "better than one of a column at 2×", "Missing: alibi and none on text",
        "evaluated to 4 times the training length"})
    CHECK_THAT(page, ContainsSubstring(part));
  for (const char* part : {"<section id=\"training\"", "<section id=\"verdicts\"><", "not known"})
    CHECK_THAT(page, !ContainsSubstring(part));
  put(paths[1], "encoding,loss\nrope,1\n");
  const Ran broken = yonder_run(all + " --format csv");
  CHECK(broken.code == 3);
  CHECK(std::count(broken.err.begin(), broken.err.end(), '\n') == 1);
  CHECK(yonder_run("report /nowhere.csv --format csv").code == 3);
}
