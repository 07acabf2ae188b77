// Plans of sweeps, and the presets.
#include <map>

#include "core/error.h"
#include "tests/support/binary.h"
#include "tests/support/catch.h"
#include "tests/support/configs.h"
#include "train/config/presets.h"
#include "train/config/toml.h"
#include "train/results/inference.h"

using namespace yonder;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("a sweep refuses duplicate values, and its axes need no quotes") {
  const auto planned = [](const std::string& sweep) {
    return plan_of(read_config("[sweep]\n" + sweep));
  };
  CHECK_THROWS_WITH(planned("set.'data.length' = [4, '4']"),
                    ContainsSubstring("'4' is given twice"));
  CHECK_THROWS_WITH(planned("set.'train.lr' = [1e-3, 0.001]"), ContainsSubstring("given twice"));
  CHECK_THROWS_WITH(planned("tests = ['copy.alphabet=4', 'copy.alphabet=4']"),
                    ContainsSubstring("given twice"));
  CHECK_THROWS_WITH(planned("protocols = ['sliding', 'sliding']"),
                    ContainsSubstring("given twice"));
  CHECK(planned("set.model.width = [8, 16]").variants.size() == 2);
  SweepConfig many;
  many.base.seed = 2147483647;
  CHECK_THROWS_WITH(plan_of(many), ContainsSubstring("2147483647"));
}

TEST_CASE("without lengths, each panel is evaluated at multiples of its own training length") {
  const std::string tasks =
      "[data]\ntrain_length = 16\n[sweep.set]\n'data.task' = ['copy', "
      "'sort:data.train_length=5']\n";
  const SweepPlan plan = plan_of(read_config(tasks));
  CHECK(lengths_of(plan, plan.variants[0]) == std::vector<int>{16, 32, 64, 128});
  CHECK(lengths_of(plan, plan.variants[1]) == std::vector<int>{5, 10, 20, 40});
  const SweepPlan given = plan_of(read_config(tasks + "[sweep]\neval_lengths = [20]"));
  CHECK(lengths_of(given, given.variants[1]) == std::vector<int>{5, 20});
}

TEST_CASE("a plan expands the axes into panels, rows and learning rates") {
  const SweepConfig c = read_config(R"(
[sweep]
encodings = ["rope", "alibi"]
windowed = true
tests = ["", "copy.alphabet=16"]
[sweep.set]
"data.task" = ["copy", "reverse"]
"model.width" = [16, 32, 64]
"train.lr" = [1e-3, 3e-3]
"rope.fraction" = [0.5, 1]
)");
  const SweepPlan plan = plan_of(c);
  CHECK(plan.variants.size() == 6);
  CHECK(plan.variants[5].base.task == "reverse");
  CHECK(plan.variants[5].base.width == 64);
  CHECK(plan.variants[5].text == "model.width=64");
  CHECK(plan.rates == std::vector<double>{1e-3, 3e-3});
  CHECK(plan.tests.size() == 2);
  REQUIRE(plan.rows.size() == 6);  // two of rope, one of alibi, each with a sliding window too
  CHECK(plan.rows[0].encoding == "rope:rope.fraction=0.5");
  CHECK(lengths_of(plan, plan.variants[0]) == std::vector<int>{32, 64, 128, 256});
  CHECK_THROWS_WITH(
      plan_of(read_config("[sweep]\nset.\"t5.buckets\" = [8, 16]\nencodings = ['rope']")),
      ContainsSubstring("no encoding of this sweep is t5"));
  CHECK_THROWS_WITH(plan_of(read_config("[sweep]\ntests = ['rope.base=3']")),
                    ContainsSubstring("not an option of a task"));
}

TEST_CASE("a task on an axis may have settings for its panel") {
  const std::string axis = "[sweep]\nencodings = ['rope']\nset.'data.task' = ";
  const SweepPlan plan = plan_of(read_config(
      axis + "['copy', 'copy:copy.unique=true:data.train_length=8', 'sort:train.steps=9']"));
  REQUIRE(plan.variants.size() == 3);
  CHECK(plan.variants[0].text == "");
  CHECK(plan.variants[1].text == "data.copy.unique=true, data.train_length=8");
  CHECK(plan.variants[1].slug == "-uniquetrue-train_length8");
  CHECK(plan.variants[1].base.train_length == 8);
  CHECK(plan.variants[2].base.task == "sort");
  CHECK(plan.variants[2].base.steps == 9);
  for (const char* wrong : {"model.encoding=alibi", "train.seed=1", "data.task=sort"})
    CHECK_THROWS_WITH(plan_of(read_config(axis + "['copy:" + wrong + "', 'sort']")),
                      ContainsSubstring("which cannot vary between panels"));
}

TEST_CASE("all and everything omit what a model or a task cannot have, and say why") {
  const auto has = [](const SweepPlan& plan, const std::string& row) {
    return std::find(plan.rows.begin(), plan.rows.end(), parse_rows(row)[0]) != plan.rows.end();
  };
  const std::string plain = "[sweep]\nencodings = ['everything']\n";
  SweepPlan plan = plan_of(read_config(plain));
  REQUIRE(plan.left_out.size() == 2);
  CHECK(plan.left_out[0] == "abacus: it needs the digits of numbers, and copy has none");
  for (const Entry& e : registry())
    CHECK(has(plan, e.name) == (e.name != "abacus" && e.name != "coupled"));
  CHECK(has(plan, "sinks:sinks.first=4") == false);  // its default already
  CHECK(has(plan, "sharpen:sharpen.by=1.5"));
  CHECK(plan_of(read_config("[data]\ntask = 'addition'\n" + plain)).left_out.empty());
  CHECK(plan_of(read_config("[data]\ntask = 'addition'\n[sweep]\nencodings = ['all']\n"
                            "set.\"data.task\" = ['copy', 'addition']"))
            .left_out.size() == 2);
  plan = plan_of(read_config("[model]\nheads = 1\nbidirectional = true\ntied = true\n" + plain));
  for (const std::string name : {"nape", "hard-alibi", "cope", "complex", "stick-breaking"}) {
    CHECK(std::any_of(plan.left_out.begin(), plan.left_out.end(),
                      [&](const std::string& why) { return why.starts_with(name); }));
    CHECK(!has(plan, name));
  }
  CHECK(plan_of(read_config("[model]\nheads = 1\n[sweep]\nencodings = ['nape']")).left_out.empty());
}

TEST_CASE("the point at which an encoding switches may be an axis, with a row for each") {
  SweepConfig c = read_config(R"(
[sweep]
encodings = ["rope", "alibi@0-2,none@3"]
[sweep.set]
"encoding.switch_at" = [0.5, 1]
"rope.fraction" = [0.5]
)");
  const SweepPlan plan = plan_of(c);
  REQUIRE(plan.rows.size() == 4);
  CHECK(plan.rows[0].encoding == "rope:encoding.switch_at=0.5:rope.fraction=0.5");
  CHECK(plan.rows[3].encoding == "alibi@0-2,none@3:encoding.switch_at=1");
  c.axes = {{"model.encoding", {"rope@0,none@1", "none@0,rope@1"}}};
  CHECK(plan_of(c).rows.size() == 2);
}

TEST_CASE("every preset is a valid plan with title, source and claims") {
  REQUIRE(preset_files().size() >= 1);
  for (const auto& [name, toml] : preset_files()) {
    INFO(name);
    SweepConfig config;
    apply_config(toml, name, config);
    CHECK(config.title != "");
    CHECK(config.source != "");
    const SweepPlan plan = plan_of(config);
    CHECK(!plan.rows.empty());
    const auto there = [&](const std::vector<std::string>& rows) {
      for (const std::string& row : rows)
        CHECK(std::find(plan.rows.begin(), plan.rows.end(), parse_rows(row)[0]) != plan.rows.end());
    };
    const auto panel = [&](const std::string& task, const std::string& settings) {
      INFO(task << " " << settings);
      CHECK(std::any_of(plan.variants.begin(), plan.variants.end(), [&](const Variant& v) {
        return (task.empty() || v.base.task == task) && (settings.empty() || v.text == settings);
      }));
    };
    for (const Claim& c : config.claims) there(c.order), panel(c.task, c.config);
    // The demo's file says that it has too few.
    if (!config.claims.empty() && name != "quick")
      CHECK(config.seeds >= seeds_for(int(config.claims.size())));
    for (const Prediction& c : config.predictions)
      there(c.generalise), there(c.fail), panel(c.task, c.config);
  }
  CHECK_THROWS_WITH(preset("quik"), ContainsSubstring("did you mean 'quick'"));
}

TEST_CASE("sweep names an unknown preset, file, key or protocol") {
  const auto said = [](const std::string& arguments, int code, const std::string& what) {
    const Ran ran = yonder_run("sweep --out /nowhere/x " + arguments);
    INFO(arguments << ": " << ran.err);
    CHECK(ran.code == code);
    CHECK(contains(ran.err, what));
  };
  said("quik", 2, "did you mean 'quick'");
  said("/nowhere/a.toml", 3, "/nowhere/a.toml");
  said("--set train.steeps=3", 2, "did you mean 'train.steps'");
  said("--set train.steps", 2, "is not of the form option=value");
  said("--set train.seed=1,2", 2, "--seeds");
  said("--eval-protocols sliced --task text --text " YONDER_SOURCE "/README.md", 2, "sliding");
  said("--eval-protocols sliding", 2, "a single evaluation protocol");
  said("--tests tiled.tile=2", 2, "the task is copy");
}
