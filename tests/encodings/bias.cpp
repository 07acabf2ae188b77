#include "tests/support/catch.h"
#include "tests/support/encodings.h"

using namespace yonder;
using Catch::Approx;
using Catch::Matchers::ContainsSubstring;

namespace {

Dims heads(int H, int trained = 16) { return wide(4 * H, H, trained); }

// The score of zero q and k of head h at a distance: the bias alone.
double bias(const Built::Call& c, int h, int distance) {
  const RelativeTerm& term = c.scores.relative.at(0);
  return term.c.value()[term.bucket(distance) * c.heads + h];
}

}  // namespace

TEST_CASE("ALiBi's slopes are the paper's for any number of heads") {
  auto log2_slopes = [](int H) {
    Built b("alibi", heads(H));
    const auto c = b.call(Sequence(range(0, 4)));
    std::vector<double> s;
    for (int h = 0; h < H; ++h) s.push_back(std::log2(-bias(c, h, 1)));
    return s;
  };
  CHECK(log2_slopes(3) == std::vector<double>{-4, -8, -2});
  CHECK(log2_slopes(6) == std::vector<double>{-2, -4, -6, -8, -1, -3});
  CHECK(log2_slopes(8) == std::vector<double>{-1, -2, -3, -4, -5, -6, -7, -8});
  const std::vector<double> twelve{-1, -2, -3, -4, -5, -6, -7, -8, -0.5, -1.5, -2.5, -3.5};
  const std::vector<double> found = log2_slopes(12);
  for (int h = 0; h < 12; ++h) CHECK(found[h] == Approx(twelve[h]));
}

TEST_CASE("ALiBi's bias is proportional to the distance, on both sides, and not scaled") {
  Built b("alibi", bidirectional(heads(2)));
  const auto c = b.call(Sequence(range(0, 9)), Tensor({1, 9, 2, 4}));
  CHECK(c.score(0, 8, 3) == Approx(-5.0 / 16));
  CHECK(c.score(0, 3, 8) == Approx(-5.0 / 16));
  CHECK(c.score(1, 0, 8) == Approx(-8.0 / 256));
  CHECK(c.score(1, 4, 4) == 0);
}

TEST_CASE("learned ALiBi starts at the paper's slopes and has a parameter for each head") {
  Built fixed("alibi", heads(6)), learned("alibi", heads(6), {{"alibi.learned", "true"}});
  CHECK(fixed.parameters.count() == 0);
  REQUIRE(learned.parameter("alibi.slopes").shape == Shape{6});
  const Sequence s(range(0, 9));
  const auto a = fixed.call(s), b = learned.call(s);
  for (int h = 0; h < 6; ++h) CHECK(a.score(h, 8, 2) == b.score(h, 8, 2));
  learned.parameter("alibi.slopes")[4] = 3;
  CHECK(bias(learned.call(s), 4, 5) == -15);
}

TEST_CASE("asymmetric ALiBi lets half of the heads see the left side and half the right") {
  Built b("alibi", bidirectional(heads(4)), {{"alibi.asymmetric", "true"}});
  const auto c = b.call(Sequence(range(0, 9)));
  for (int h = 0; h < 4; ++h) {
    CHECK(bias(c, h, 3) == Approx(h % 2 ? -3.0 / 256 : -3.0 / 16));
    CHECK(c.mask.sees(h, 4, 2) == (h < 2));
    CHECK(c.mask.sees(h, 4, 4));
    CHECK(c.mask.sees(h, 4, 7) == (h >= 2));
  }
  const Built::Call scaled =
      Built("alibi+logn", bidirectional(heads(4)), {{"alibi.asymmetric", "true"}})
          .call(Sequence(range(0, 9)));
  const double ratio = double(scaled.dots.q.value()[(4 * 4 + 0) * 4]) /
                       double(scaled.dots.q.value()[(4 * 4 + 3) * 4]);
  const Tensor q = normal({1, 9, 4, 4}, "q");
  CHECK(ratio == Approx(double(q[(4 * 4 + 0) * 4] / q[(4 * 4 + 3) * 4])));  // 5 keys on either side
  CHECK_THROWS_WITH(Built("alibi", heads(4), {{"alibi.asymmetric", "true"}}),
                    ContainsSubstring("alibi.asymmetric"));
  CHECK_THROWS_WITH(Built("alibi", bidirectional(heads(3)), {{"alibi.asymmetric", "true"}}),
                    ContainsSubstring("alibi.asymmetric"));
}

TEST_CASE("T5's buckets begin where they do in its code") {
  const std::vector<int> both{0, 1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 23, 32, 46, 64, 91};
  const std::vector<int> causal{0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,
                                16, 19, 21, 24, 27, 31, 35, 40, 46, 52, 59, 67, 77, 87, 99, 113};
  Built left("t5", heads(2)), sides("t5", bidirectional(heads(2)));
  const Sequence s(range(0, 300));
  const auto l = left.call(s), t = sides.call(s);
  const Buckets &one = l.scores.relative.at(0).bucket, &two = t.scores.relative.at(0).bucket;
  auto place = [](const std::vector<int>& starts, int d) {
    int bucket = 0;
    while (bucket + 1 < int(starts.size()) && starts[bucket + 1] <= d) ++bucket;
    return bucket;
  };
  for (int d = 0; d < 300; ++d) {
    CHECK(one(d) == place(causal, d));
    CHECK(two(d) == place(both, d));
    if (d > 0) CHECK(two(-d) == 16 + place(both, d));
  }
}

TEST_CASE("T5's bias is one table for all layers, and not scaled") {
  Built b("t5", heads(2));
  Tensor& table = b.parameter("t5.bias");
  REQUIRE(table.shape == Shape{32, 2});
  const Sequence s(range(0, 30));
  const auto c = b.call(s, Tensor({1, 30, 2, 4}));
  CHECK(c.score(1, 29, 10) == table[17 * 2 + 1]);  // 19 tokens away

  Built none("none", heads(2)), raw("t5", heads(2), {{"t5.scale", "none"}});
  for (real& x : table.flat()) x = 0;
  for (real& x : raw.parameter("t5.bias").flat()) x = 0;
  const auto zero = b.call(s), plain = none.call(s), unscaled = raw.call(s);
  CHECK(zero.score(1, 29, 10) == plain.score(1, 29, 10));
  CHECK(unscaled.score(1, 29, 10) == Approx(2 * plain.score(1, 29, 10)));  // √d = 2
}

TEST_CASE("buckets and clipped tables have rows for both sides if positions are coupled") {
  const Sequence s({0, 4, 1, 9, 2});
  for (const std::string name : {"t5", "tupe", "shaw"}) {
    Built one(name, heads(2)), two(name + "+coupled", heads(2)),
        sides(name, bidirectional(heads(2)));
    CHECK_THROWS_WITH(one.call(s),
                      ContainsSubstring(name + ": a token attends to one 7 positions after"));
    CHECK_NOTHROW(one.call(Sequence({0, 1, 1, 8, 9})));
    const auto a = two.call(s), b = sides.call(s);
    for (int d = -9; d < 9; ++d)
      CHECK(a.scores.relative[0].bucket(d) == b.scores.relative[0].bucket(d));
  }
}

TEST_CASE("T5 refuses impossible buckets") {
  CHECK_THROWS_WITH(Built("t5", heads(2), {{"t5.buckets", "7"}}),
                    ContainsSubstring("t5.buckets: 7 is odd"));
  CHECK_THROWS_WITH(Built("t5", heads(2), {{"t5.max_distance", "16"}}),
                    ContainsSubstring("t5.max_distance"));
  CHECK_NOTHROW(Built("t5", bidirectional(heads(2)), {{"t5.max_distance", "16"}}));
}

TEST_CASE("KERPLE's bias falls as a logarithm or a power") {
  Built b("kerple", heads(2));
  Tensor r1 = b.parameter("kerple.r1"), r2 = b.parameter("kerple.r2");
  REQUIRE(r1.shape == Shape{2});
  r1[0] = 1.5, r2[0] = 0.25, r1[1] = 0.01, r2[1] = 0.5;
  const Sequence s(range(0, 40));
  CHECK(bias(b.call(s), 0, 8) == Approx(-1.5 * std::log(3.0)));
  CHECK(bias(b.call(s), 1, 8) == Approx(-0.01 * std::log(5.0)));
  CHECK(bias(b.call(s), 0, 0) == 0);

  Built power("kerple", bidirectional(heads(2)), {{"kerple.kind", "power"}});
  r1 = power.parameter("kerple.r1"), r2 = power.parameter("kerple.r2");
  r1[0] = 0.5, r2[0] = 1.5, r1[1] = 1, r2[1] = 2;
  const auto c = power.call(s);
  CHECK(bias(c, 0, 4) == Approx(-0.5 * 8));
  CHECK(bias(c, 1, -6) == Approx(-36));
  CHECK(bias(c, 1, 0) == 0);
  CHECK(bias(power.call(Sequence({5})), 1, 0) == 0);
}

TEST_CASE("KERPLE's parameters are within their bounds initially and when read from a checkpoint") {
  for (const std::string kind : {"log", "power"}) {
    Built b("kerple", heads(64), {{"kerple.kind", kind}});
    for (const std::string name : {"kerple.r1", "kerple.r2"}) {
      const bool upper = kind == "power" && name == "kerple.r2";
      for (const real x : b.parameter(name).flat()) CHECK((x >= real(0.01) && x <= 2));
      const Bounds bounds = b.parameters.bounds("encoding." + name);
      CHECK(bounds.least == 0.01);
      CHECK((bounds.most == 2) == upper);
    }
  }
  Composition saved("kerple");
  Parameters old(std::map<std::string, Tensor>{{"encoding.kerple.r1", Tensor({2})},
                                               {"encoding.kerple.r2", filled({2}, 5)}});
  saved.build(heads(2), old);
  CHECK(old.find("encoding.kerple.r1").value()[0] == real(0.01));
  CHECK(old.find("encoding.kerple.r2").value()[1] == 5);
}

TEST_CASE("KERPLE with power 1 and ALiBi's slopes equals ALiBi") {
  Built kerple("kerple", heads(4), {{"kerple.kind", "power"}}), alibi("alibi", heads(4));
  for (int h = 0; h < 3; ++h)  // training would raise 2^-8 to 0.01
    kerple.parameter("kerple.r1")[h] = std::exp2(-2 * (h + 1));
  for (real& r2 : kerple.parameter("kerple.r2").flat()) r2 = 1;
  const Sequence s(range(0, 100));
  const auto a = kerple.call(s), b = alibi.call(s);
  for (int h = 0; h < 3; ++h)
    for (int j = 0; j < 100; ++j) CHECK(a.score(h, 99, j) == Approx(b.score(h, 99, j)));
}

TEST_CASE("Sandwich is the product of sinusoids, weaker in each further head") {
  Built b("sandwich", heads(2, 128), {{"sandwich.width", "8"}, {"sandwich.lambda", "3"}});
  const auto c = b.call(Sequence(range(0, 70)));
  const std::pair<int, double> expected[] = {
      {0, 4}, {1, 3.535256}, {4, 2.266609}, {16, 1.000240}, {64, 3.185091}};
  for (const auto& [distance, sum] : expected) {
    CHECK(bias(c, 0, distance) == Approx(3 * 2.0 / 8 * sum).epsilon(1e-6));
    CHECK(bias(c, 1, distance) == Approx(3 * 2.0 / 16 * sum).epsilon(1e-6));
  }
  CHECK_THROWS_WITH(Built("sandwich", heads(2), {{"sandwich.width", "7"}}),
                    ContainsSubstring("is odd"));
}

TEST_CASE("fixed forget gates equal ALiBi") {
  for (const int H : {1, 2, 8}) {
    Built fox("fox", heads(H), {{"fox.gate", "fixed"}}), alibi("alibi", heads(H));
    CHECK(fox.parameters.count() == 0);
    const Sequence s(range(0, 300));
    const auto a = fox.call(s), b = alibi.call(s);
    for (int h = 0; h < H; ++h)
      for (const int j : {0, 100, 298, 299})
        CHECK(a.score(h, 299, j) == Approx(b.score(h, 299, j)));
  }
}

TEST_CASE("forget gates add the log gate of each token after the key to a score") {
  Built b("fox", heads(2));
  const Tensor w = b.parameter("fox.blocks.0.weight"), bias = b.parameter("fox.blocks.0.bias");
  REQUIRE(w.shape == Shape{2, 8});
  CHECK(bias[0] == 0);
  CHECK(bias[1] == 0);
  for (real& x : w.flat()) x *= 50;
  bias[1] = 2;
  const Sequence s(range(0, 9));
  const auto c = b.call(s, Tensor({1, 9, 2, 4}));
  const Tensor n = normal({1, 9, 8}, "n");
  for (int h = 0; h < 2; ++h) {
    double sum = 0;
    for (int t = 3; t <= 7; ++t) {
      double logit = bias[h];
      for (int i = 0; i < 8; ++i) logit += double(w[h * 8 + i]) * double(n[t * 8 + i]);
      sum -= std::log1p(std::exp(-logit));
    }
    CHECK(c.score(h, 7, 2) == Approx(sum));
    CHECK(c.score(h, 7, 7) == 0);
  }
}

TEST_CASE("forget gates may start with memory times spread over the heads") {
  const Overrides spread{{"fox.spread", "true"}, {"fox.shortest", "2"}, {"fox.longest", "128"}};
  Overrides content = spread, bias = spread;
  content.push_back({"fox.gate", "content"}), bias.push_back({"fox.gate", "bias"});
  for (const auto& settings : {content, bias}) {
    Built b("fox", heads(4), settings);
    const Tensor& start = b.parameter("fox.blocks.0.bias");
    const double times[] = {2, 8, 32, 128};
    for (int h = 0; h < 4; ++h)
      CHECK(std::log1p(std::exp(-double(start[h]))) == Approx(1 / times[h]));
  }
  CHECK_THROWS_WITH(Built("fox", heads(4), {{"fox.gate", "fixed"}, {"fox.spread", "false"}}),
                    ContainsSubstring("fox.spread"));
  CHECK_THROWS_WITH(Built("fox", heads(4), {{"fox.longest", "3"}}),
                    ContainsSubstring("fox.shortest: 4"));
}

TEST_CASE("BAM starts as ALiBi, up to 1e-5 of a token") {
  for (const int H : {4, 6}) {
    Built bam("bam", bidirectional(heads(H))), alibi("alibi", bidirectional(heads(H)));
    CHECK(bam.parameters.count() == 2 * H);
    const Sequence s(range(0, 50));
    const auto a = bam.call(s), b = alibi.call(s);
    for (int h = 0; h < H; ++h)
      for (const int j : {0, 20, 24, 25, 26, 49})
        CHECK(a.score(h, 25, j) == Approx(b.score(h, 25, j)).margin(1.1e-5));
  }
}

TEST_CASE("BAM's bias is the logarithm of a generalized Gaussian") {
  Built b("bam", bidirectional(heads(2)), {{"bam.location", "true"}});
  const Tensor theta = b.parameter("bam.scale"), beta = b.parameter("bam.shape"),
               m = b.parameter("bam.location");
  REQUIRE(m.shape == Shape{2});
  theta[0] = real(std::log(0.5)), beta[0] = 2, m[0] = real(std::asinh(1.5));  // μ = 3
  theta[1] = 0, beta[1] = -1;
  const Sequence s(range(0, 30));
  const auto c = b.call(s);
  CHECK(bias(c, 0, 5) == Approx(-0.5 * 64).epsilon(1e-5));
  CHECK(bias(c, 0, -3) == Approx(0).margin(1e-9));
  CHECK(bias(c, 0, -7) == Approx(-0.5 * 16).epsilon(1e-5));
  CHECK(bias(c, 1, 4) == Approx(-0.25).epsilon(1e-5));
  CHECK(bias(c, 1, -20) == Approx(-0.05).epsilon(1e-5));

  Built each("bam", heads(2), {{"bam.each", "true"}});
  CHECK(each.parameter("bam.blocks.0.shape").shape == Shape{2});
}

TEST_CASE("NAPE has ALiBi with slopes 1/h in half of the heads and no bias in the others") {
  const Sequence s(range(0, 9));
  auto slopes = [&](int H, const Overrides& settings) {
    Built b("nape", heads(H), settings);
    const auto c = b.call(s);
    std::vector<double> all;
    for (int h = 0; h < H; ++h) all.push_back(-bias(c, h, 6) / 6);
    return all;
  };
  const std::vector<double> six = slopes(6, {}), three = slopes(4, {{"nape.heads", "3"}});
  const double expected[] = {1, 0.5, 1 / 3., 0, 0, 0};
  for (int h = 0; h < 6; ++h) CHECK(six[h] == Approx(expected[h]));
  for (int h = 0; h < 4; ++h) CHECK(three[h] == Approx(expected[h]));
  CHECK(slopes(6, {{"nape.slopes", "exp"}}) == std::vector<double>{1, 0.5, 0.25, 0, 0, 0});
  CHECK_THROWS_WITH(Built("nape", heads(1)),
                    ContainsSubstring("nape.heads: one head can't be halved"));
  CHECK_THROWS_WITH(Built("nape", heads(4), {{"nape.heads", "5"}}),
                    ContainsSubstring("nape.heads: 5 are more than the model's 4"));
}

TEST_CASE("head h of hard ALiBi's first half sees h tokens, and the other half see all") {
  Built b("hard-alibi", heads(4)), sides("hard-alibi", bidirectional(heads(4)));
  const Sequence s(range(0, 20));
  const Mask m = b.call(s).mask, both = sides.call(s).mask;
  CHECK(m.of_heads == std::vector<int>{1, 2, 0, 0});
  for (int j = 0; j < 20; ++j) {
    CHECK(m.sees(0, 10, j) == (j == 10));
    CHECK(m.sees(1, 10, j) == (j == 10 || j == 9));
    CHECK(m.sees(2, 10, j) == (j <= 10));
    CHECK(both.sees(1, 10, j) == (j >= 9 && j <= 11));
    CHECK(both.sees(3, 10, j));
  }
  Built more("hard-alibi", heads(4), {{"hard-alibi.heads", "4"}});
  CHECK(more.call(s).mask.of_heads == std::vector<int>{1, 2, 3, 4});
  CHECK_THROWS_WITH(Built("hard-alibi", heads(1)), ContainsSubstring("one head can't be halved"));
  CHECK_THROWS_WITH(Built("hard-alibi", heads(4), {{"hard-alibi.heads", "5"}}),
                    ContainsSubstring("hard-alibi.heads: 5 are more than the model's 4"));
}

TEST_CASE("scale-invariant attention scales a score and lowers it with the distance") {
  const Sequence s(range(0, 200));
  for (const std::string base : {"none", "rope"}) {
    const std::string both = base == "none" ? "scale-invariant" : "rope+scale-invariant";
    Built plain(base, heads(2)), scaled(both, heads(2)),
        flat(both, heads(2), {{"scale-invariant.tau", "1e15"}});
    const auto p = plain.call(s), c = scaled.call(s), f = flat.call(s);
    for (int h = 0; h < 2; ++h)
      for (const int j : {0, 100, 189, 198, 199}) {
        const double u = std::log(1 + (199 - j) / 10.0);
        CHECK(c.score(h, 199, j) == Approx(std::sqrt(1 + 2 * u) * p.score(h, 199, j) - 2 * u));
        CHECK(f.score(h, 199, j) == Approx(p.score(h, 199, j)).epsilon(1e-9));
      }
  }
  CHECK_THROWS_WITH(Built("scale-invariant", heads(2), {{"scale-invariant.tau", "0"}}),
                    ContainsSubstring("scale-invariant.tau"));
}

TEST_CASE("scale-invariant attention gives each scale of distances the same mean weight") {
  Built b("scale-invariant", heads(2));
  const auto c = b.call(Sequence(range(0, 3)));
  const RelativeTerm& term = c.scores.relative.at(0);
  // E e^(a S + m) = e^(m + a²/2) for S of N(0, 1): √e/(1 + Δ/τ)
  for (int d = 0; d < 3; ++d) {
    const double a = term.f[d], m = bias(c, 0, d);
    CHECK(std::exp(m + a * a / 2) == Approx(std::sqrt(std::exp(1.0)) / (1 + d / 10.0)));
  }
}

TEST_CASE("stick-breaking replaces softmax and does not depend on positions") {
  Built none("stick-breaking", heads(2)),
      own("stick-breaking", heads(2), {{"stick-breaking.remainder", "own"}});
  const Sequence s(range(0, 9));
  const auto c = none.call(s);
  CHECK(c.scores.weights == Weights::stick_breaking);
  CHECK(own.call(s).scores.weights == Weights::stick_breaking_remainder_to_own);
  CHECK(c.scores.relative.empty());
  Built plain("none", heads(2));
  CHECK(c.score(0, 8, 2) == plain.call(s).score(0, 8, 2));
}
