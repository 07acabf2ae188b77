// Configuration files and their keys.
#include "train/config/toml.h"

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "tests/support/binary.h"
#include "tests/support/catch.h"
#include "tests/support/configs.h"
#include "tests/support/task_for.h"
#include "train/config/keys.h"
#include "train/training/run_record.h"
#include "train/training/session.h"

using namespace yonder;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::StartsWith;

namespace {

void refused_toml(const std::string& toml, const std::string& said) {
  INFO(toml);
  CHECK_THROWS_WITH(read_config(toml), ContainsSubstring(said) && StartsWith("a.toml:"));
  CHECK_THROWS_AS(read_config(toml), FileError);
}

}  // namespace

TEST_CASE("a configuration sets what it names and keeps the other defaults") {
  const SweepConfig c = read_config(R"(
[model]
width = 64
[train]
lr = 3e-3
[data]
task = "copy"
length = 20
copy.alphabet = 8
[encoding.rope]
base = 500
[sweep]
encodings = ["rope", "alibi"]
lengths = [20, 40]
windowed = true
seeds = 5
set."train.steps" = [10, 20]
[[claim]]
text = "alibi first"
order = ["alibi", "rope"]
)");
  CHECK(c.base.width == 64);
  CHECK(c.base.heads == 4);
  CHECK(c.base.lr == 3e-3);
  CHECK(c.base.task == "copy");
  CHECK(c.base.train_length == 20);
  CHECK(c.encodings == std::vector<std::string>{"rope", "alibi"});
  CHECK(c.eval_lengths == std::vector<int>{20, 40});
  CHECK(c.window_baseline);
  CHECK(c.seeds == 5);
  REQUIRE(c.axes.size() == 1);
  CHECK(c.axes[0].values == std::vector<Value>{10, 20});
  REQUIRE(c.base.options.size() == 2);
  CHECK(c.claims.at(0).order.size() == 2);
}

TEST_CASE("errors in a configuration are named with file, line and key") {
  refused_toml("\n[model]\nwidht = 3",
               "a.toml:3: there is no key 'model.widht'; did you mean 'model.width'");
  refused_toml("[train]\nsteps = 0", "a.toml:2: train.steps: '0' is not allowed");
  refused_toml("[train]\nlr = [1, 2]", "train.lr");
  refused_toml("[encoding.rope]\nbas = 3", "encoding.rope.bas");
  refused_toml("[sweep]\nseeds = 0", "sweep.seeds");
  refused_toml("[sweep]\neval_lenghts = [3]", "did you mean 'eval_lengths'");
  refused_toml("[sweep]\neval_lengths = [0]", "eval_lengths: '0'");
  refused_toml("[sweep]\neval_lengths = ['0-4']", "eval_lengths: '0-4' is not allowed");
  refused_toml("[sweep]\neval_lengths = ['9-4']", "eval_lengths: '9-4' is not allowed");
  refused_toml("[sweep]\neval_lengths = ['1-25', '25-50']", "'25-50' and '1-25' share a length");
  refused_toml("[sweep]\neval_lengths = [30, '26-50']", "'26-50' and '30' share a length");
  refused_toml("[sweep.set]\n\"train.wdth\" = [1, 2]", "train.wdth");
  refused_toml("[sweep]\nencodings = 'rope'", "takes a list");
  refused_toml("[[claim]]\nodrer = ['a']", "did you mean 'order'");
  refused_toml("[modl]\nwidth = 1", "did you mean 'model'");
  refused_toml("width = ", "a.toml:1");
  RunConfig run;
  CHECK_THROWS_WITH(apply_config("[sweep]\nseeds = 1", "a.toml", run),
                    ContainsSubstring("yonder sweep"));
}

TEST_CASE("a written configuration reads back the same") {
  SweepConfig c =
      read_config("[sweep]\nset.\"data.task\" = ['copy', 'recall']\nprotocols = ['sliding']");
  CHECK(to_toml(read_config("[sweep]\neval_lengths = ['1-25', '26-50', 75]"))
            .find("eval_lengths = [ '1-25', '26-50', 75 ]") != std::string::npos);
  c.eval_lengths = {25, 75}, c.bins = {{25, 1}};
  c.title = "it's \"one\"";
  c.base.options = {{"rope.base", "500"}, {"copy.alphabet", "8"}};
  c.claims = {
      {"a", "b", {"rope", "alibi"}, 3, "tiled.tile=2", "sliding", "text", "", "loss", "trend"}};
  c.predictions = {{"a", "copy", "b", {"rope"}, {}}};
  CHECK(to_toml(read_config(to_toml(c))) == to_toml(c));
}

TEST_CASE("former names of keys are accepted, in files and in records") {
  const SweepConfig c = read_config(
      "[data]\nlength = 7\n[model]\ntied = true\n[train]\nlr-end = 0.5\nclip = 2\nreduce = "
      "'ordered'\n[encoding]\nuntil = 0.5\n[sweep]\nlengths = [8]\nwindowed = true\ncourse = 3\n"
      "protocols = ['same-targets']\n[sweep.set]\n\"train.save-every\" = [1, 2]\n");
  CHECK(to_toml(c) ==
        to_toml(read_config(
            "[data]\ntrain_length = 7\n[model]\ntie_embeddings = true\n[train]\n"
            "min_lr_ratio = 0.5\ngrad_clip = 2\n[encoding]\nswitch_at = 0.5\n[sweep]\n"
            "eval_lengths = [8]\nwindow_baseline = true\ncurve_points = 3\n[sweep.set]\n"
            "\"train.checkpoint_every\" = [1, 2]\n")));
  RunConfig run{.train_length = 7, .switch_at = 0.5, .min_lr_ratio = 0.5, .checkpoint_every = 3};
  auto record = record_of(run);
  for (const auto& [now, before] :
       std::map<std::string, std::string>{{"train_length", "length"},
                                          {"min_lr_ratio", "lr-end"},
                                          {"checkpoint_every", "save-every"},
                                          {"weight_decay", "weight-decay"},
                                          {"encoding.switch_at", "encoding.until"}}) {
    record[before] = record.at(now);
    record.erase(now);
  }
  CHECK(record_of(config_of(record)) == record_of(run));
  CHECK(parse_row("rope:encoding.until=0.5") == parse_row("rope:encoding.switch_at=0.5"));
}

TEST_CASE("rows by common names are those by yonder's names") {
  CHECK(parse_row("NoPE") == parse_row("none"));
  CHECK(parse_row("rope+YaRN") == parse_row("rope:rope.scaling=yarn"));
  CHECK(parse_row("RoPE+logn+rerope") == parse_row("rope+logn:rope.scaling=rerope"));
  CHECK(parse_row("pi") == parse_row("rope:rope.scaling=linear"));
  CHECK(parse_row("Rotary@0,ALiBi@1:rotary.scaling=ntk") ==
        parse_row("rope@0,alibi@1:rope.scaling=ntk"));
  CHECK_THROWS_WITH(parse_rows("rope,rotary"), ContainsSubstring("named twice"));
}

TEST_CASE("a key that a recorded sweep lacks had its default value") {
  SweepConfig c = read_config("[train]\nsteps = 30\n[sweep]\nencodings = ['rope']");
  const std::string text = to_toml(c), newer = "shards = 1\n";
  REQUIRE(text.find(newer) != text.npos);
  const std::string older =
      text.substr(0, text.find(newer)) + text.substr(text.find(newer) + newer.size());
  CHECK(same_sweep(text, "a.toml", c));
  CHECK(same_sweep(older, "a.toml", c));
  c.title = "reworded";
  c.claims.push_back({.text = "added", .order = {"rope", "none"}});
  CHECK(same_sweep(older, "a.toml", c));
  c.base.shards = 4;
  CHECK_FALSE(same_sweep(older, "a.toml", c));
  c.base.shards = 1, c.base.steps = 31;
  CHECK_FALSE(same_sweep(older, "a.toml", c));
  const std::string axis = "[sweep.set]\n\"copy.alphabet\" = ";
  CHECK(same_sweep(axis + "['4', '8']", "a.toml", read_config(axis + "[4, 8]")));
  CHECK_FALSE(same_sweep(axis + "['4', '9']", "a.toml", read_config(axis + "[4, 8]")));
  CHECK_THROWS_WITH(same_sweep(text + "\n[modl]\n", "a.toml", c), ContainsSubstring("modl"));
}

namespace {

// Sets another value that the option accepts.
void change(const Option& o) {
  if (auto* i = std::get_if<int*>(&o.value)) assign(o, "", **i + 1);
  if (auto* d = std::get_if<double*>(&o.value)) assign(o, "", **d == 0 ? 0.25 : **d / 2);
  if (auto* b = std::get_if<bool*>(&o.value)) assign(o, "", !**b);
  if (auto* s = std::get_if<std::string*>(&o.value))
    assign(o, "", o.choices.empty() ? **s + "x" : o.choices.back());
  if (std::holds_alternative<EnumField>(o.value)) assign(o, "", o.choices.back());
}

}  // namespace

TEST_CASE("every option of a run is in its files, and those that affect results must match") {
  const RunConfig plain{.switch_at = 0.5, .from = "runs/a"};
  RunConfig changed = plain;
  const auto before = plain.fields();
  const Options fields = changed.fields();
  for (std::size_t i = 0; i < fields.size(); ++i) {
    INFO(fields[i].name);
    changed = plain;
    change(fields[i]);
    REQUIRE(value_of(fields[i]) != before[i].value);
    const std::string name = OptionKey(fields[i].name).name;
    CHECK((unlike(changed, record_of(plain)).find(name) != std::string::npos) ==
          fields[i].affects_result);
    const RunConfig read = config_of(record_of(changed));
    CHECK(read.fields()[i].value == value_of(fields[i]));
    RunConfig from_file;
    apply_config(to_toml(changed), "config.toml", from_file);
    CHECK((value_of(from_file.fields()[i]) == read.fields()[i].value) == !fields[i].per_machine);
  }
}

TEST_CASE("options that do not affect results change no bit of a model") {
  const Folder folder;
  RunConfig config{.train_length = 4, .width = 16, .heads = 2, .layers = 1, .steps = 4, .batch = 4};
  const auto trained = [&](const std::string& name) {
    return content_of(train(config, folder / name, Existing::refuse, {}).checkpoint);
  };
  const std::string whole = trained("plain");
  for (const Option& o : config.fields())
    if (!o.affects_result) {
      INFO(o.name);
      change(o);
      CHECK(trained(o.name) == whole);
    }
}

TEST_CASE("numbers that an earlier version wrote as strings are read, and written as numbers") {
  RunConfig config;
  apply_config("[model]\nwidth = '64'\n[encoding.rope]\nbase = '500'\ntruncate = 'false'\n",
               "config.toml", config);
  CHECK(config.width == 64);
  const std::string text = to_toml(config);
  CHECK(contains(text, "base = 500\n"));
  CHECK(contains(text, "beta1 = 0.9\n"));
  CHECK(contains(text, "truncate = false"));
  auto record = record_of(config);
  CHECK(record["options"]["rope.base"] == 500);
  record["options"]["rope.base"] = "500";
  CHECK(unlike(config, record) == "");
  record["options"]["rope.base"] = "501";
  CHECK(unlike(config, record) == "rope.base 501 and not 500");
  record.erase("keep_checkpoints"), record["options"]["rope.base"] = 500;
  CHECK(unlike(config, record) == "");
}

TEST_CASE("every run's configuration, with defaults resolved, reads back the same") {
  for (const Entry& e : registry()) {
    if (e.kind == Kind::modifier) continue;
    RunConfig config{.encoding = e.name, .train_length = 4, .width = 32, .heads = 4, .layers = 1};
    config.task = task_for(e, config.task);
    config.bidirectional = e.serves == Serves::bidirectional_only;
    const Trained run = prepare(config);
    const std::string text = to_toml(resolved(run));
    INFO(text);
    RunConfig back;
    apply_config(text, "config.toml", back);
    CHECK(to_toml(resolved(prepare(back))) == text);
  }
}

TEST_CASE("a configuration may name layers and a switch of encodings, and reads back the same") {
  const SweepConfig c = read_config(R"(
[model]
layers = 4
[encoding]
until = 0.875
then = "alibi"
[encoding.alibi]
learned = true
[encoding."rope@3"]
base = 100
[sweep]
encodings = ["rope:rope.base=500@0-2,rope@3", "none+window@0-2,none@3:window.size=3"]
)");
  CHECK(c.base.switch_at == 0.875);
  CHECK(c.base.switch_to == "alibi");
  CHECK(c.base.options[1].key == "rope@3.base");
  CHECK(to_toml(read_config(to_toml(c))) == to_toml(c));
  RunConfig run = c.base;
  run.encoding = c.encodings[0];
  const std::string text = to_toml(resolved(prepare(run)));
  RunConfig back;
  apply_config(text, "config.toml", back);
  CHECK(to_toml(resolved(prepare(back))) == text);
  CHECK(contains(text, "rope@0-2']"));
  CHECK_THROWS_WITH(set_key(back, "data@3.task", "copy"), ContainsSubstring("behind an encoding"));
  CHECK_THROWS_WITH(set_key(back, "rope@3.bose", "1"),
                    ContainsSubstring("no key 'encoding.rope.bose'"));
  refused_toml("[encoding]\nuntil = 2", "encoding.switch_at: '2' is not allowed");
  refused_toml("[encoding]\nswitch_a = 1", "did you mean");
}

TEST_CASE("train --config reproduces the run bit for bit, and flags override it") {
  const Folder folder;
  const std::string flags =
      "--task copy --encoding t5 --train-length 4 --width 16 --heads 2 --layers 1 "
      "--batch 4 --steps 3 --t5.buckets 8 --quiet --out ";
  REQUIRE(yonder_run("train " + flags + (folder / "a")).code == 0);
  const std::string again = "train --config " + (folder / "a/config.toml") + " --quiet --out ";
  REQUIRE(yonder_run(again + (folder / "b")).code == 0);
  const std::string file = "/checkpoints/step-3.safetensors";
  CHECK(content_of(folder / ("a" + file)) == content_of(folder / ("b" + file)));
  REQUIRE(yonder_run(again + (folder / "c") + " --steps 2").code == 0);
  CHECK(std::filesystem::exists(folder / "c/checkpoints/step-2.safetensors"));
}

TEST_CASE("the configuration in a sweep's folder reproduces its file, flags and --set") {
  const Folder folder;
  put(folder / "a.toml",
      "[data]\ntask = 'copy'\nlength = 4\n[model]\nwidth = 16\nheads = 2\n"
      "layers = 1\n[train]\nsteps = 4\nbatch = 4\n[sweep]\nencodings = "
      "['rope', 't5']\nlengths = [4, 8]\nseeds = 2\nexamples = 8\n");
  const std::string sweep = "sweep " + (folder / "a.toml") +
                            " --set train.lr=1e-3,3e-3 --set copy.alphabet=4,8 --seeds 1 "
                            "--checkpoints 2 --quiet --out ";
  const Ran ran = yonder_run(sweep + (folder / "one"));
  INFO(ran.err);
  REQUIRE(ran.code == 0);
  const std::string csv = content_of(folder / "one/results.csv");
  CHECK(contains(csv, "rope,,copy,,data.copy.alphabet=4,answer,4,"));
  CHECK(contains(csv, "t5,,copy,,data.copy.alphabet=8,answer,8,"));
  const Ran again =
      yonder_run("sweep " + (folder / "one/config.toml") + " --quiet --out " + (folder / "two"));
  INFO(again.err);
  CHECK(again.code == 0);
  CHECK(content_of(folder / "two/results.csv") == csv);
  const Ran dry = yonder_run(sweep + (folder / "three") + " --dry-run");
  CHECK(dry.code == 0);
  CHECK(contains(dry.out, "parameters: "));
  CHECK(contains(dry.out, "[sweep.set]"));
  CHECK_FALSE(std::filesystem::exists(folder / "three"));
}

TEST_CASE("bash completes commands, presets, encodings and flags") {
  const Folder folder;
  REQUIRE(yonder_run("completion bash").code == 0);
  put(folder / "c", yonder_run("completion bash").out);
  const std::string path = std::filesystem::path(YONDER_BINARY).parent_path();
  const auto completed = [&](const std::string& words, int at) {
    const std::string command = "PATH=" + path + ":$PATH bash -c 'source " + (folder / "c") +
                                "; COMP_WORDS=(" + words + ") COMP_CWORD=" + std::to_string(at) +
                                "; _yonder; echo \"${COMPREPLY[@]}\"' >" + (folder / "o");
    REQUIRE(std::system(command.c_str()) == 0);
    return content_of(folder / "o");
  };
  CHECK(completed("yonder sw", 1) == "sweep\n");
  CHECK(completed("yonder sweep kerp", 2) == "kerple-table3\n");
  CHECK(completed("yonder train --encoding alib", 3) == "alibi\n");
  CHECK(completed("yonder train --rope.bas", 2) == "--rope.base\n");
  CHECK(yonder_run("completion bsh").code == 2);
}

TEST_CASE("a warm-up that outlasts training causes a warning with the rate that is reached") {
  RunConfig run;
  run.lr = 1e-3, run.warmup = 100, run.steps = 100;
  CHECK(run.warning().empty());
  run.steps = 3;
  CHECK_THAT(run.warning(), ContainsSubstring("ends at 3e-05 and never reaches its peak, 0.001"));
}
