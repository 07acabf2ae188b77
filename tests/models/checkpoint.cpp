#include "models/checkpoint.h"

#include <cstring>

#include "core/error.h"
#include "core/io/files.h"
#include "core/io/json.h"
#include "core/io/safetensors.h"
#include "tests/support/catch.h"
#include "tests/support/models.h"

using namespace yonder;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::StartsWith;
using nlohmann::json;
using nlohmann::ordered_json;

namespace {

/// A checkpoint in a temporary folder, and ways to corrupt it.
struct Saved {
  TemporaryFolder folder;
  std::string path = folder / "a.safetensors";

  explicit Saved(const std::string& encoding) {
    const Transformer model(tiny_dims(), std::make_unique<Composition>(encoding), 7);
    save_model(path, model, {.task = {{"name", "copy"}, {"symbols", 16}}, .step = 20, .seed = 7});
  }

  ordered_json metadata() const {
    return ordered_json::parse(read_safetensors(path).metadata.at("yonder"));
  }

  /// Returns the error of load_model after `change` to the file.
  std::string refusal(const std::function<void(Safetensors&)>& change) const {
    Safetensors file = read_safetensors(path);
    change(file);
    write_safetensors(folder / "b", file);
    return error_of(folder / "b");
  }
  /// The same after a change to the metadata alone.
  std::string refusal_of_metadata(const std::function<void(ordered_json&)>& change) const {
    ordered_json said = metadata();
    change(said);
    return refusal([&](Safetensors& file) { file.metadata["yonder"] = said.dump(); });
  }

  static std::string error_of(const std::string& file) {
    try {
      load_model(file);
    } catch (const FileError& e) {
      CHECK_THAT(e.what(), StartsWith(file + ": "));
      return e.what();
    }
    return "";
  }
};

}  // namespace

TEST_CASE("a checkpoint has everything that is needed to rebuild its model") {
  const Saved saved("none");
  CHECK(saved.metadata().dump() ==
        R"({"format":1,"model":{"vocabulary":7,"width":8,"heads":2,"layers":2,"mlp":12,)"
        R"("causal":true,"tied":false,"length":8},"encoding":"none","options":{},)"
        R"("task":{"name":"copy","symbols":16},"step":20,"seed":7})");
  const Checkpoint back = load_model(saved.path);
  CHECK(back.model->dims().trained == 8);
  CHECK(back.origin.task["symbols"] == 16);
  CHECK(back.origin.step == 20);
  CHECK(back.origin.seed == 7);
}

TEST_CASE("a tied or bidirectional model is loaded as such") {
  const Saved saved("none");
  Dims dims = tiny_dims();
  dims.causal = false;
  const Transformer model(dims, std::make_unique<Composition>("none"), 7, Head::tied);
  save_model(saved.path, model, {.task = {{"name", "copy"}}});
  const Checkpoint back = load_model(saved.path);
  CHECK(back.model->tied());
  CHECK(!back.model->dims().causal);
}

TEST_CASE("numbers in options are written in shortest form, integers without a point") {
  int whole = -3;
  double integral = 10000, broken = 0.1, tiny = 1e-9, huge = 1e300;
  bool truth = true;
  std::string text = "half";
  CHECK(json_of(value_of(Option{"", &whole, ""})).dump() == "-3");
  CHECK(json_of(value_of(Option{"", &integral, ""})).dump() == "10000");
  CHECK(json_of(value_of(Option{"", &broken, ""})).dump() == "0.1");
  CHECK(json_of(value_of(Option{"", &truth, ""})).dump() == "true");
  CHECK(json_of(value_of(Option{"", &text, ""})).dump() == "\"half\"");
  for (double* x : {&integral, &broken, &tiny, &huge}) {
    const double before = *x;
    const Option option{"", x, ""};
    const Value read = value_of(json_of(value_of(option)), "x");
    *x = 0;
    assign(option, "", read);
    CHECK(*x == before);
  }
  CHECK(value_of(json("half"), "x") == Value("half"));
  CHECK(value_of(json(false), "x") == Value(false));
  CHECK_THROWS_AS(value_of(json::array(), "x"), UsageError);
}

TEST_CASE("a file that is not a checkpoint is refused in a sentence that names it") {
  const Saved saved("none");
  CHECK_THAT(Saved::error_of(saved.folder / "missing"), ContainsSubstring("can't be read"));
  write_file(saved.folder / "text", "In the beginning God created the heaven and the earth.");
  CHECK_THAT(Saved::error_of(saved.folder / "text"), ContainsSubstring("safetensors"));
  CHECK_THAT(saved.refusal([](Safetensors& f) { f.metadata.clear(); }),
             ContainsSubstring("take the file that yonder wrote"));
  CHECK_THAT(saved.refusal([](Safetensors& f) { f.metadata["yonder"] = "{"; }),
             ContainsSubstring("JSON"));
  CHECK_THAT(saved.refusal([](Safetensors& f) { f.metadata["yonder"] = "3"; }),
             ContainsSubstring("not a JSON object"));
}

TEST_CASE("a truncated checkpoint is refused at every length") {
  const Saved saved("none");
  const std::string whole = read_file(saved.path);
  std::uint64_t header;
  std::memcpy(&header, whole.data(), sizeof header);
  for (std::size_t n = 0; n < whole.size(); n += n < header ? 1 : 61) {
    CHECK_THROWS_AS(parse_safetensors(whole.substr(0, n), "a"), FileError);
  }
  write_file(saved.folder / "half", whole.substr(0, whole.size() / 2));
  CHECK_THAT(Saved::error_of(saved.folder / "half"), ContainsSubstring("safetensors"));
}

TEST_CASE("tensors that are missing, unknown or of the wrong shape are refused by name") {
  const Saved saved("none");
  CHECK_THAT(saved.refusal([](Safetensors& f) { f.tensors.pop_back(); }),
             ContainsSubstring("parameter 'head.weight' is missing"));
  CHECK_THAT(saved.refusal([](Safetensors& f) { f.tensors[0].first = "embedding"; }),
             ContainsSubstring("parameter 'embed.weight' is missing"));
  CHECK_THAT(saved.refusal([](Safetensors& f) { f.tensors.emplace_back("extra", Tensor({2})); }),
             ContainsSubstring("tensor 'extra' is unknown"));
  CHECK_THAT(saved.refusal([](Safetensors& f) {
    f.tensors[0].second = f.tensors[0].second.view({8, 7});
  }),
             ContainsSubstring("parameter 'embed.weight' is [8, 7]; it should be [7, 8]"));
}

TEST_CASE("invalid metadata is refused, and nothing is allocated for it") {
  const Saved saved("none");
  auto said = [&](const std::function<void(ordered_json&)>& change) {
    return saved.refusal_of_metadata(change);
  };
  REQUIRE(said([](ordered_json&) {}).empty());
  CHECK_THAT(said([](ordered_json& j) { j["format"] = 3; }), ContainsSubstring("format is 3"));
  for (const char* key : {"format", "model", "encoding", "options", "task", "step", "seed"})
    CHECK_THAT(said([&](ordered_json& j) { j.erase(key); }),
               ContainsSubstring("has no '" + std::string(key)));
  CHECK_THAT(said([](ordered_json& j) { j["more"] = 1; }), ContainsSubstring("unknown 'more'"));
  CHECK_THAT(said([](ordered_json& j) { j["model"]["more"] = 1; }),
             ContainsSubstring("unknown 'more'"));
  CHECK_THAT(said([](ordered_json& j) { j["model"].erase("mlp"); }),
             ContainsSubstring("has no 'mlp'"));
  CHECK_THAT(said([](ordered_json& j) { j["model"]["width"] = 8.5; }),
             ContainsSubstring("'width'"));
  CHECK_THAT(said([](ordered_json& j) { j["model"]["width"] = -8; }), ContainsSubstring("'width'"));
  CHECK_THAT(said([](ordered_json& j) { j["model"]["width"] = 1ll << 31; }),
             ContainsSubstring("'width'"));
  CHECK_THAT(said([](ordered_json& j) { j["model"]["causal"] = 1; }),
             ContainsSubstring("'causal'"));
  CHECK_THAT(said([](ordered_json& j) { j["model"]["heads"] = 3; }),
             ContainsSubstring("multiple of heads"));
  CHECK_THAT(said([](ordered_json& j) { j["model"]["layers"] = 0; }),
             ContainsSubstring("layers is 0"));
  CHECK_THAT(said([](ordered_json& j) { j["model"] = 3; }), ContainsSubstring("not a JSON object"));
  CHECK_THAT(said([](ordered_json& j) { j["task"] = 3; }), ContainsSubstring("'task'"));
  CHECK_THAT(said([](ordered_json& j) { j["seed"] = -1; }), ContainsSubstring("'seed'"));
  CHECK_THAT(said([](ordered_json& j) { j["step"] = "x"; }), ContainsSubstring("'step'"));
  CHECK_THAT(said([](ordered_json& j) { j["encoding"] = "nome"; }),
             ContainsSubstring("mean 'none'"));
  CHECK_THAT(said([](ordered_json& j) { j["encoding"] = 3; }), ContainsSubstring("'encoding'"));
  CHECK_THAT(said([](ordered_json& j) { j["options"] = 3; }), ContainsSubstring("'options'"));
  CHECK_THAT(said([](ordered_json& j) { j["options"]["none.x"] = 3; }),
             ContainsSubstring("none.x"));
  // Two billion of anything: the file does not have it.
  for (const char* key : {"vocabulary", "width", "layers", "mlp"})
    CHECK_THAT(said([&](ordered_json& j) { j["model"][key] = 2000000000; }),
               ContainsSubstring("parameter"));
}

TEST_CASE("an inference-time option can be overridden, a frozen one cannot") {
  const Saved saved("rope");
  const Checkpoint scaled = load_model(saved.path, {{"rope.scaling", "linear"}});
  auto options = scaled.model->encoding().components()[0].encoding->options();
  CHECK(text_of(*find(options, "scaling")) == "linear");
  CHECK_THROWS_AS(load_model(saved.path, {{"rope.layout", "half"}}), UsageError);
  CHECK_THROWS_AS(load_model(saved.path, {{"rope.bas", "5"}}), UsageError);
  CHECK_THROWS_AS(load_model(saved.path, {{"alibi.learned", "true"}}), UsageError);
  CHECK(load_model(saved.path, {{"window.size", "4"}}).model->encoding().name() == "rope+window");

  CHECK_THAT(saved.refusal_of_metadata([](ordered_json& j) { j["options"].erase("rope.base"); }),
             ContainsSubstring("option 'rope.base' is missing"));
  // An older file lacks options that were added later.
  CHECK(Saved("alibi").refusal_of_metadata(
            [](ordered_json& j) { j["options"].erase("alibi.asymmetric"); }) == "");
  CHECK_THAT(saved.refusal_of_metadata([](ordered_json& j) { j["options"]["rope.bass"] = 1; }),
             ContainsSubstring("rope.bass"));
  CHECK_THAT(saved.refusal_of_metadata([](ordered_json& j) { j["options"]["rope.base"] = "x"; }),
             ContainsSubstring("rope.base"));
  CHECK_THAT(saved.refusal_of_metadata([](ordered_json& j) { j["options"]["t5.buckets"] = 1; }),
             ContainsSubstring("t5"));
}
