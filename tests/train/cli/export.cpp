// tests/scripts/interop.sh compares exported models with yonder's logits, which needs numpy.
#include <filesystem>
#include <map>

#include "tests/support/refused.h"

using namespace yonder;
using Catch::Matchers::ContainsSubstring;

namespace {

// A run of a few steps, trained once for each set of options.
const std::string& run_of(const std::string& options) {
  static const Folder folder;
  static std::map<std::string, std::string> runs;
  if (const auto known = runs.find(options); known != runs.end()) return known->second;
  const std::string path = folder / std::to_string(runs.size());
  const std::string layers = options.find("--layers") == options.npos ? " --layers 1" : "";
  const Ran ran = yonder_run("train " + options + layers +
                             " --train-length 8 --width 16 --heads 2 --batch 2 "
                             "--steps 2 --warmup 0 --quiet --out " +
                             path);
  REQUIRE(ran.err == "");
  return runs[options] = path;
}

}  // namespace

TEST_CASE("export writes a folder for transformers, with what the encoding needs") {
  const Folder folder;
  const auto files = [&](const std::string& encoding, const std::string& more = "") {
    const std::string out = folder / encoding;
    const Ran ran = yonder_run("export " + run_of("--task copy --encoding " + encoding) +
                               " --out " + out + more);
    CHECK(ran.err == "");
    CHECK(ran.out == out + "\n");
    std::string names;
    for (const auto& file : std::filesystem::directory_iterator(out))
      names += file.path().filename().string() + " ";
    CHECK_THAT(names, ContainsSubstring("config.json") && ContainsSubstring("model.safetensors") &&
                          ContainsSubstring("tokenizer.json") &&
                          ContainsSubstring("tokenizer_config.json"));
    return std::pair{content_of(out + "/config.json"), names};
  };
  const auto [rope, of_rope] =
      files("rope", " --rope.scaling yarn --rope.factor 4 --rope.beta-fast 16");
  CHECK_THAT(rope,
             ContainsSubstring("GPTNeoXForCausalLM") && ContainsSubstring("\"beta_fast\": 16"));
  const auto [learned, of_learned] = files("learned");
  CHECK_THAT(learned, ContainsSubstring("GPT2LMHeadModel") &&
                          ContainsSubstring("\"n_positions\": 18"));  // its table's rows
  CHECK_THAT(of_learned, !ContainsSubstring("modeling_yonder.py"));
  const auto [t5, of_t5] = files("t5", " --length 64");
  CHECK_THAT(t5, ContainsSubstring("YonderForCausalLM"));
  CHECK_THAT(of_t5, ContainsSubstring("modeling_yonder.py"));
  const auto [dape, of_dape] = files("none+dape", " --length 64");
  CHECK_THAT(dape, ContainsSubstring("YonderForCausalLM") && ContainsSubstring("\"kernel\": 1"));
}

TEST_CASE("modeling_yonder.py has what the encoding needs and nothing else") {
  const Folder folder;
  const auto program = [&](const std::string& encoding) {
    const std::string out = folder / encoding;
    CHECK(yonder_run("export " + run_of("--task copy --encoding " + encoding) +
                     " --length 64 --out " + out)
              .err == "");
    return content_of(out + "/modeling_yonder.py");
  };
  const std::string fire = program("fire"), path = program("path");
  CHECK_THAT(fire, ContainsSubstring("def fire") && ContainsSubstring("self.fire(") &&
                       !ContainsSubstring("# <") && !ContainsSubstring("def entmax") &&
                       !ContainsSubstring("convolved") && !ContainsSubstring("\"bucket\""));
  CHECK_THAT(path, ContainsSubstring("def path") && ContainsSubstring("def convolved") &&
                       ContainsSubstring("def unit") && !ContainsSubstring("def fire"));
}

TEST_CASE("layers with equal rotations share a table when exported") {
  const Folder folder;
  const std::string out = folder / "x";
  REQUIRE(yonder_run("export " + run_of("--task copy --encoding xpos --layers 2") +
                     " --length 64 --out " + out)
              .code == 0);
  const std::string config = content_of(out + "/config.json");
  CHECK_THAT(config, ContainsSubstring("tables.turns.1") && !ContainsSubstring("tables.turns.2"));
}

TEST_CASE("a text's tokenizer has a token for every byte, a task's has its token names") {
  const Folder folder;
  const std::string text = "--task text --text " YONDER_SOURCE "/LICENSE --encoding none";
  REQUIRE(yonder_run("export " + run_of(text) + " --out " + (folder / "a")).code == 0);
  const std::string bytes = content_of(folder / "a/tokenizer.json");
  CHECK_THAT(bytes, ContainsSubstring("\"Ā\": 0") && ContainsSubstring("\"Ġ\": 32") &&
                        ContainsSubstring("\"<bos>\": 256") && ContainsSubstring("ByteLevel"));
  REQUIRE(yonder_run("export " + run_of("--task copy --encoding none") + " --out " + (folder / "b"))
              .code == 0);
  CHECK_THAT(content_of(folder / "b/tokenizer.json"),
             ContainsSubstring("\"<sep>\": 1") && ContainsSubstring("\"a\": 3"));
}

TEST_CASE("export refuses what cannot be exported, and says what it would need") {
  const Folder folder;
  const std::string out = " --out " + (folder / "x");
  const auto run = [](const std::string& encoding) {
    return "export " + run_of("--task copy --encoding " + encoding);
  };
  CHECK(refused(run("rope") + out + " --rope.scaling yarn", 2, "give --rope.factor"));
  CHECK(refused(run("rope") + out + " --length 100", 2, "omit it"));
  CHECK(refused(run("rope") + out + " --rope.scaling ntk-old", 2, "as --rope.factor"));
  CHECK(refused(run("rope") + out + " --to gguf --rope.scaling rerope", 2, "rope as it is here"));
  CHECK(refused(run("rope") + out + " --to gguf --rope.scaling llama3 --rope.factor 2", 2,
                "--to hf"));
  CHECK(refused(run("sinusoidal") + out + " --sinusoidal.scaling linear", 2, "factor"));
  CHECK(refused(run("learned") + out + " --length 19", 2, "--learned.beyond"));
  CHECK(refused(run("complex") + out, 2, "complex numbers"));
  CHECK(refused(run("alibi+ssmax --ssmax.bias true") + out, 2, "bias of more than the distance"));
  CHECK(refused(run("conv+sinusoidal") + out, 2, "embedded tokens twice"));
  CHECK(refused(run("t5") + out + " --to gguf", 2, "llama.cpp would need"));
  CHECK(refused(run("none --bidirectional") + out, 2, "bidirectional"));
  CHECK(refused(run("none"), 2, "--out is missing"));
  CHECK(refused(run("none") + " --out " + folder.path, 2, "already"));
  CHECK(refused(run("none") + " --out /dev/null/x --to gguf", 6, "/dev/null/x"));
  CHECK(refused("export /nowhere" + out, 3, "/nowhere"));
  CHECK(!std::filesystem::exists(folder / "x"));
  CHECK(!std::filesystem::exists(folder / "x.part"));
}
