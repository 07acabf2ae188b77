#include <nlohmann/json.hpp>

#include "core/parallel.h"
#include "tests/support/binary.h"
#include "tests/support/catch.h"
#include "train/evaluation/extrapolation.h"

using namespace yonder;
using Catch::Matchers::ContainsSubstring;

namespace {

const std::string tiny_training =
    " --task copy --train-length 4 --width 16 --heads 2 --layers 1 --batch 4 --steps 2 --threads 1 "
    "--quiet ";

// The folder of a short run, trained once for each encoding.
std::string trained(const std::string& encoding) {
  static const Folder folder;
  const std::string path = folder / encoding;
  if (!std::filesystem::exists(path))
    REQUIRE(
        yonder_run("train" + tiny_training + "--encoding " + encoding + " --out " + path).code ==
        0);
  return path;
}

std::vector<std::string> labels(const std::vector<Row>& rows) {
  std::vector<std::string> all;
  for (const Row& row : rows) all.push_back(row.label());
  return all;
}

bool contains(const std::vector<std::string>& all, const std::string& one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

std::vector<Row> rows_of(const std::string& encoding, const std::vector<std::string>& list,
                         const Overrides& beside = {}) {
  return extension_rows(load(trained(encoding)).model->encoding(), list, beside);
}

}  // namespace

TEST_CASE("all extensions of a composition are those of its parts and the free baselines") {
  const auto rows = labels(rows_of("rope+t5", {"all"}));
  CHECK(rows.front() == "rope+t5");
  for (const Override& s : entry("rope").extensions)
    CHECK(contains(rows, Row{"rope+t5", {s}}.label()));
  CHECK(contains(rows, "rope+t5 + window"));
  CHECK(contains(rows, "rope+t5 + logn"));
  CHECK(contains(rows, "rope+t5 + sinks 4"));
  CHECK(contains(rows, "rope+t5 + sharpen 1.5"));
  CHECK(rows.size() == 5 + entry("rope").extensions.size());
}

TEST_CASE("options fixed in training and values already in use are not extensions") {
  CHECK(labels(rows_of("alibi+logn+window", {"all"})) ==
        std::vector<std::string>{"alibi+logn+window", "alibi+logn+window + sharpen 1.5"});
  CHECK_FALSE(has_extensions(load(trained("alibi+logn+window")).model->encoding()));
  CHECK_FALSE(has_extensions(load(trained("alibi")).model->encoding()));
  CHECK(has_extensions(load(trained("learned")).model->encoding()));
  const Trained yarn = load(trained("rope"), {{"rope.scaling", "yarn"}});
  for (const Override& s : extensions_of(yarn.model->encoding())) CHECK(s.value != Value("yarn"));
}

TEST_CASE("extensions are listed as all, by option or with values, each once") {
  CHECK(labels(rows_of("learned", {"learned.beyond=clamp", "window", "window.size"})) ==
        std::vector<std::string>{"learned", "learned + clamp", "learned + window"});
  CHECK(labels(rows_of("rope", {"rope.scaling=yarn:rope.factor=3", "rope.scaling=ntk"},
                       {{"rope.factor", "2"}})) ==
        std::vector<std::string>{"rope", "rope + yarn, factor 3", "rope + ntk, factor 2"});
  CHECK(labels(rows_of("rope", {"sinks.first=2:sinks.window=16:logn.when=test"}))[1] ==
        "rope + sinks first 2, window 16, logn");
  CHECK_THROWS_WITH(rows_of("rope", {"rope.scalin"}),
                    ContainsSubstring("did you mean 'rope.scaling'?"));
  CHECK_THROWS_WITH(rows_of("rope", {"rope.scaling=yarn:"}), ContainsSubstring("option=value"));
}

TEST_CASE("each row of a comparison equals an evaluation with its overrides alone") {
  set_threads(1);
  const auto rows = rows_of("rope", {"rope.scaling=linear:rope.factor=4", "window.size=3"});
  const Results results =
      compare(trained("rope"), rows, Refused::fail, {}, {.lengths = {16}, .examples = 8}).panels[0];
  CHECK(results.train_length == 4);
  CHECK(results.lengths == std::vector<int>{4, 16});  // the cost at the trained length
  for (const Row& row : rows) {
    Trained model = load(trained("rope"), row.extension);
    const auto alone = evaluate(model, {.lengths = {4, 16}, .examples = 8});
    INFO(row.label());
    CHECK(results.at(row, 4, Measure::loss).median == alone[0].loss);
    CHECK(results.at(row, 16, Measure::loss).median == alone[1].loss);
  }
  CHECK(results.at(rows[1], 4, Measure::loss).median !=
        results.at(rows[0], 4, Measure::loss).median);
}

TEST_CASE("an extension that the model refuses says so in its row, or is an error") {
  set_threads(1);
  const std::vector<Row> rows{{"learned", {}}, {"learned", {{"learned.alpha", "0.5"}}}};
  const EvalSettings settings{.lengths = {8}, .examples = 4};
  const Results results = compare(trained("learned"), rows, Refused::tell, {}, settings).panels[0];
  CHECK(results.problem(rows[0], 4) == "");
  CHECK(results.problem(rows[0], 8) == "table ends");
  CHECK(results.problem(rows[1], 4) == "refused");
  CHECK(results.scores[1].status == Status::undefined);
  CHECK(results.scores[1].problem.starts_with("learned: position"));
  CHECK_THROWS_AS(compare(trained("learned"), rows, Refused::fail, {}, settings), UsageError);
}

TEST_CASE("eval prints extensions as rows, lengths as columns, and JSON that reads back") {
  const std::string eval =
      "eval " + trained("alibi") + " --eval-lengths 8,16 --examples 4 --quiet ";
  const Ran table = yonder_run(eval + "--extensions all");
  CHECK(table.code == 0);
  CHECK(table.err == "");
  for (const char* said :
       {"ALiBi + window", "ALiBi + log n", "trained", " 4×", "alibi has no extension of its own; "})
    CHECK(table.out.find(said) != std::string::npos);
  const Ran json = yonder_run(eval + "--extensions all --json");
  const Results results = study_from_json(json.out, "stdout").panels.at(0);
  CHECK(results.rows.size() == 5);
  CHECK(results.scores.size() == 15);
  CHECK(yonder_run(eval + "--extensions window.siz").code == 2);
  CHECK(yonder_run(eval + "--extensions all --per-position x.csv").code == 2);
}

TEST_CASE("a comparison names its protocol and the changed options of its task") {
  const Folder folder;
  const std::string text = folder / "text", path = YONDER_SOURCE "/README.md";
  REQUIRE(
      yonder_run("train --task tiled --tiled.path " + path +
                 " --train-length 32 --width 16 --heads 2 --layers 1 --batch 4 --steps 2 --quiet "
                 "--threads 1 --encoding alibi --out " +
                 text)
          .code == 0);
  const auto panel_of = [](const std::string& run, const std::string& more) {
    const Ran ran =
        yonder_run("eval " + run + " --examples 4 --quiet --extensions window " + more + " --json");
    return study_from_json(ran.out, "stdout").panels.at(0);
  };
  const Results changed =
      panel_of(text, "--eval-lengths 64 --eval-protocol non-overlapping --tiled.tile 0");
  CHECK(changed.protocol == "non-overlapping");
  CHECK(changed.test == "tiled.tile=0");
  CHECK(panel_of(text, "--eval-lengths 64").protocol == "fixed-targets");
  CHECK(panel_of(trained("alibi"), "--eval-lengths 8").protocol == "answer");
  const Ran table = yonder_run("eval " + text +
                               " --eval-lengths 64 --examples 4 --quiet --extensions window "
                               "--eval-protocol non-overlapping --tiled.tile 0");
  CHECK(table.out.find("tiled, non-overlapping (tile 0): Cross-entropy (nats") == 0);
}

TEST_CASE("every row is sharpened by each factor, once") {
  const Trained rope = load(trained("rope"));
  const Composition& encoding = rope.model->encoding();
  const auto plain = extension_rows(encoding, {"rope.scaling=yarn", "sharpen.by=5"}, {});
  const auto rows = labels(sharpened(encoding, plain, {"1", "1.50", "2", "1.5"}));
  CHECK(rows == std::vector<std::string>{"rope", "rope + sharpen 1.5", "rope + sharpen 2",
                                         "rope + yarn", "rope + yarn, sharpen 1.5",
                                         "rope + yarn, sharpen 2", "rope + sharpen 5"});
  const Row layer{"rope", {{"sharpen@0.by", 2}}};  // sharpens already
  CHECK(sharpened(encoding, {layer}, {"3"}) == std::vector<Row>{layer});
  for (const char* wrong : {"0", "-1", "x", "inf"})
    CHECK_THROWS_WITH(sharpened(encoding, plain, {wrong}), ContainsSubstring("--sharpen: "));
  const Ran ran = yonder_run("eval " + trained("rope") +
                             " --eval-lengths 4,8 --sharpen 1,2 --rope.scaling ntk --quiet --json");
  REQUIRE(ran.code == 0);
  const auto said = nlohmann::json::parse(ran.out);
  REQUIRE(said["panels"][0]["rows"].size() == 2);
  CHECK(said["panels"][0]["rows"][0]["label"] == "rope + ntk");
  CHECK(said["panels"][0]["rows"][1]["label"] == "rope + ntk, sharpen 2");
  const auto& scores = said["panels"][0]["scores"];
  CHECK(scores[0]["loss"] != scores[2]["loss"]);
  const Ran refused =
      yonder_run("eval " + trained("rope") + " --eval-lengths 4 --sharpen 1,y --quiet");
  CHECK(refused.code == 2);
  CHECK(refused.err.find("--sharpen") != refused.err.npos);
}
