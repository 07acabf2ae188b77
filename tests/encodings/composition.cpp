#include "core/ops/ops.h"
#include "tests/support/catch.h"
#include "tests/support/encodings.h"
#include "tests/support/gradcheck.h"

using namespace yonder;
using Catch::Approx;
using Catch::Matchers::ContainsSubstring;

namespace {

std::string refusal_of(const std::string& names) {
  return why_refused([&] { Composition c(names); }).value_or("");
}

}  // namespace

TEST_CASE("invalid compositions are refused, in either order, with the reason") {
  CHECK_THAT(refusal_of("rope+rope"), ContainsSubstring("each encoding may be named only once"));
  CHECK_THAT(refusal_of("alibi+t5"), ContainsSubstring("both act on the scores"));
  CHECK_THAT(refusal_of("kerple+sandwich"), ContainsSubstring("both act on the scores"));
  CHECK_THAT(refusal_of("rope+xpos"), ContainsSubstring("both rotate q and k"));
  CHECK_THAT(refusal_of("rope+shaw"),
             ContainsSubstring("rope goes with plain biases only; these are alibi, bam, "
                               "fire, fox, hard-alibi, kerple, nape, sandwich, "
                               "scale-invariant, t5"));
  for (const std::string relative : {"shaw", "xlnet", "tupe", "deberta", "cope", "stick-breaking"})
    CHECK_THAT(refusal_of(relative + "+xpos"),
               ContainsSubstring("xpos goes with plain biases only"));
  CHECK_THAT(refusal_of("complex+rope"), ContainsSubstring("complex goes with modifiers only"));
  CHECK_THAT(refusal_of("learned+complex"), ContainsSubstring("complex goes with modifiers only"));
  CHECK_THAT(refusal_of("random+offset"), ContainsSubstring("both draw the positions"));
  CHECK_THAT(refusal_of("offset+rope+random"), ContainsSubstring("both draw the positions"));
  CHECK_THAT(refusal_of("pose+random"), ContainsSubstring("both draw the positions"));
  CHECK_THAT(refusal_of("pope+rope"), ContainsSubstring("both rotate q and k"));
  CHECK_THAT(refusal_of("rope+window+sinks"), ContainsSubstring("both limit how far a query sees"));
  CHECK_THAT(refusal_of("stick-breaking+sinks"),
             ContainsSubstring("stick-breaking may leave some"));
  CHECK_THAT(refusal_of("stick-breaking+fox"), ContainsSubstring("both act on the scores"));
  CHECK_THAT(refusal_of("none+rope"), ContainsSubstring("none goes with modifiers only"));
  CHECK_THAT(refusal_of("learned+none"), ContainsSubstring("none goes with modifiers only"));
}

TEST_CASE("valid compositions are accepted") {
  for (const std::string names : {"none",
                                  "none+logn",
                                  "logn",
                                  "window+logn+random",
                                  "rope+alibi",
                                  "kerple+rope",
                                  "t5+xpos",
                                  "sandwich+rope+window",
                                  "fire+rope",
                                  "complex+logn+window",
                                  "shaw+learned",
                                  "learned+sinusoidal",
                                  "learned+rope+logn",
                                  "digits+alibi+offset",
                                  "rope+scale-invariant",
                                  "fox+rope",
                                  "hard-alibi+rope+sinks",
                                  "learned+stick-breaking+window",
                                  "shaw+sinks",
                                  "nape+ssmax",
                                  "complex+sinks"})
    CHECK(refusal_of(names) == "");
}

TEST_CASE("an unknown or missing name is refused with a suggestion") {
  CHECK_THAT(refusal_of("ropes"),
             ContainsSubstring("no encoding is called 'ropes'; did you mean 'rope'?"));
  CHECK_THAT(refusal_of("rope+"), ContainsSubstring("no encoding is called ''"));
  CHECK_THAT(refusal_of(""), ContainsSubstring("no encoding is called ''"));
}

TEST_CASE("options are set by their full name, within their limits") {
  Built b("rope+logn", small, {{"rope.base", "500"}, {"logn.when", "test"}});
  Options o = b.encoding.components()[0].encoding->options();
  CHECK(text_of(*find(o, "base")) == "500");
  Composition& e = b.encoding;
  CHECK_THROWS_WITH(e.set("rope.bas", "3"),
                    ContainsSubstring("rope.bas: there is no such option; did you "
                                      "mean 'base'?"));
  CHECK_THROWS_WITH(e.set("rope.base", "0.5"),
                    ContainsSubstring("rope.base: '0.5' is not allowed"));
  CHECK_THROWS_WITH(e.set("alibi.learned", "true"), ContainsSubstring("'rope+logn' has no alibi"));
  CHECK_THROWS_WITH(e.set("window.size", "3"), ContainsSubstring("write 'rope+logn+window'"));
  CHECK_THROWS_WITH(e.set("rops.base", "3"), ContainsSubstring("did you mean 'rope'?"));
  CHECK_THROWS_WITH(e.set("base", "3"), ContainsSubstring("{encoding}.{option}"));
}

TEST_CASE("a trained model keeps the options that are fixed in training") {
  Built b("rope+logn", small);
  b.encoding.set_at_inference("rope.scaling", "yarn");
  CHECK_NOTHROW(b.encoding.set_at_inference("rope.fraction", "1.0"));  // as trained
  CHECK_THROWS_WITH(b.encoding.set_at_inference("rope.fraction", "0.5"),
                    ContainsSubstring("rope.fraction: fixed in training at 1") &&
                        ContainsSubstring("rope.scaling"));
  CHECK_THROWS_AS(b.encoding.set_at_inference("logn.when", "test"), UsageError);
  Options o = b.encoding.components()[0].encoding->options();
  CHECK(text_of(*find(o, "fraction")) == "1");
  CHECK(text_of(*find(o, "scaling")) == "yarn");
}

TEST_CASE("only a window, sinks, log n and sharpening may be added to a trained model") {
  Built b("rope", small);
  b.encoding.set_at_inference("window.size", "5");
  b.encoding.set_at_inference("logn.when", "test");
  CHECK(b.encoding.name() == "rope+window+logn");
  const Sequence s(range(0, 64));
  const auto c = b.call(s);
  CHECK(c.mask.window == 5);
  CHECK(c.dots.row[63] == 1);  // 5 keys of 16
  b.encoding.set_at_inference("window.size", "32");
  CHECK(b.call(Sequence(range(0, 64))).dots.row[63] == Approx(5.0 / 4));

  b.encoding.set_at_inference("sharpen.by", "2");
  CHECK(b.encoding.name() == "rope+window+logn+sharpen");
  CHECK(b.call(Sequence(range(0, 64))).dots.row[63] == Approx(2 * 5.0 / 4));

  Built other("rope", small);
  CHECK_THROWS_WITH(
      other.encoding.set_at_inference("logn.when", "train"),
      ContainsSubstring(
          "options that can be added at inference: logn.when=test, sharpen.by, sinks.first, "
          "sinks.window, window.size"));
  CHECK_THROWS_AS(other.encoding.set_at_inference("alibi.learned", "true"), UsageError);
  CHECK_THROWS_AS(other.encoding.set_at_inference("random.test", "first"), UsageError);
  CHECK_THROWS_AS(other.encoding.set_at_inference("window.size", "-1"), UsageError);
  CHECK_THROWS_AS(other.encoding.set_at_inference("sinks.learned", "true"), UsageError);
  CHECK(other.encoding.name() == "rope");
  CHECK(other.encoding.components().size() == 1);
  other.encoding.set_at_inference("sinks.first", "2");
  CHECK(other.encoding.name() == "rope+sinks");
  CHECK(other.call(s).mask.sinks == 2);
  CHECK(other.call(s).mask.window == 16);
  CHECK_THROWS_WITH(other.encoding.set_at_inference("window.size", "5"),
                    ContainsSubstring("both limit how far a query sees"));
  CHECK(other.encoding.components().size() == 2);
}

TEST_CASE("a modifier may be added before the model is built") {
  Composition c("alibi");
  c.set_at_inference("window.size", "0");
  Parameters p(0);
  c.build(small, p);
  CHECK(c.mask_in(0).window == 16);
}

TEST_CASE("log n scales rotated queries and not biases") {
  Built both("rope+alibi+logn", small), rope("rope", small), alibi("alibi", small);
  const Sequence s(range(0, 40));
  const auto x = both.call(s), r = rope.call(s), a = alibi.call(s, Tensor({1, 40, 2, 8}));
  const double f = std::log(30) / std::log(16);
  for (int j = 0; j < 30; ++j)
    CHECK(x.score(1, 29, j) == Approx(f * r.score(1, 29, j) + a.score(1, 29, j)));
}

TEST_CASE("embeddings act in the order in which they are written") {
  Built first("learned+multiplied", small), last("multiplied+learned", small);
  for (Built* b : {&first, &last}) b->parameter("multiplied.table")[3 * 16] = 1;
  const double p = first.parameter("learned.table")[3 * 16];
  const Sequence s(range(0, 16));
  CHECK(first.embedded(s, 1)[3 * 16] == Approx(2 * (1 + p)));
  CHECK(last.embedded(s, 1)[3 * 16] == Approx(2 + p));
}

TEST_CASE("evaluating one length does not affect another") {
  for (const Entry& e : registry()) {
    Built used(e.name, small), fresh(e.name, small);
    Options o = used.encoding.components()[0].encoding->options();
    if (find(o, "beyond") && find(o, "alpha"))
      for (Built* b : {&used, &fresh}) b->encoding.set(e.name + ".beyond", "hierarchical");
    if (const auto scaling = find(o, "scaling"))
      for (Built* b : {&used, &fresh}) b->encoding.set(e.name + ".scaling", "dynamic");
    used.embedded(Sequence(range(0, 64)), 1);
    used.call(Sequence(range(0, 64)));
    const Sequence s(range(0, 12));
    const Tensor x = used.embedded(s, 1), y = fresh.embedded(s, 1);
    for (std::int64_t i = 0; i < x.size(); ++i) CHECK(x[i] == y[i]);
    const auto a = used.call(s), b = fresh.call(s);
    for (int j = 0; j < 12; ++j) CHECK(a.score(1, 11, j) == b.score(1, 11, j));
  }
}

TEST_CASE("every extension of an encoding can be set on a trained model") {
  for (const Entry& e : registry())
    for (const Override& s : e.extensions) {
      Built b(e.name, small);
      if (e.name != "logn") CHECK_NOTHROW(b.encoding.set_at_inference(s.key, s.value));
      if (e.kind == Kind::modifier && e.name != "random") {
        Built other("alibi", small);
        CHECK_NOTHROW(other.encoding.set_at_inference(s.key, s.value));
      }
      b.encoding.check();
    }
}

TEST_CASE("gradients are correct in every form of an encoding's parameters") {
  const std::vector<std::pair<std::string, Overrides>> forms{
      {"learned", {{"learned.beyond", "hierarchical"}}},
      {"learned", {{"learned.beyond", "random"}}},
      {"learned", {{"learned.beyond", "wrap"}}},
      {"multiplied", {{"multiplied.beyond", "clamp"}}},
      {"digits", {{"digits.as", "onehot"}}},
      {"digits", {{"digits.beyond", "interpolate"}}},
      {"alibi", {{"alibi.learned", "true"}}},
      {"bam", {{"bam.location", "true"}}},
      {"bam", {{"bam.each", "true"}, {"bam.location", "true"}}},
      {"fox", {{"fox.gate", "bias"}}},
      {"kerple", {{"kerple.kind", "log"}}},
      {"kerple", {{"kerple.kind", "power"}}},
      {"t5", {}}};
  for (const auto& [name, settings] : forms) {
    Built b(name, small, settings);
    const Sequence s(range(0, 24));
    std::vector<Parameters::Named> inputs = b.parameters.all();
    for (const auto& p : inputs)
      if (p.name.ends_with(".location")) p.var.value()[1] = real(-0.7);
      else if (p.name.ends_with(".shape")) p.var.value()[1] = real(-0.3);
    const Var x = Var::parameter(normal({1, 24, 16}, "x")), w(normal({1, 24, 16}, "w"));
    inputs.push_back({"x", x});
    auto loss = [&] {
      Var y = sum(w * tanh(b.encoding.embed(x, s.at, s.positions)));
      for (const RelativeTerm& term : b.call(s).scores.relative)
        y = y + sum(Var(normal(term.c.shape(), "c")) * tanh(term.c));
      if (const Var gates = b.call(s).scores.log_gate)
        y = y + sum(Var(normal(gates.shape(), "gates")) * tanh(gates));
      return y;
    };
    const Worst worst = check_gradients(loss, inputs);
    INFO(name << " " << worst.where);
    CHECK(worst.error < 1e-6);
  }
}
