#include <cmath>
#include <sstream>

#include "core/error.h"
#include "tests/support/catch.h"
#include "tests/support/results_fixture.h"
#include "train/results/study.h"

using namespace yonder;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::Equals;
using Catch::Matchers::StartsWith;

namespace {

Results answered() {
  Results r = found_task();
  r.protocol = "answer";
  return r;
}

// Text and a task with all that a CSV can hold.
Study of_all_columns() {
  Results text = found_text(), task = answered();
  text.train_steps = task.train_steps = 1000;
  text.settings = "0123abcd";
  text.scores[0].loss = 0.1 + 0.2;
  text.scores[0].loss_low = 1. / 3, text.scores[0].loss_high = 2. / 3;
  text.scores[0].targets = 1ll << 40;
  text.scores.back().problem = "a \"b\", c\nd";
  text.late_checkpoints = {text.scores[0]};
  text.late_checkpoints[0].step = 950;
  text.learning_curve = {text.scores[1]};
  text.learning_curve[0].step = 100;
  task.variant = "data.train_length=20, train.steps=1000";
  task.bins = {{40, 21}};
  return {.name = "x", .panels = {text, task}};
}

// The CSV with the n-th field of its second line, from 0, replaced.
std::string with_field(std::size_t n, const std::string& field) {
  std::string csv = to_csv({.panels = {answered()}});
  std::size_t at = csv.find('\n') + 1;
  for (; n > 0; --n) at = csv.find(',', at) + 1;
  return csv.replace(at, csv.find_first_of(",\n", at) - at, field);
}

std::string refusal(const std::string& csv) {
  try {
    study_from_csv(csv, "a/x.csv");
  } catch (const FileError& e) { return e.what(); }
  return "it was read";
}

}  // namespace

TEST_CASE("results read back from their CSV bit for bit") {
  const Study study = of_all_columns();
  const Study back = study_from_csv(to_csv(study), "a/x.csv");
  CHECK(to_csv(back) == to_csv(study));
  CHECK(back.name == "x");
  REQUIRE(back.panels.size() == 2);
  const Results &text = back.panels[0], &task = back.panels[1];
  CHECK(text.text);
  CHECK_FALSE(task.text);
  CHECK(text.rows == study.panels[0].rows);
  CHECK(text.lengths == study.panels[0].lengths);
  CHECK(text.seeds == 3);
  CHECK(text.unigram_loss == 3.19);
  CHECK(text.scores[0].loss == 0.1 + 0.2);
  CHECK(text.scores.back().status == Status::undefined);
  CHECK(std::isnan(text.scores.back().loss));
  CHECK(text.late_checkpoints.size() == 1);
  CHECK(text.learning_curve.size() == 1);
  CHECK(task.chance == study.panels[1].chance);
  CHECK(task.bins == study.panels[1].bins);
  CHECK(task.train_steps == 1000);
  CHECK((text.settings == "0123abcd" && task.settings.empty()));
}

TEST_CASE("a CSV of an earlier version, or one that a spreadsheet saved, is read") {
  std::istringstream now(to_csv({.panels = {answered()}}));
  std::string csv;
  for (std::string line; std::getline(now, line); csv += line + "\r\n")
    for (int column = 0; column < 5; ++column) line.resize(line.rfind(','));
  REQUIRE(csv.find("chance") == csv.npos);
  const Results r = study_from_csv(csv, "x.csv").panels.at(0);
  CHECK(r.chance.empty());
  CHECK(r.scores.size() == 6);
  CHECK(r.at(r.rows[0], 40, Measure::token_accuracy).median == 0.26);
}

TEST_CASE("an invalid CSV is refused by file, line and column") {
  CHECK_THAT(refusal(with_field(6, "x")),
             Equals("a/x.csv, line 2, column eval_length: 'x' is not a whole number"));
  CHECK_THAT(refusal(with_field(6, "99999999999")), ContainsSubstring("column eval_length: '999"));
  CHECK_THAT(refusal(with_field(6, "0")), ContainsSubstring("column eval_length: 0 is below 1"));
  CHECK_THAT(refusal(with_field(1, "yarn")), ContainsSubstring("line 2, column encoding: "));
  CHECK_THAT(refusal(with_field(2, "")), ContainsSubstring("column task: there is no task"));
  CHECK_THAT(refusal(with_field(5, "x")), ContainsSubstring("column eval_protocol: "));
  CHECK_THAT(refusal(with_field(9, "21")),
             ContainsSubstring("line 3, column train_length: it diff"));
  CHECK_THAT(refusal(with_field(11, "1.5.2")), ContainsSubstring("column loss: '1.5.2' is not a"));
  CHECK_THAT(refusal(with_field(11, "-1")), ContainsSubstring("column loss: -1 is outside"));
  CHECK_THAT(refusal(with_field(14, "1.2")), ContainsSubstring("column token_accuracy: 1.2 is"));
  CHECK_THAT(refusal(with_field(18, "fine")), ContainsSubstring("column status: there is no"));
  CHECK_THAT(refusal(with_field(20, "21")),
             ContainsSubstring("column eval_length_min: it is above"));
  CHECK_THAT(refusal(with_field(17, "\"x")), ContainsSubstring("line 2, column 18: a quotation"));
  CHECK_THAT(refusal(with_field(17, "x,y")), ContainsSubstring("column settings: the line has"));
  const std::string csv = to_csv({.panels = {answered()}});
  CHECK_THAT(refusal(csv + csv.substr(csv.find('\n') + 1)),
             Equals("a/x.csv, line 8, column encoding: rope of seed 0 at length 20 occurs a "
                    "second time"));
  CHECK_THAT(refusal(""),
             Equals("a/x.csv, line 1: there is no column encoding; give a results.csv, "
                    "as yonder sweep writes it"));
  CHECK_THAT(refusal(csv.substr(0, csv.find('\n') + 1)), ContainsSubstring("there is no panel"));
}

TEST_CASE("runs that other tasks or rows have are listed as missing, in short form") {
  Study study{.panels = {found_text(), found_text(), found_task()}};
  study.panels[1].task = "tiled";
  Results& task = study.panels[2];
  task.scores.clear();
  for (const Row& row : study.panels[0].rows)
    for (int seed = 0; seed < 3; ++seed)
      task.scores.push_back({.row = row, .length = 20, .seed = seed});
  CHECK(missing_runs(study) == "");
  const auto drop = [](Results& r, const std::string& encoding, int from) {
    std::erase_if(r.scores,
                  [&](const EvalScore& s) { return s.row.encoding == encoding && s.seed >= from; });
  };
  drop(task, "kerple", 1);
  drop(task, "rope", 0);  // with its override, which is not named
  drop(study.panels[1], "rope", 0);
  drop(task, "learned", 2);
  CHECK(missing_runs(study) ==
        "Missing: kerple on copy, seeds 1 and 2; learned on copy, seed 2; rope on copy and tiled.");
  study.panels = {found_text(), found_text()};
  study.panels[1].task = "tiled";
  std::erase_if(study.panels[0].scores,
                [](const EvalScore& score) { return !score.row.extension.empty(); });
  CHECK(missing_runs(study) == "Missing: rope + yarn on text.");
}
