#include "train/sweep/collect.h"

#include "core/error.h"
#include "tests/support/binary.h"
#include "tests/support/catch.h"
#include "tests/support/results_fixture.h"
#include "train/report/markdown_latex.h"

using namespace yonder;
using Catch::Approx;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::StartsWith;
namespace fs = std::filesystem;

namespace {

Study study_of(Results r) { return {.name = "one", .panels = {std::move(r)}}; }

// The rows of `list` alone.
Results only(Results r, const std::string& list) {
  r.rows = parse_rows(list);
  std::erase_if(r.scores, [&r](const EvalScore& s) {
    return std::find(r.rows.begin(), r.rows.end(), s.row) == r.rows.end();
  });
  return r;
}

}  // namespace

TEST_CASE("studies of different tasks become panels, rows of the same task share one panel") {
  const Study all = merged({study_of(only(found_text(), "kerple")), study_of(found_task()),
                            study_of(only(found_text(), "rope,learned"))},
                           {"a", "b", "c"});
  REQUIRE(all.panels.size() == 2);
  CHECK(all.panels[0].rows == parse_rows("kerple,rope,learned"));
  CHECK(all.panels[0].at(parse_rows("rope")[0], 512, Measure::loss).median == Approx(4.97));
  CHECK(all.panels[1].task == "copy");
}

TEST_CASE("other seeds of the same row are added, other lengths too") {
  Results more = found_text(1);
  for (EvalScore& s : more.scores) s.seed += 10;
  more.lengths.push_back(1024);
  more.scores.push_back(more.scores[0]);
  more.scores.back().length = 1024;
  const Results r = merged({study_of(found_text()), study_of(more)}, {"a", "b"}).panels.at(0);
  CHECK(r.seeds == 4);
  CHECK(r.lengths == std::vector<int>{64, 128, 512, 1024});
  CHECK(r.at(r.rows[0], 64, Measure::loss).count == 4);
}

TEST_CASE("studies that do not fit are refused in a sentence that names both runs") {
  const Study a = study_of(found_text());
  CHECK_THROWS_WITH(merged({a, a}, {"x", "y"}),
                    StartsWith("report: x and y don't fit each other: text has kerple of "
                               "seed 0 in both"));
  Results longer = only(found_text(), "kerple");
  Results binned = only(found_text(), "kerple");
  binned.bins = {{128, 65}};
  CHECK_THROWS_WITH(merged({study_of(only(found_text(), "rope")), study_of(binned)}, {"x", "y"}),
                    ContainsSubstring("different bins"));
  Results more = only(found_text(), "kerple");
  for (EvalScore& s : more.scores) s.examples = 7;
  CHECK_THROWS_WITH(merged({study_of(only(found_text(), "rope")), study_of(more)}, {"x", "y"}),
                    ContainsSubstring("and 7 test sequences at length 64; join runs that were "
                                      "evaluated alike"));
  Results other = more = only(found_text(), "kerple");
  other.settings = "1", more.settings = "2";
  CHECK_THROWS_WITH(merged({study_of(other), study_of(more)}, {"x", "y"}),
                    ContainsSubstring("settings with the checksums 1 and 2; join runs that were"));
  longer.train_length = 128;
  CHECK_THROWS_WITH(merged({study_of(only(found_text(), "rope")), study_of(longer)}, {"x", "y"}),
                    ContainsSubstring("training lengths 64 and 128"));
  Study small = study_of(only(found_text(), "rope")),
        large = study_of(only(found_text(), "kerple"));
  small.panels[0].train_steps = 10, large.panels[0].train_steps = 20;
  CHECK_THROWS_WITH(merged({small, large}, {"x", "y"}), ContainsSubstring("10 and of 20 steps"));
}

TEST_CASE("runs on different data, or trained differently, do not become one table") {
  Study a = study_of(only(found_text(), "rope")), b = study_of(only(found_text(), "kerple"));
  b.panels[0].unigram_loss = 3.2;
  CHECK_THROWS_WITH(merged({a, b}, {"x", "y"}), ContainsSubstring("3.19 and 3.2 nats"));
  b.panels[0].unigram_loss = unknown;
  CHECK_NOTHROW(merged({a, b}, {"x", "y"}));
  Study few = study_of(only(found_task(), "rope")), many = study_of(only(found_task(), "alibi"));
  many.panels[0].chance[1] = 0.03;
  CHECK_THROWS_WITH(merged({few, many}, {"x", "y"}),
                    ContainsSubstring("0.0625 and of 0.03 at length 40"));

  Training& of_a = a.trainings.emplace_back(Training{.encoding = "rope", .task = "text"});
  Training& of_b = b.trainings.emplace_back(Training{.encoding = "kerple", .task = "text"});
  of_a.lr = 0.001, of_b.lr = 0.003;
  CHECK_THROWS_WITH(merged({a, b}, {"x", "y"}), ContainsSubstring("train.lr 0.001 and 0.003"));
  of_a.validation = of_b.validation = 1;  // chosen by validation
  CHECK_NOTHROW(merged({a, b}, {"x", "y"}));
  of_a.settings = {{"model.width", "32"}};
  CHECK_NOTHROW(merged({a, b}, {"x", "y"}));  // b is of an earlier version
  of_b.settings = {{"model.width", "64"}};
  CHECK_THROWS_WITH(merged({a, b}, {"x", "y"}), ContainsSubstring("model.width 32 and 64"));
}

TEST_CASE("markdown and LaTeX have every row and length, and escape special characters") {
  Results r = found_text();
  r.variant = "train.norm_form=a_b";
  const std::string markdown = as_markdown(study_of(r)), latex = as_latex(study_of(r));
  CHECK(contains(markdown, "| | **64** (trained) | 128 (2×) | 512 (8×) |"));
  CHECK(contains(markdown, "| RoPE + YaRN | 1.61 [1.60–1.62] | 1.71 [1.70–1.72] | 1.93"));
  CHECK(contains(markdown, "| table ends |"));
  CHECK(contains(markdown, "KERPLE \\< RoPE + YaRN at 512: 3 of 3 seeds"));
  CHECK(contains(latex, "\\toprule\n & 64$^*$ & 128 & 512 \\\\\n\\midrule"));
  CHECK(contains(latex, "\\label{tab:yonder-text--norm-form-a-b--loss}"));
  CHECK(contains(latex, "KERPLE & \\textbf{1.61} & \\textbf{1.62} & \\textbf{1.64} \\\\"));
  CHECK(contains(as_latex(study_of(r), LatexSpread::sd),
                 "RoPE + YaRN & \\textbf{1.61} {\\scriptsize$\\pm$0.01}"));
  CHECK(contains(latex, "(norm form a\\_b)"));
  CHECK(contains(as_latex(study_of(r), LatexSpread::range),
                 "RoPE + YaRN & \\textbf{1.61} {\\scriptsize[1.60--1.62]} & 1.71"));
  CHECK(contains(latex, "\\bottomrule"));
  std::erase_if(r.scores, [](const EvalScore& s) { return s.length == 512 && s.seed > 0; });
  CHECK(contains(as_markdown(study_of(r)), "| 1.71 [1.70–1.72] | 1.92 (1 of 3) |"));
  CHECK(contains(as_latex(study_of(r)), "& 1.71 & 1.92 (1 of 3) \\\\"));
}

TEST_CASE("an unfinished run is reported as far as it is done, and says so") {
  const Folder folder;
  Results r = only(found_text(1), "kerple");
  fs::create_directories(folder / "cells/kerple-text-s0");
  fs::create_directories(folder / "cells/rope-text-s0");
  put(folder / "cells/kerple-text-s0/scores.json",
      to_json(CellResult{{.cell = "kerple-text-s0"}, {r}}));
  CHECK_THROWS_WITH(find_study(folder.path), ContainsSubstring("none of its 2 runs is done"));
  put(folder / "cells/kerple-text-s0/DONE", "");
  const Found found = find_study(folder.path);
  CHECK(contains(found.note, "1 of the 2 runs"));
  CHECK(found.study.panels.at(0).rows == parse_rows("kerple"));
  CHECK(found.study.panels.at(0).train_length == 64);
}

TEST_CASE("yonder report prints tables, and refuses damaged and missing runs with exit code 3") {
  const Folder folder;
  put(folder / "results.json", to_json(study_of(found_text())));
  const Ran csv = yonder_run("report " + folder.path + " --format csv");
  CHECK(csv.code == 0);
  CHECK(csv.out == to_csv(study_of(found_text())));
  CHECK(yonder_run("report " + folder.path + " --format md").out ==
        as_markdown(study_of(found_text())));
  const Ran html = yonder_run("report " + folder.path + " --out " + (folder / "p/page.html"));
  CHECK(html.code == 0);
  CHECK(contains(html.out, "Report   " + (folder / "p/page.html")));
  CHECK(fs::exists(folder / "p/page.html"));

  CHECK(yonder_run("report /nowhere/at/all").code == 3);
  CHECK(yonder_run("report " + folder.path + " " + folder.path).code == 2);
  const Ran same = yonder_run("report " + folder.path + " " + folder.path + " --format md");
  CHECK(same.code == 2);
  CHECK(contains(same.err, "don't fit each other"));
  put(folder / "results.json", "{\"format\": 2, \"panels\": ");
  const Ran damaged = yonder_run("report " + folder.path);
  CHECK(damaged.code == 3);
  CHECK(std::count(damaged.err.begin(), damaged.err.end(), '\n') == 1);
}
