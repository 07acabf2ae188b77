// An encoding per layer.

#include "core/io/files.h"
#include "core/ops/ops.h"
#include "models/checkpoint.h"
#include "tests/support/catch.h"
#include "tests/support/gradcheck.h"
#include "tests/support/models.h"

using namespace yonder;
using Catch::Matchers::ContainsSubstring;

namespace {

Transformer model_of(const std::string& encoding, const Dims& dims = tiny_dims(),
                     const Overrides& settings = {}) {
  return Served{encoding, dims, {}, settings}.model();
}

std::vector<std::string> names(const Transformer& m) {
  std::vector<std::string> all;
  for (const auto& p : m.parameters().all()) all.push_back(p.name);
  return all;
}

Dims four_layers() {
  Dims dims = tiny_dims();
  dims.layers = 4;
  return dims;
}

std::string refusal(const std::string& encoding, const Dims& dims = four_layers()) {
  return why_refused([&] { model_of(encoding, dims); }).value_or("");
}

Tensor logits(Transformer& m, int T = 6) {
  const auto found = logits_where_defined(m, some_tokens(T), {.tokens = T});
  REQUIRE(found);
  return *found;
}

}  // namespace

TEST_CASE("layers may have encodings of their own, each named once") {
  CHECK(refusal("rope+window@0-2,none+logn@3") == "");
  CHECK(refusal("rope@0,2-3,alibi@1") == "");
  CHECK(refusal("rope+window@0,none@1,rope+window@2,none@3") == "");
  CHECK(refusal("floater@0-2,none@3") == "");
  CHECK(refusal("learned+window@0-2,learned@3") == "");  // in every layer after all
  CHECK_THAT(refusal("rope@0-2,none@2-3"), ContainsSubstring("names layer 2 twice"));
  CHECK_THAT(refusal("rope@0,none@2-3"), ContainsSubstring("does not name layer 1"));
  CHECK_THAT(refusal("rope@1-3"), ContainsSubstring("does not name layer 0"));
  CHECK_THAT(refusal("rope@0-2"), ContainsSubstring("names 3 layers, and the model has 4"));
  CHECK_THAT(refusal("rope@0-2,none@3-4"),
             ContainsSubstring("names 5 layers, and the model has 4"));
  CHECK_THAT(refusal("rope@0-2,none"), ContainsSubstring("names no layers for none"));
  for (const char* layers : {"", "-1", "2-", "x", "3-1", "0-99999999", "0-1-2", "1.5"})
    CHECK_THAT(refusal("rope@" + std::string(layers)), ContainsSubstring("are not layers"));
  CHECK_THAT(refusal("rope+xpos@0-2,none@3"), ContainsSubstring("can't join rope and xpos"));
  CHECK_THAT(refusal("rope+rope@0-2,none@3"),
             ContainsSubstring("each encoding may be named only once"));
  CHECK_THAT(refusal("ropes@0-2,none@3"), ContainsSubstring("did you mean 'rope'?"));
}

TEST_CASE("an encoding that acts outside the layers is in all of them or refused by name") {
  for (const char* name : {"learned", "sinusoidal", "rnn", "conv", "complex"})
    CHECK_THAT(refusal(std::string(name) + "@0-2,none@3"),
               ContainsSubstring(std::string("has ") + name + " in some layers only"));
  CHECK_THAT(refusal("rope+random@0-2,rope@3"),
             ContainsSubstring("has random in some layers only"));
  CHECK_THAT(refusal("rope+offset@0-2,rope@3"), ContainsSubstring("draws positions"));
  Dims dims = four_layers();
  dims.causal = false;
  CHECK_THAT(refusal("deberta@0-2,none@3", dims), ContainsSubstring("replaces the last layer"));
}

TEST_CASE("an encoding that is allowed in a single layer does nothing outside the layers") {
  for (const Served& kind : served()) {
    const std::string mixed = kind.encoding + "@0,none@1";
    if (!refusal(mixed, kind.dims).empty()) continue;
    INFO(kind.name());
    Composition alone(kind.encoding);
    Parameters p(1);
    alone.build(kind.dims, p);
    RandomStream draws(Random(1, "positions"));
    CHECK(alone.sample_positions({1, 5, 8, &draws}).empty());
    const Placed at(alone, {.tokens = 5});
    alone.begin(at);
    const Var x(Tensor({1, 5, kind.dims.width}));
    CHECK(alone.embed(x, some_tokens(5), at).value().data == x.value().data);
    CHECK_FALSE(alone.last_layer(x, at, [](const Var& q, const Var&) { return q; }));
  }
}

TEST_CASE("the same encoding in every layer is bit-identical to the plain model") {
  const OneThread small;
  for (const Served& kind : served()) {
    INFO(kind.name());
    Transformer plain = model_of(kind.encoding, kind.dims);
    Transformer same = model_of(kind.encoding + "@0," + kind.encoding + "@1", kind.dims);
    CHECK(names(same) == names(plain));
    CHECK(difference(logits(same).flat(), logits(plain).flat()) == 0);
  }
}

TEST_CASE("a layer equals a plain model's layer, whatever the others are") {
  const OneThread small;
  // If the first layer's attention outputs 0, the encoding acts on the second one only.
  for (const char* name : {"rope", "alibi", "t5", "shaw", "cope", "floater", "window"}) {
    INFO(name);
    Transformer mixed = model_of("none@0," + std::string(name) + "@1");
    Transformer plain = model_of(name);
    for (Transformer* m : {&mixed, &plain})
      for (const auto& [at, var] : m->parameters().all())
        if (at == "blocks.0.attn.o.weight")
          std::fill(var.value().flat().begin(), var.value().flat().end(), real(0));
    CHECK(difference(logits(mixed, 12).flat(), logits(plain, 12).flat()) == 0);
  }
}

TEST_CASE("gradients and decoding with a cache are correct if layers differ", "[slow]") {
  const OneThread small;
  for (const char* text : {"rope+window:window.size=3@0,none+logn@1", "alibi@0,t5@1",
                           "none@0,floater@1", "shaw@0,cope@1", "rope:rope.base=50@0,rope@1"}) {
    INFO(text);
    Transformer model = model_of(text);
    const Sequences s(11, 7);
    const Placed at(model.encoding(), s.pass);
    const auto loss = [&] { return cross_entropy(model.logits(s.tokens, at), s.targets); };
    CHECK(check_gradients(loss, model.parameters().all(), 3).error < 1e-6);
    const int T = 10;
    const std::vector<int> tokens = some_tokens(T);
    const Tensor whole = logits(model, T);
    Transformer::Cache cache;
    for (int t = 0; t < T; ++t) {
      const Tensor last = model.step(std::span(&tokens[std::size_t(t)], 1), 1, T, cache).value();
      CHECK(difference(row(whole, 0, t), last.flat()) < 1e-12);
    }
  }
}

TEST_CASE("per-layer parameters are made for the layers that have the encoding") {
  const auto found = names(model_of("cope@0,2,shaw@1,none@3", four_layers()));
  auto has = [&](const std::string& name) {
    return std::find(found.begin(), found.end(), name) != found.end();
  };
  CHECK(has("encoding.cope.blocks.0.table"));
  CHECK(has("encoding.cope.blocks.2.table"));
  CHECK(has("encoding.shaw.blocks.1.key"));
  CHECK_FALSE(has("encoding.cope.blocks.1.table"));
  CHECK_FALSE(has("encoding.shaw.blocks.0.key"));
}

TEST_CASE("options apply to every encoding of the name, or to some layers only") {
  const std::string text = "rope+window:rope.base=500:window.size=3@0-2,rope+window@3";
  Transformer m = model_of(text, four_layers(), {{"rope.base", "100"}, {"rope.layout", "half"}});
  Composition& e = m.encoding();
  auto value = [&e](const std::string& name) {
    Options all = e.options();
    const auto o = find(all, name);
    return o ? text_of(*o) : "absent";
  };
  CHECK(value("rope@0-2.base") == "500");
  CHECK(value("rope@3.base") == "100");
  CHECK(value("rope@0-2.layout") == "half");
  CHECK(value("rope@3.layout") == "half");
  CHECK(value("rope.base") == "absent");
  CHECK(e.mask_in(1).window == 3);
  CHECK(e.mask_in(3).window == tiny_dims().trained);
  e.set_at_inference("rope.scaling", "yarn");
  CHECK(value("rope@0-2.scaling") == "yarn");
  e.set_at_inference("rope@3.scaling", "ntk");
  CHECK(value("rope@0-2.scaling") == "yarn");
  CHECK(value("rope@3.scaling") == "ntk");
  e.set_at_inference("rope@3.base", "7");
  CHECK(value("rope@3.base") == "7");
  CHECK_THROWS_WITH(e.set_at_inference("rope@3.fraction", "0.5"),
                    ContainsSubstring("fixed in training at 1"));
  CHECK_THROWS_WITH(e.set("rope@0-2.base", "7"), ContainsSubstring("fixes it itself"));
  CHECK_THROWS_WITH(e.set("rope@1.base", "7"), ContainsSubstring("has no rope@1"));
  CHECK_THROWS_WITH(model_of("rope:alibi.learned=true@0,none@1"),
                    ContainsSubstring("is not an option of rope"));
  CHECK_THROWS_WITH(model_of("rope:rope.base@0,none@1"),
                    ContainsSubstring("is not of the form option=value"));
  CHECK_THROWS_WITH(model_of("rope:rope.bas=3@0,none@1"),
                    ContainsSubstring("did you mean 'base'?"));
  CHECK_THROWS_WITH(model_of("t5:t5.buckets=8@0,t5@1"),
                    ContainsSubstring("they share encoding.t5.bias"));
  CHECK_NOTHROW(model_of("cope:cope.max=8@0,cope@1"));  // a table each
}

TEST_CASE("at inference, a window is added to the layers that lack one") {
  Transformer m = model_of("rope+window@0-2,none+logn@3", four_layers());
  Composition& e = m.encoding();
  CHECK(e.mask_in(3).window == 0);
  CHECK_FALSE(everywhere(e.groups(), "window"));
  e.set_at_inference("window.size", "5");
  for (int l = 0; l < 4; ++l) CHECK(e.mask_in(l).window == 5);
  CHECK(everywhere(e.groups(), "window"));
  CHECK(e.name() == "rope+window@0-2,none+logn+window@3");
  CHECK(e.components().size() == 4);

  Transformer other = model_of("rope+window:window.size=3@0-2,none@3", four_layers());
  other.encoding().set_at_inference("window.size", "5");
  CHECK(other.encoding().mask_in(0).window == 3);  // as its layers fix it
  CHECK(other.encoding().mask_in(3).window == 5);
  CHECK(other.encoding().name() == "rope+window:window.size=3@0-2,none+window@3");
}

TEST_CASE("a checkpoint restores an encoding per layer, also after inference-time overrides") {
  const OneThread small;
  const TemporaryFolder folder;
  const std::string first = folder / "a", second = folder / "b";
  for (const std::string text :
       {"rope+window@0,none+logn@1", "rope:rope.base=500:rope.layout=half@0,rope@1",
        "shaw@0,cope@1", "alibi+window:window.size=3@0,alibi@1"})
    for (const bool windowed : {false, true}) {
      INFO(text);
      Transformer model = model_of(text);
      for (const auto& [name, var] : model.parameters().all())
        for (real& x : var.value().flat()) x = real(float(x));  // as the file stores it
      if (windowed) model.encoding().set_at_inference("window.size", "4");
      save_model(first, model, {.task = {{"name", "copy"}}, .step = 3, .seed = 1});
      const Checkpoint back = load_model(first);
      CHECK(back.model->encoding().name() == model.encoding().name());
      CHECK(difference(logits(model, 12).flat(), logits(*back.model, 12).flat()) == 0);
      save_model(second, *back.model, back.origin);
      CHECK(read_file(first) == read_file(second));
    }
}

TEST_CASE("lists of encodings are split where an encoding ends") {
  using List = std::vector<std::string>;
  CHECK(entries_of("rope,alibi") == List{"rope", "alibi"});
  CHECK(entries_of("rope,rope+window@0-2,none@3,alibi") ==
        List{"rope", "rope+window@0-2,none@3", "alibi"});
  CHECK(entries_of("rope@0,2,none@1,none@1,rope@0,2") ==
        List{"rope@0,2,none@1", "none@1,rope@0,2"});
  CHECK(entries_of("rope:rope.base=5@0,none@1:rope.scaling=yarn,none@1,rope@0") ==
        List{"rope:rope.base=5@0,none@1:rope.scaling=yarn", "none@1,rope@0"});
  CHECK(entries_of("rope,,alibi,3,rope@x") == List{"rope", "", "alibi", "3", "rope@x"});
  auto part = [](const std::string& entry) { return text_of(parse_encoding(entry).groups); };
  CHECK(part("rope:rope.scaling=yarn") == "rope");
  CHECK(part("rope@0-2,none@3:rope.scaling=yarn") == "rope@0-2,none@3");
  CHECK(part("rope:rope.base=5@0,2,none@1") == "rope:rope.base=5@0,2,none@1");
  CHECK(part("rope@0,rope:rope.base=5@1:rope@1.scaling=yarn") == "rope@0,rope:rope.base=5@1");
  CHECK(part("rope:rope@1.scaling=yarn") == "rope");
  for (const char* text : {"rope@0-2,4,none@3", "rope:rope.base=5:rope.layout=half@0,none@1", "a+b",
                           "rope@0,none@1:rope@0.scaling=yarn:rope.factor=4"})
    CHECK(text_of(parse_encoding(text)) == text);
  CHECK(text_of(groups_of("rope@2,0-1,none@3")) == "rope@0-2,none@3");
}

TEST_CASE("semicolons between layers do not split a list, whichever layers they name") {
  using List = std::vector<std::string>;
  CHECK(entries_of("rope@0-2;none@3,alibi,none@0;rope@1:rope.base=5") ==
        List{"rope@0-2;none@3", "alibi", "none@0;rope@1:rope.base=5"});
  CHECK(entries_of("rope@0,2;none@1") == List{"rope@0,2;none@1"});
  CHECK(text_of(parse_encoding("rope@0,2;none+window:window.size=4@1:rope.base=5")) ==
        "rope@0,2,none+window:window.size=4@1:rope.base=5");
}

TEST_CASE("an option's key is parsed into its owner, layers and name, in all its forms") {
  const OptionKey key = "encoding.rope@0-2,4.base";
  CHECK(key.owner == "rope");
  CHECK(key.layers == Layers{0, 1, 2, 4});
  CHECK(key.name == "base");
  CHECK(text_of(key) == "rope@0-2,4.base");
  CHECK(OptionKey("data.copy.alphabet") == OptionKey("copy", {}, "alphabet"));
  CHECK(OptionKey("data.train-length") == OptionKey("data", {}, "train_length"));
  CHECK(OptionKey("length") == OptionKey("", {}, "length"));
  CHECK_THROWS_WITH(OptionKey("rope@x.base"),
                    ContainsSubstring("'x' in 'rope@x.base' are not layers"));
}

TEST_CASE("an override is parsed with its type and written as it was") {
  const Overrides all = parse_overrides("a.b=3:a.c=0.5:a.d=true:a.e=yarn:a.f=5e5:a.g=007", "x");
  CHECK(all[0].value == Value(3));
  CHECK(all[1].value == Value(0.5));
  CHECK(all[2].value == Value(true));
  CHECK(all[3].value == Value("yarn"));
  CHECK(text_of(all) == "a.b=3:a.c=0.5:a.d=true:a.e=yarn:a.f=5e5:a.g=007");
  CHECK(all[0] == Override{"a.b", "3"});
  CHECK_FALSE(all[0] == Override{"a.b", 4});
  for (const char* wrong : {"a.b", "a.b=", "=3", "a.b=3:"})
    CHECK_THROWS_WITH(parse_overrides(wrong, "--x"),
                      ContainsSubstring("--x: ") && ContainsSubstring("option=value"));
}
