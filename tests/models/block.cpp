// The axes of a block: values of an independent program, weights, files and refusals.
#include <algorithm>

#include "core/io/files.h"
#include "core/io/json.h"
#include "core/io/safetensors.h"
#include "core/ops/ops.h"
#include "models/checkpoint.h"
#include "models/decode.h"
#include "tests/support/catch.h"
#include "tests/support/gradcheck.h"
#include "tests/support/models.h"

using namespace yonder;
using Catch::Approx;
using Catch::Matchers::ContainsSubstring;
using nlohmann::ordered_json;

namespace {

/// Keeps the last layer's output, before the final norm.
struct LastLayer final : Encoding {
  Tensor& made;
  explicit LastLayer(Tensor& keep) : made(keep) {}
  Var last_layer(const Var& hidden, const Positions&, const Block& run) override {
    const Var z = run(hidden, hidden);
    made = z.value();
    return z;
  }
};

Dims one_block(BlockDesign block) {
  return {.vocabulary = 4,
          .width = 8,
          .heads = 2,
          .layers = 1,
          .mlp = 6,
          .trained = 4,
          .block = std::move(block)};
}

// sin(a), sin(a + 1), …
void fill_with_sines(const Tensor& t, double a, double factor, double shift) {
  for (std::int64_t i = 0; i < t.size(); ++i) t[i] = real(std::sin(a + double(i)) * factor + shift);
}

// Columns 0, 1 and 7 of the last of four tokens, and the block's number of parameters.
struct Reached {
  std::vector<double> columns;
  std::int64_t numbers;
};

Reached reached(const BlockDesign& block) {
  static const Entry entry{.name = "scratch"};
  Tensor made;
  std::vector<Composition::Component> parts;
  parts.push_back({&entry, std::make_unique<LastLayer>(made)});
  Transformer model(one_block(block), std::make_unique<Composition>("scratch", std::move(parts)),
                    1);
  fill_with_sines(model.parameters().find("embed.weight").value(), 2700, 1 / std::sqrt(8.0), 0);
  std::vector<Parameters::Named> own;
  for (const auto& p : model.parameters().all())
    if (p.name.starts_with("blocks.")) own.push_back(p);
  std::sort(own.begin(), own.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  for (std::size_t i = 0; i < own.size(); ++i) {
    const bool norm = own[i].name.ends_with("weight") && own[i].var.shape().size() == 1;
    fill_with_sines(own[i].var.value(), 3000 + 100. * double(i), 1 / 3., norm ? 1 : 0);
  }
  const Placed at(model.encoding(), {.tokens = 4});
  model.hidden(std::vector{0, 1, 2, 3}, at);
  return {{made[24], made[25], made[31]}, model.parameters().count("blocks.")};
}

void check_reached(const BlockDesign& block, const std::vector<double>& columns,
                   std::int64_t numbers) {
  INFO(block.text(2));
  const Reached now = reached(block);
  for (std::size_t i = 0; i < columns.size(); ++i)
    CHECK(now.columns[i] == Approx(columns[i]).epsilon(0).margin(1e-6));
  CHECK(now.numbers == numbers);
}

Transformer model_of(const BlockDesign& block, const std::string& encoding = "none",
                     std::uint64_t seed = 5) {
  Dims dims = tiny_dims();
  dims.block = block;
  return {dims, std::make_unique<Composition>(encoding), seed};
}

std::string refusal_of_block(const std::function<void()>& act) {
  try {
    act();
  } catch (const std::exception& e) { return e.what(); }
  return "";
}

/// A model's file in a temporary folder.
struct SavedBlock {
  TemporaryFolder folder;
  std::string path = folder / "a.safetensors";

  explicit SavedBlock(const Transformer& model) {
    save_model(path, model, {.task = {{"name", "copy"}}, .step = 1, .seed = 5});
  }

  ordered_json metadata() const {
    return ordered_json::parse(read_safetensors(path).metadata.at("yonder"));
  }
  std::string refusal(const std::function<void(ordered_json&)>& change) const {
    ordered_json said = metadata();
    change(said);
    Safetensors file = read_safetensors(path);
    file.metadata["yonder"] = said.dump();
    write_safetensors(folder / "b", file);
    return refusal_of_block([&] { load_model(folder / "b"); });
  }
};

}  // namespace

TEST_CASE("blocks compute the values of an independent program") {
  check_reached(BlockDesign::named("gpt2"), {-.725242, -.624367, -1.485702}, 430);
  check_reached(BlockDesign::named("neox"), {-.749782, -.599062, -1.315591}, 430);
  BlockDesign llama = BlockDesign::named("llama");
  llama.kv_heads = 1;
  check_reached(llama, {-.223993, -.789970, -.418664}, 352);
  check_reached({.place = NormPlace::post, .act = Activation::relu2, .bias = Biased::qkv},
                {-.983545, -1.289277, -1.534902}, 408);
  check_reached({.norm = NormKind::rms, .place = NormPlace::sandwich, .kv_heads = 1},
                {-.393920, -1.472504, .813236}, 320);
}

TEST_CASE("loops compute the values of an independent program") {
  check_reached({.loops = 2}, {-.809147, -1.439950, -1.449198}, 384);
  check_reached({.loops = 3}, {-1.193412, -2.163901, -2.144213}, 384);
}

TEST_CASE("gradients are correct in every block") {
  const OneThread small;
  for (const Served& kind : served_in_other_blocks()) {
    if (kind.encoding != "rope" && kind.encoding != "shaw") continue;
    Transformer model = kind.model();
    const Sequences s(5, 3);
    const Placed at(model.encoding(), s.pass);
    const auto loss = [&] { return cross_entropy(model.logits(s.tokens, at), s.targets); };
    const Worst worst = check_gradients(loss, model.parameters().all(), 4);
    INFO(kind.name() << ": " << worst.where);
    CHECK(worst.error < 1e-6);
  }
}

TEST_CASE("weights that blocks have in common are equal for the same seed") {
  const Transformer plain = model_of({});
  for (const BlockDesign& block : designs()) {
    if (block.kv_heads > 0) continue;
    const Transformer other = model_of(block);
    int shared = 0;
    for (const auto& [name, var] : other.parameters().all())
      if (const Var same = plain.parameters().find(name)) {
        CHECK(difference(var.value().flat(), same.value().flat()) == 0);
        ++shared;
      }
    CHECK(shared >= 16);
  }
  const Transformer few = model_of({.kv_heads = 1});
  CHECK(few.parameters().find("blocks.0.attn.k.weight").shape() == Shape{4, 8});
  const auto first = few.parameters().find("blocks.0.attn.v.weight").value().flat(),
             all = plain.parameters().find("blocks.0.attn.v.weight").value().flat();
  CHECK(difference(first, all.first(first.size())) == 0);
}

TEST_CASE("inference may use other loops, or loops in proportion to its length") {
  const OneThread small;
  Transformer model = Served{"none", model_of({.loops = 2}).dims(), {}}.model();
  const std::vector<int> tokens = some_tokens(20);
  const auto logits = [&](int T) { return *logits_where_defined(model, tokens, {.tokens = T}); };
  const auto looped = [&](int r) {
    model.set_at_inference("model.loops", Value(std::int64_t(r)));
    return logits(20);
  };
  CHECK(model.depth() == 4);
  const Tensor two = logits(20), proportional = looped(0), five = looped(5);
  CHECK(difference(looped(2).flat(), two.flat()) == 0);
  CHECK(difference(proportional.flat(), five.flat()) == 0);  // ⌈2·20/8⌉
  CHECK(difference(five.flat(), two.flat()) > 1e-3);
  CHECK(model.depth() == 4);
  CHECK_THAT(refusal_of_block([&] { model.set_at_inference("model.loops", Value("x")); }),
             ContainsSubstring("model.loops: 'x' is not allowed"));
}

TEST_CASE("decoding with loops in proportion to the length gives the whole sequence's logits") {
  const OneThread small;
  Transformer model = Served{"alibi", model_of({.kv_heads = 1, .loops = 2}).dims(), {}}.model();
  model.set_at_inference("model.loops", Value(std::int64_t(0)));
  const std::vector<int> tokens = some_tokens(12);
  const Tensor whole = *logits_where_defined(model, tokens, {.tokens = 12});
  Transformer::Cache cache;
  for (int t = 0; t < 12; ++t) {
    const Var last = model.step(std::span(tokens).subspan(std::size_t(t), 1), 1, 12, cache);
    CHECK(difference(last.value().flat(), row(whole, 0, t)) < 1e-12);
  }
  CHECK(cache.keys.size() == 6);  // two layers, ⌈2·12/8⌉ times
  CHECK(cache.keys[5].shape() == Shape{1, 12, 1, 4});
}

TEST_CASE("a file describes its blocks if they are not plain") {
  const SavedBlock plain(model_of({.kv_heads = 2}));
  CHECK(plain.metadata()["format"] == 1);
  CHECK(!plain.metadata()["model"].contains("norm"));
  const SavedBlock saved(model_of({.norm = NormKind::rms,
                                   .place = NormPlace::sandwich,
                                   .act = Activation::swiglu,
                                   .loops = 2}));
  CHECK(saved.metadata()["format"] == 2);
  CHECK(saved.metadata()["model"].dump() ==
        R"({"vocabulary":7,"width":8,"heads":2,"layers":2,"mlp":12,"causal":true,"tied":false,)"
        R"("length":8,"norm":"rms","place":"sandwich","act":"swiglu","kv_heads":2,"bias":"none",)"
        R"("loops":2})");
  for (const BlockDesign& block : designs()) {
    const Transformer model = model_of(block);
    const SavedBlock file(model);
    CHECK(load_model(file.path).model->dims().block == model.dims().block);
  }
}

TEST_CASE("a file with an invalid block is refused in one sentence") {
  const SavedBlock saved(model_of({.place = NormPlace::post}));
  REQUIRE(saved.refusal([](ordered_json&) {}).empty());
  const auto in_model = [&](const char* key, const ordered_json& value) {
    return saved.refusal([&](ordered_json& j) { j["model"][key] = value; });
  };
  CHECK_THAT(in_model("norm", "batch"), ContainsSubstring("model.norm: 'batch' is not allowed"));
  CHECK_THAT(in_model("place", 3), ContainsSubstring("model.place"));
  CHECK_THAT(in_model("kv_heads", 3), ContainsSubstring("kv_heads 3 does not divide heads 2"));
  CHECK_THAT(in_model("loops", 0), ContainsSubstring("model.loops"));
  CHECK_THAT(in_model("bias", "all"), ContainsSubstring("parameter 'blocks.0.attn.q.bias'"));
  CHECK_THAT(saved.refusal([](ordered_json& j) { j["model"].erase("act"); }),
             ContainsSubstring("has no 'act'"));
  CHECK_THAT(saved.refusal([](ordered_json& j) { j["format"] = 3; }),
             ContainsSubstring("its format is 3, this program reads 1 and 2"));
  // In the older format it would have a final norm.
  CHECK_THAT(saved.refusal([](ordered_json& j) { j["format"] = 1; }),
             ContainsSubstring("has an unknown"));
  CHECK_THAT(saved.refusal([](ordered_json& j) {
    j["format"] = 1;
    for (const char* key : {"norm", "place", "act", "kv_heads", "bias", "loops"})
      j["model"].erase(key);
  }),
             ContainsSubstring("parameter 'norm.weight' is missing"));
}

TEST_CASE("an invalid block is refused in one sentence") {
  const auto refusal = [](const BlockDesign& block, const std::string& encoding = "none",
                          const Overrides& options = {}) {
    return refusal_of_block([&] {
      Dims dims = tiny_dims();
      dims.block = block;
      dims.causal = encoding != "deberta";
      auto composition = std::make_unique<Composition>(encoding);
      for (const auto& [key, value] : options) composition->set(key, value);
      Transformer(dims, std::move(composition), 1);
    });
  };
  CHECK(refusal({.kv_heads = 3}) ==
        "model: kv_heads 3 does not divide heads 2; choose a divisor of it");
  CHECK(refusal({.place = NormPlace::post}, "complex") ==
        "complex: the complex Transformer has the plain block only, and this one has place post; "
        "omit it");
  for (const BlockDesign& block : designs())
    CHECK_THAT(refusal(block, "complex"), ContainsSubstring("has the plain block only"));
  CHECK_THAT(refusal({.loops = 2}, "deberta"), ContainsSubstring("which can't be looped"));
  CHECK(refusal({.loops = 2}, "deberta", {{"deberta.decoder", "0"}}).empty());
  CHECK_THAT(refusal({.kv_heads = 1}, "deberta", {{"deberta.share", "true"}}),
             ContainsSubstring("deberta.share: the layer's K has 1 heads and its Q 2"));
  CHECK(refusal({.kv_heads = 1}, "deberta").empty());

  Dims dims = tiny_dims();
  dims.causal = false;
  Transformer decoder(dims, std::make_unique<Composition>("deberta"), 1);
  CHECK_THAT(
      refusal_of_block([&] { decoder.set_at_inference("model.loops", Value(std::int64_t(3))); }),
      ContainsSubstring("which can't be looped"));
}
