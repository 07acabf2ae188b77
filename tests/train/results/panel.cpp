#include "train/results/study.h"

#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <numbers>
#include <sstream>

#include "core/error.h"
#include "encodings/base/encoding.h"
#include "tests/support/catch.h"
#include "tests/support/results_fixture.h"
#include "train/results/orderings.h"

using namespace yonder;
using Catch::Approx;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::StartsWith;

static Study study_with(const Results& r) { return {.name = "made up", .panels = {r}}; }

TEST_CASE("a panel's title has the settings without their owners") {
  Results r{.task = "copy"};
  CHECK(r.title() == "copy");
  r.variant = "data.copy.alphabet=2, data.train_length=8, encoding.rope.factors=1,2";
  CHECK(r.title() == "copy (alphabet 2, train length 8, factors 1,2)");
  r.variant = "encoding.rope@0,2.base=100, 7";
  CHECK(r.title() == "copy (base@0,2 100, 7)");
  r.test = "needle.keys=4:needle.lag=5", r.variant = "";
  CHECK(r.title() == "copy (keys 4, lag 5)");
  r.protocol = "non-overlapping", r.test = "tiled.tile=1", r.variant = "train.lr=0.001";
  CHECK(r.title() == "copy, non-overlapping (tile 1, lr 0.001)");
}

TEST_CASE("rows are separated by commas and their extensions by colons") {
  const auto rows = parse_rows("alibi,rope+logn:rope.scaling=yarn:rope.factor=4");
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].encoding == "alibi");
  CHECK(rows[0].extension.empty());
  CHECK(rows[1].encoding == "rope+logn");
  CHECK(rows[1].extension_text() == "rope.scaling=yarn:rope.factor=4");
  CHECK(parse_rows(rows[1].encoding + ":" + rows[1].extension_text())[0] == rows[1]);
}

TEST_CASE("a row's label says its extension in words") {
  auto label = [](const std::string& text) { return parse_rows(text)[0].label(); };
  CHECK(label("rope") == "rope");
  CHECK(label("rope:rope.scaling=yarn") == "rope + yarn");
  CHECK(label("rope:rope.scaling=yarn:rope.factor=4") == "rope + yarn, factor 4");
  CHECK(label("rope:window.size=0") == "rope + window");
  CHECK(label("rope:window.size=96") == "rope + window 96");
  CHECK(label("rope:logn.when=test") == "rope + logn");
  CHECK(label("rope@0-2,none@3:rope.scaling=yarn") == "rope@0-2,none@3 + yarn");
  CHECK(label("rope+window@0-2,none@3:window.size=0") == "rope+window@0-2,none@3 + window");
  CHECK(label("rope+window:window.size=5") == "rope+window + size 5");
}

TEST_CASE("tables print a row as papers do, and NoPE is never called none") {
  const auto printed = [](const std::string& text) { return parse_rows(text)[0].printed(); };
  CHECK(printed("none") == "NoPE");
  CHECK(printed("rope:rope.scaling=yarn:rope.factor=4") == "RoPE + YaRN, factor 4");
  CHECK(printed("rope@0-2,none@3:window.size=0") == "RoPE@0-2,NoPE@3 + window");
  CHECK(printed("rope:encoding.until=0.5:encoding.then=none") ==
        "RoPE (switch at 0.5, switch to NoPE)");
  CHECK(printed("sinusoidal") == "sinusoidal");
  for (const Entry& e : registry())
    if (!e.printed.empty()) CHECK(e.printed.find_first_of("@:;,=<>&") == std::string::npos);
}

TEST_CASE("only a window of the trained length is the baseline, others are rows like any other") {
  const auto windowed = [](const std::string& text) { return parse_rows(text)[0].windowed(); };
  CHECK(windowed("rope:window.size=0"));
  for (const char* other : {"rope", "rope:window.size=5", "rope:window.size=0:logn.when=test"})
    CHECK_FALSE(windowed(other));
}

TEST_CASE("a seed solves a task if nine of ten answers match exactly") {
  Results r = found_task();
  const Row rope = r.rows[0];
  for (int seed = 1; seed < 4; ++seed) {
    r.scores.push_back(r.scores[1]);
    r.scores.back().seed = seed;
    r.scores.back().exact_match = seed == 1 ? 0.9 : seed == 2 ? 0.89 : unknown;
    r.scores.back().token_accuracy = 0.95;  // used if exact match is unknown
  }
  CHECK(r.solved(rope, 40).seeds == 2);
  CHECK(r.solved(rope, 40).of == 4);
  CHECK(r.solved(rope, 80).of == 0);
  CHECK(study_from_json(to_json(study_with(r)), "x").panels[0].solved(rope, 40).seeds == 2);
}

TEST_CASE("invalid rows are refused in a sentence") {
  CHECK_THROWS_WITH(parse_rows("rope,,alibi"), ContainsSubstring("empty entry"));
  CHECK_THROWS_WITH(parse_rows("rope:yarn"), ContainsSubstring("option=value"));
  CHECK_THROWS_WITH(parse_rows("rope,alibi,rope"), ContainsSubstring("named twice"));
  CHECK_THROWS_AS(parse_rows(""), UsageError);
  CHECK_THROWS_WITH(parse_row("rope@0-2,none@2"), ContainsSubstring("names layer 2 twice"));
}

TEST_CASE("the CSV has a line for each score, and its numbers read back exactly") {
  Results r = found_text();
  r.scores[0].loss = 0.1 + 0.2;
  std::istringstream csv(to_csv(study_with(r)));
  std::string header, line;
  std::getline(csv, header);
  CHECK(header ==
        "encoding,overrides,task,eval_options,config,eval_protocol,eval_length,eval_tokens,seed,"
        "train_length,step,loss,perplexity,bits_per_byte,token_accuracy,exact_match,examples,error,"
        "status,reason,eval_length_min,targets,loss_low,loss_high,chance,unigram_loss,bytes_per_"
        "token,"
        "train_steps,settings");
  std::getline(csv, line);
  CHECK(line.rfind("kerple,,text,,,fixed-targets,64,64,0,64,,0.30000000000000004,", 0) == 0);
  std::size_t lines = 1;
  std::string last;
  while (std::getline(csv, line)) ++lines, last = line;
  CHECK(lines == r.scores.size());
  CHECK(last.ends_with(
      ",learned: position 64 is beyond the table of 64,undefined,table ends,512,0,,,,3.19,1,,"));
}

TEST_CASE("bits per byte account for the bytes of a token") {
  Results r = found_text(1);
  r.scores = {r.scores[0]};
  r.scores[0].loss = 4 * std::numbers::ln2;
  CHECK(to_csv(study_with(r)).find(",4,") != std::string::npos);
  r.bytes_per_token = 2;
  CHECK(to_csv(study_with(r)).find(",2,") != std::string::npos);
  r.bytes_per_token = unknown;
  CHECK(to_csv(study_with(r)).find(",2,") == std::string::npos);
}

TEST_CASE("a string with commas or quotes is quoted in the CSV") {
  Results r = found_text(1);
  r.scores[0].problem = "a \"b\", c";
  CHECK(to_csv(study_with(r)).find(",\"a \"\"b\"\", c\",ok,,64,0,,,,3.19,1,,\n") !=
        std::string::npos);
}

TEST_CASE("results read back from JSON unchanged") {
  Results r = found_text();
  r.late_checkpoints = {r.scores[0]};
  r.late_checkpoints[0].step = 950;
  r.learning_curve = {r.scores[1]};
  r.learning_curve[0].step = 100;
  r.curves = {{r.rows[0], 1, {3, 2, 1.5}}};
  r.lags = {{r.rows[1], 0, 64, 16, 32, 0.5, 12}};
  Study study = study_with(r);
  study.failures.push_back({"rope-text-s1", "diverged"});
  study.trainings.push_back({.cell = "rope-text-s0", .encoding = "rope", .lr = 1e-3, .loss = {3}});
  study.trainings[0].settings = {{"copy.alphabet", 8}, {"train.batch", 32}};
  study.claims.push_back({"rope loses", "A paper, Table 1", {"kerple", "rope"}, 512, "", "", ""});
  const Study back = study_from_json(to_json(study), "results.json");
  CHECK(to_json(back) == to_json(study));
  CHECK(to_csv(back) == to_csv(study));
  CHECK(back.panels[0].rows == r.rows);
  CHECK(std::isnan(back.panels[0].scores.back().loss));
  study.trainings[0].settings = {{"copy.alphabet", "8"}};  // as earlier versions wrote numbers
  CHECK(study_from_json(to_json(study), "results.json").trainings[0].settings[0].value == Value(8));
}

TEST_CASE("the reason for a missing value is read from results of earlier versions too") {
  auto json = nlohmann::json::parse(to_json(study_with(found_text(1))));
  for (auto& score : json["panels"][0]["scores"]) score.erase("status"), score.erase("reason");
  const Results back = study_from_json(json.dump(), "results.json").panels[0];
  CHECK(back.scores.front().status == Status::ok);
  CHECK(back.scores.back().status == Status::undefined);
  CHECK(back.problem(back.rows[3], 128) == "table ends");
}

TEST_CASE("results of format 2 are read by the names that they use") {
  const Study study = study_with(found_text(1));
  std::string text = to_json(study);
  for (const auto& [now, before] :
       std::map<std::string, std::string>{{"format\": 3", "format\": 2"},
                                          {"token_accuracy\"", "accuracy\""},
                                          {"exact_match\"", "exact\""},
                                          {"overrides\"", "extension\""},
                                          {"eval_length\"", "length\""},
                                          {"eval_lengths\"", "lengths\""},
                                          {"eval_tokens\"", "tokens\""},
                                          {"eval_options\"", "test\""},
                                          {"eval_protocol\"", "protocol\""},
                                          {"fixed-targets\"", "same-targets\""},
                                          {"unigram_loss\"", "letters\""},
                                          {"train_length\"", "trained\""},
                                          {"late_checkpoints\"", "earlier\""},
                                          {"learning_curve\"", "course\""},
                                          {"config\"", "variant\""},
                                          {"error\"", "problem\""}})
    for (std::size_t at; (at = text.find("\"" + now)) != text.npos;)
      text.replace(at + 1, now.size(), before);
  REQUIRE(text.find("token_accuracy") == text.npos);
  CHECK(to_json(study_from_json(text, "results.json")) == to_json(study));
}

TEST_CASE("a file without results is refused by name") {
  CHECK_THROWS_WITH(study_from_json("{}", "x/results.json"), StartsWith("x/results.json"));
  CHECK_THROWS_AS(study_from_json("{\"task\": 3", "results.json"), FileError);
}

TEST_CASE("a cell without values says why: the table ends, or its trainings failed") {
  Results r = found_text();
  CHECK(r.problem(r.rows[3], 128) == "table ends");
  CHECK(r.problem(r.rows[0], 128).empty());
  std::erase_if(r.scores, [](const EvalScore& s) { return s.row.encoding == "kerple"; });
  CHECK(r.problem(r.rows[0], 128) == "failed");
  // The words of a message are not interpreted.
  for (EvalScore& s : r.scores)
    s.reason = "", s.problem = "rope: a table that does not matter", s.loss = unknown,
    s.status = s.length == 64 ? Status::refused : Status::undefined;
  CHECK(r.problem(r.rows[1], 64) == "refused");
  CHECK(r.problem(r.rows[1], 128) == "undefined");
}

TEST_CASE("options fixed in training belong to the encoding of a row, others to its extension") {
  const auto rows =
      parse_rows("deberta:deberta.decoder=0,rope:rope.fraction=0.5:rope.scaling=yarn");
  CHECK(rows[0].encoding == "deberta:deberta.decoder=0");
  CHECK(rows[0].name() == "deberta");
  CHECK(rows[0].extension.empty());
  CHECK(rows[0].label() == "deberta, decoder 0");
  CHECK(rows[1].training().at(0).value == Value(0.5));
  CHECK(rows[1].extension_text() == "rope.scaling=yarn");
  CHECK(rows[1].label() == "rope, fraction 0.5 + yarn");
  CHECK(rows[1].printed() == "RoPE (fraction 0.5) + YaRN");
}

TEST_CASE("the JSON has intervals, orderings and verdicts for other programs") {
  Study study = study_with(found_text());
  study.claims.push_back({"rope loses", "A paper, Table 1", {"kerple", "rope"}, 512, "", "", ""});
  const auto json = nlohmann::json::parse(to_json(study));
  CHECK(json["panels"][0]["summary"][0]["interval"] == nlohmann::json({1.6, 1.62}));
  CHECK(json["panels"][0]["summary"][0]["coverage"].get<double>() == Approx(0.75));
  CHECK(json["panels"][0]["orderings"][0]["better"] == "kerple");
  CHECK(json["panels"][0]["orderings"][0]["agree"] == 3);
  CHECK(json["verdicts"][0]["result"] == "inconclusive");  // three seeds
  CHECK(json["verdicts"][0]["steps"][0]["outcome"] == "open");
}

TEST_CASE("a bin of lengths is in a column of the CSV, in JSON and in the sentences") {
  Results r = found_task();
  r.bins = {{40, 21}};
  CHECK(to_csv(study_with(r)).find(",ok,,21,0,,,0.0625,,,,\n") != std::string::npos);
  const Results back = study_from_json(to_json(study_with(r)), "x").panels[0];
  CHECK(back.bins == r.bins);
  CHECK(said(ordering(back, r.rows[0], r.rows[1], 40, Measure::exact_match)).find(" at 21-40: ") !=
        std::string::npos);
  r.bins = {{40, 41}};
  CHECK_THROWS_WITH(study_from_json(to_json(study_with(r)), "x"),
                    ContainsSubstring("a bin is from 41 to 40"));
}
