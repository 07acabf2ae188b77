// A model's block as an option: keys and flags, sweeps, records, files, evaluation and exports.
#include <filesystem>
#include <nlohmann/json.hpp>

#include "core/io/json.h"
#include "core/io/safetensors.h"
#include "models/checkpoint.h"
#include "tests/support/refused.h"
#include "train/config/keys.h"
#include "train/config/toml.h"
#include "train/sweep/flop_count.h"
#include "train/training/memory_estimate.h"
#include "train/training/run_record.h"

using namespace yonder;
using Catch::Approx;
using Catch::Matchers::ContainsSubstring;

namespace {

std::string design_of(const std::string& toml) {
  SweepConfig config;
  apply_config(toml, "a.toml", config);
  return config.base.design().text(config.base.heads);
}

const std::string few_steps =
    " --task copy --train-length 6 --width 16 --heads 4 --layers 2 --batch 4 --steps 3 --warmup 1 "
    "--quiet";

// A run of a few steps, trained once for each set of options.
const std::string& run_with(const std::string& options) {
  static const Folder folder;
  static std::map<std::string, std::string> runs;
  if (const auto known = runs.find(options); known != runs.end()) return known->second;
  const std::string path = folder / std::to_string(runs.size());
  const Ran ran = yonder_run("train" + few_steps + " " + options + " --out " + path);
  INFO(options);
  REQUIRE(ran.err == "");
  return runs[options] = path;
}

std::string metadata_of(const std::string& run) {
  return read_safetensors(run + "/checkpoints/step-3.safetensors").metadata.at("yonder");
}

}  // namespace

TEST_CASE("a block sets what is not set separately, in any order of keys") {
  CHECK(design_of("") == "");
  CHECK(design_of("[model]\nblock = 'plain'") == "");
  CHECK(design_of("[model]\nblock = 'gpt2'") == "bias all");
  CHECK(design_of("[model]\nblock = 'neox'") == "place parallel, bias all");
  CHECK(design_of("[model]\nblock = 'llama'") == "norm rms, act swiglu");
  CHECK(design_of("[model]\nblock = 'gemma'") == "norm rms, place sandwich, act swiglu");
  CHECK(design_of("[model]\nact = 'gelu'\nblock = 'llama'\nkv_heads = 2\nloops = 3") ==
        "norm rms, kv_heads 2, loops 3");
  CHECK(design_of("[model]\nnorm = 'layer'\nkv_heads = 4") == "");

  RunConfig config{.width = 64};
  CHECK(config.hidden() == 256);
  config.block = "llama";
  CHECK(config.hidden() == 176);  // 8⌈64/3⌉
  config.mlp = 100;
  CHECK(config.hidden() == 100);
}

TEST_CASE("a block is saved in the checkpoint, and show prints it") {
  const std::string llama = run_with("--block llama --kv-heads 2");
  CHECK_THAT(metadata_of(llama),
             ContainsSubstring(R"("format":2)") && ContainsSubstring(R"("norm":"rms")") &&
                 ContainsSubstring(R"("kv_heads":2)") && ContainsSubstring(R"("mlp":48)"));
  CHECK_THAT(metadata_of(run_with("--block plain --kv-heads 4")),
             ContainsSubstring(R"("format":1)") && !ContainsSubstring("norm"));
  CHECK_THAT(yonder_run("show " + llama).out,
             ContainsSubstring("layers 2, norm rms, act swiglu, kv_heads 2\n"));
  CHECK_THAT(content_of(llama + "/config.toml"), ContainsSubstring("norm = 'rms'"));
  // The file alone is enough to rebuild the model that the flags define.
  const auto loaded = load(llama);
  CHECK(loaded.config.design() == loaded.model->dims().block);
  CHECK(resolved(loaded).norm == NormKind::rms);
}

TEST_CASE("a continued run keeps its block, and a flag that contradicts it is refused") {
  const Folder folder;
  const std::string llama = run_with("--block llama --kv-heads 2"),
                    on = "train --steps 3 --quiet --from " + llama + " --out " + (folder / "x");
  CHECK(refused(on + " --block gpt2", 2, "--block: 'layer pre gelu, bias all' is given"));
  CHECK(refused(on + " --norm layer", 2, "--norm: 'layer' is given"));
  CHECK(refused(on + " --kv-heads 4", 2, "--kv-heads: '4' is given"));
  CHECK(refused(on + " --loops 2", 2, "--loops: '2' is given"));
  CHECK(!std::filesystem::exists(folder / "x"));
  REQUIRE(yonder_run(on + " --block llama --norm rms").err == "");
  CHECK_THAT(read_safetensors(folder / "x/checkpoints/step-6.safetensors").metadata.at("yonder"),
             ContainsSubstring(R"("norm":"rms")"));
}

TEST_CASE("a run with another block is resumed bit for bit") {
  const Folder folder;
  const std::string options =
      "train" + few_steps + " --block gemma --loops 2 --checkpoint-minutes 0";
  REQUIRE(yonder_run(options + " --steps 4 --out " + (folder / "a")).err == "");
  REQUIRE(yonder_run("train --quiet --resume " + (folder / "a")).code == 0);
  REQUIRE(yonder_run("train --quiet --config " + (folder / "a/config.toml") + " --out " +
                     (folder / "b"))
              .err == "");
  CHECK(content_of(folder / "a/checkpoints/step-4.safetensors") ==
        content_of(folder / "b/checkpoints/step-4.safetensors"));
}

TEST_CASE("loops may be overridden at inference, in eval and in a row of a sweep") {
  const Folder folder;
  const std::string run = run_with("--encoding none --loops 2");
  const auto loss = [&](const std::string& more) {
    const Ran ran = yonder_run("eval " + run + " --lengths 6 --examples 8 --quiet --json" + more);
    INFO(ran.err);
    REQUIRE(ran.code == 0);
    return parse_json(ran.out, "eval").dump();
  };
  CHECK(loss(" --loops 2") == loss(""));
  CHECK(loss(" --loops 4") != loss(""));
  CHECK(loss(" --loops 0") == loss(""));  // at the trained length
  CHECK(refused("eval " + run + " --lengths 6 --loops -1", 2, "loops: '-1' is not allowed"));
  CHECK(refused("eval " + run_with("--encoding deberta --bidirectional") + " --lengths 6 --loops 2",
                2, "which can't be looped"));
  const std::string sweep =
      "sweep --encodings none,none:model.loops=4,none:model.loops=0 --eval-lengths 6,12 --seeds 1 "
      "--examples 8" +
      few_steps;
  const Ran ran = yonder_run(sweep + " --loops 2 --out " + (folder / "s"));
  INFO(ran.err);
  REQUIRE(ran.code == 0);
  CHECK_THAT(ran.out, ContainsSubstring("NoPE + loops 4"));
  // In proportion means twice as many loops at twice the length.
  const std::string csv = content_of(folder / "s/results.csv");
  const auto loss_in = [&](const std::string& row, const std::string& length) {
    std::istringstream lines(csv);
    for (std::string line; std::getline(lines, line);)
      if (line.starts_with(row) && line.find("," + length + ",") != line.npos) return line;
    return std::string();
  };
  CHECK(loss_in("none,model.loops=4", "12").substr(18) ==
        loss_in("none,model.loops=0", "12").substr(18));
  CHECK_THAT(content_of(folder / "s/results.json"), ContainsSubstring(R"("depth": 4)"));
  CHECK_THAT(content_of(folder / "s/report.html"), ContainsSubstring("depth"));
}

TEST_CASE("blocks may be axes of a sweep, and a dry run estimates the cost of each") {
  const Ran ran = yonder_run(
      "sweep --encodings rope --seeds 1 --set model.block=gpt2,llama --set "
      "model.loops=1,2 --dry-run" +
      few_steps);
  INFO(ran.err);
  REQUIRE(ran.code == 0);
  CHECK_THAT(ran.out, ContainsSubstring("rope-copy-blockgpt2-loops1") &&
                          ContainsSubstring("rope-copy-blockllama-loops2") &&
                          ContainsSubstring("depth 4"));
  CHECK(refused("sweep --encodings complex --set model.norm=layer,rms --dry-run" + few_steps, 2,
                "has the plain block only"));
  CHECK(refused("sweep --encodings rope --set model.block=gpt3 --dry-run" + few_steps, 2,
                "did you mean 'gpt2'"));
}

TEST_CASE("FLOPs and memory are estimated with the block") {
  const auto run = [](BlockDesign block) {
    RunConfig config{.encoding = "none", .width = 96, .heads = 4, .layers = 2};
    config.set_design(block);
    return config;
  };
  const auto forward = [&](const BlockDesign& block) {
    return FlopCount(run(block)).training(16, 1, 1);
  };
  const double plain = forward({});
  CHECK(forward({.loops = 3}) == Approx(3 * plain));
  CHECK(forward({.act = Activation::swiglu}) == Approx(plain));  // 3·D·8D/3
  CHECK(forward({.kv_heads = 1}) < 0.9 * plain);
  const auto bytes = [&](const BlockDesign& block) {
    return training_bytes(prepare(run(block)).model->dims(), 8);
  };
  CHECK(bytes({.loops = 2}) > 1.3 * bytes({}));
  CHECK(bytes({.kv_heads = 1}) < bytes({}));
  CHECK(weights_of_layer(prepare(run({})).model->dims()) == 4 * 96 * 96 + 2 * 96 * 384);
  CHECK(weights_of_layer(prepare(run({.act = Activation::swiglu, .kv_heads = 2})).model->dims()) ==
        3 * 96 * 96 + 3 * 96 * 256);
}

TEST_CASE("invalid block options are refused, and so is the export of blocks that targets lack") {
  const Folder folder;
  const std::string train = "train" + few_steps + " --out " + (folder / "x");
  CHECK(refused(train + " --norm batch", 2, "norm: 'batch' is not allowed"));
  CHECK(refused(train + " --place before", 2, "place: 'before' is not allowed"));
  CHECK(refused(train + " --act relu", 2, "swiglu or relu2"));
  CHECK(refused(train + " --bias some", 2, "bias: 'some' is not allowed"));
  CHECK(refused(train + " --block lama", 2, "did you mean 'llama'"));
  CHECK(refused(train + " --kv-heads 3", 2, "kv_heads 3 does not divide heads 4"));
  CHECK(refused(train + " --loops 0", 2, "loops: '0' is not allowed"));
  CHECK(refused(train + " --encoding complex --block llama", 2, "the plain block only"));
  CHECK(refused(train + " --encoding deberta --bidirectional --loops 2", 2, "can't be looped"));
  CHECK(
      refused(train + " --encoding deberta --deberta.share true --kv-heads 2", 2, "deberta.share"));
  CHECK(!std::filesystem::exists(folder / "x"));
  for (const char* to : {"hf", "gguf"}) {
    const std::string out = " --out " + (folder / "y") + " --to " + to;
    CHECK(refused("export " + run_with("--block gemma") + out, 2,
                  "export: the model's blocks have norm rms, place sandwich, act swiglu"));
    CHECK(refused("export " + run_with("--encoding none --loops 2") + out, 2, "the model loops"));
    CHECK(refused("export " + run_with("--block plain --kv-heads 4") + out + " --loops 2", 2,
                  "applies its layers once"));
  }
}
