#include "tests/support/catch.h"
#include "tests/support/encodings.h"

using namespace yonder;
using Catch::Approx;
using Catch::Matchers::ContainsSubstring;

namespace {

const Dims trained_on_512 = wide(8, 2, 512);

double log_512(double n) { return std::log(n) / std::log(512); }

std::vector<double> row_factors(Built& b, const Positions& p) {
  Dots s;
  const Mask m = b.encoding.mask_in(0);
  b.encoding.scale_queries(s, {.layer = 0, .queries = p, .keys = p, .mask = m});
  return {s.row.flat().begin(), s.row.flat().end()};
}

std::vector<double> row_factors(Built& b, int tokens) {
  return row_factors(b, Sequence(range(0, tokens)).positions);
}

}  // namespace

TEST_CASE("log n multiplies each query by the logarithm of the number of keys it sees") {
  Built b("logn", trained_on_512);
  const auto f = row_factors(b, 4096);
  CHECK(f[0] == 0);
  CHECK(f[255] == Approx(8.0 / 9));
  CHECK(f[511] == 1);
  CHECK(f[1023] == Approx(1.111111).epsilon(1e-6));
  CHECK(f[2047] == Approx(1.222222).epsilon(1e-6));
  CHECK(f[4095] == Approx(1.333333).epsilon(1e-6));

  Built test("logn", trained_on_512, {{"logn.when", "test"}});
  const auto g = row_factors(test, 4096);
  CHECK(std::count(g.begin(), g.begin() + 512, 1) == 512);
  CHECK(g[1023] == Approx(1.111111).epsilon(1e-6));
}

TEST_CASE("log n counts tokens, not positions, and from the sequence's start when decoding") {
  Built b("logn", trained_on_512);
  std::vector<int> at{7, 90, 301};
  CHECK(row_factors(b, {.at = at, .tokens = 3, .longest = 3, .consecutive = false}) ==
        row_factors(b, 3));
  const std::vector<int> last{9};
  const auto f = row_factors(b, {.at = last, .tokens = 1, .first = 9, .longest = 10});
  REQUIRE(f.size() == 1);
  CHECK(f[0] == Approx(log_512(10)));
}

TEST_CASE("log n uses each sequence's own length in a padded bidirectional batch") {
  Built b("logn", bidirectional(trained_on_512));
  const std::vector<int> at = range(0, 6), lengths{6, 2};
  const auto f = row_factors(b, {.at = at, .lengths = lengths, .batch = 2, .tokens = 6});
  REQUIRE(f.size() == 12);
  for (int t = 0; t < 6; ++t) CHECK(f[t] == Approx(log_512(6)));
  for (int t = 0; t < 2; ++t) CHECK(f[6 + t] == Approx(log_512(2)));
  CHECK(row_factors(b, 6).size() == 6);
}

TEST_CASE("log n counts only what a window leaves visible") {
  Built causal("logn+window", trained_on_512, {{"window.size", "3"}});
  const auto f = row_factors(causal, 5);
  for (int t = 0; t < 5; ++t) CHECK(f[t] == Approx(log_512(std::min(t + 1, 3))));
  Built both("window+logn", bidirectional(trained_on_512), {{"window.size", "3"}});
  const auto g = row_factors(both, 6);
  const double seen[] = {3, 4, 5, 5, 4, 3};
  for (int t = 0; t < 6; ++t) CHECK(g[t] == Approx(log_512(seen[t])));
}

TEST_CASE("log n multiplies an existing factor") {
  Built b("logn", bidirectional(trained_on_512));
  const std::vector<int> at = range(0, 4), lengths{4, 2};
  const Positions p{.at = at, .lengths = lengths, .batch = 2, .tokens = 4};
  Dots s{.row = filled({1, 4}, 3)};
  b.encoding.scale_queries(s, {.layer = 0, .queries = p, .keys = p, .mask = {.causal = false}});
  CHECK(s.row.shape == Shape{2, 4});
  CHECK(s.row[1] == Approx(3 * log_512(4)));
  CHECK(s.row[5] == Approx(3 * log_512(2)));
}

TEST_CASE("log n needs a trained length above 1") {
  CHECK_THROWS_WITH(Built("logn", wide(8, 2, 1)), ContainsSubstring("logn"));
}

TEST_CASE("scalable softmax with s = 1/ln N equals log n") {
  Built ssmax("ssmax", trained_on_512, {{"ssmax.kind", "fixed"}, {"ssmax.s", "0.1602994489"}});
  Built logn("logn", trained_on_512);
  const auto x = row_factors(ssmax, 2000), y = row_factors(logn, 2000);
  for (int t = 0; t < 2000; ++t) CHECK(x[t] == Approx(y[t]).epsilon(1e-9));
  Built windowed("ssmax+window", trained_on_512, {{"ssmax.kind", "fixed"}, {"window.size", "3"}});
  const auto w = row_factors(windowed, 5);
  for (int t = 0; t < 5; ++t) CHECK(w[t] == Approx(std::log(std::min(t + 1, 3))));
}

TEST_CASE("scalable softmax learns an s for each head and layer, initially near the given one") {
  Dims dims = wide(64, 32, 16);
  dims.layers = 2;
  Built b("ssmax", dims, {{"ssmax.s", "0.5"}});
  for (const std::string layer : {"0", "1"}) {
    const Tensor s = b.parameter("ssmax.blocks." + layer + ".s");
    REQUIRE(s.shape == Shape{32});
    double sum = 0;
    for (real x : s.flat()) {
      CHECK(std::abs(double(x) - 0.5) < 0.05);
      sum += double(x);
    }
    CHECK(sum / 32 == Approx(0.5).margin(0.006));  // 3 standard deviations
  }
  Built none("none", dims);
  const Sequence s(range(0, 12));
  const auto x = b.call(s), y = none.call(s);
  for (int h : {0, 31})
    for (int i = 0; i < 12; ++i)
      CHECK(x.score(h, i, 3) ==
            Approx(b.parameter("ssmax.blocks.0.s")[h] * std::log(i + 1) * y.score(h, i, 3)));
}

TEST_CASE("Llama 4's scaling begins at its floor_scale") {
  Built b("ssmax", trained_on_512, {{"ssmax.kind", "llama4"}, {"ssmax.floor_scale", "8"}});
  const auto f = row_factors(b, 25);
  for (int t = 0; t < 7; ++t) CHECK(f[t] == 1);
  CHECK(f[7] == Approx(1.069315).epsilon(1e-6));   // 1 + 0.1 ln 2
  CHECK(f[15] == Approx(1.109861).epsilon(1e-6));  // ln 3
  CHECK(f[24] == Approx(1.138629).epsilon(1e-6));  // ln 4
  CHECK(b.parameters.all().empty());
}

TEST_CASE("sharpening multiplies every query by the same factor, and not biases") {
  Built sharp("rope+alibi+sharpen", small, {{"sharpen.by", "1.5"}}), rope("rope", small),
      alibi("alibi", small), one("sharpen", small);
  const Sequence s(range(0, 40));
  const auto x = sharp.call(s), r = rope.call(s), a = alibi.call(s, Tensor({1, 40, 2, 8}));
  for (int i : {0, 7, 39})
    for (int j = 0; j <= i; ++j)
      CHECK(x.score(1, i, j) == Approx(1.5 * r.score(1, i, j) + a.score(1, i, j)));
  CHECK(row_factors(one, 3).empty());
  CHECK_THROWS_WITH(Built("sharpen", small, {{"sharpen.by", "0"}}),
                    ContainsSubstring("sharpen.by: '0'"));
}

TEST_CASE("a window is as wide as given, or as the trained length") {
  auto width = [](const Overrides& settings) {
    Built b("rope+window", wide(8, 2, 32), settings);
    return b.encoding.mask_in(0).window;
  };
  CHECK(width({}) == 32);
  CHECK(width({{"window.size", "5"}}) == 5);
}

TEST_CASE("sinks stay visible beyond the window") {
  Built b("sinks", wide(8, 2, 16), {{"sinks.first", "3"}}), sides("sinks", bidirectional(small));
  const Sequence s(range(0, 64));
  const Mask m = b.call(s).mask;
  CHECK(m.window == 16);
  for (int j = 0; j < 64; ++j) CHECK(m.sees(0, 40, j) == (j <= 40 && (j < 3 || j > 24)));
  b.encoding.set_at_inference("sinks.window", "5");
  CHECK(b.call(s).mask.window == 5);
  b.encoding.set_at_inference("sinks.window", "-1");
  CHECK(b.call(s).mask.window == 0);
  CHECK(sides.call(s).mask.sees(1, 40, 3));
  CHECK(!sides.call(s).mask.sees(1, 40, 4));
}

TEST_CASE("sinks without first tokens are a window") {
  Built sinks("rope+sinks", small, {{"sinks.first", "0"}, {"sinks.window", "7"}}),
      window("rope+window", small, {{"window.size", "7"}});
  const Sequence s(range(0, 30));
  const Mask a = sinks.call(s).mask, b = window.call(s).mask;
  for (int i = 0; i < 30; ++i)
    for (int j = 0; j < 30; ++j) CHECK(a.sees(0, i, j) == b.sees(0, i, j));
}

TEST_CASE("log n counts the sinks that are visible beyond a window, each once") {
  for (const bool causal : {true, false}) {
    const Dims dims = causal ? small : bidirectional(small);
    Built b("sinks+logn", dims, {{"sinks.first", "3"}, {"sinks.window", "5"}});
    const auto f = row_factors(b, 40);
    const Mask m = b.call(Sequence(range(0, 40))).mask;
    for (int i = 0; i < 40; ++i) {
      int seen = 0;
      for (int j = 0; j < 40; ++j) seen += m.sees(0, i, j);
      CHECK(f[i] == Approx(std::log(seen) / std::log(16)));
    }
  }
}

TEST_CASE("log n and scalable softmax count what each head sees if heads have windows") {
  for (const bool causal : {true, false})
    for (const std::string beside : {"", "+window", "+sinks"}) {
      const Dims four = wide(16, 4, 16), dims = causal ? four : bidirectional(four);
      Overrides settings{{"hard-alibi.heads", "3"}};
      if (beside == "+window") settings.push_back({"window.size", "2"});
      if (beside == "+sinks") settings.push_back({"sinks.first", "2"});
      if (beside == "+sinks") settings.push_back({"sinks.window", "3"});
      Built plain("hard-alibi" + beside, dims, settings);
      Built logn("hard-alibi+logn" + beside, dims, settings);
      Built ssmax("hard-alibi+ssmax" + beside, dims, settings);
      const Sequence s(range(0, 12));
      const auto x = plain.call(s), y = logn.call(s), z = ssmax.call(s);
      for (int h = 0; h < 4; ++h)
        for (int i = 0; i < 12; ++i) {
          int seen = 0;
          for (int j = 0; j < 12; ++j) seen += x.mask.sees(h, i, j);
          const double c = std::log(seen), score = x.score(h, i, i);
          CHECK(y.score(h, i, i) == Approx(c / std::log(16) * score).margin(1e-9));
          CHECK(z.score(h, i, i) ==
                Approx(c * ssmax.parameter("ssmax.blocks.0.s")[h] * score).margin(1e-9));
        }
    }
}

TEST_CASE("a learned sink is a term of softmax's denominator, with its own logit in each layer") {
  Dims dims = small;
  dims.layers = 2;
  Built plain("sinks", dims), learned("sinks", dims, {{"sinks.learned", "true"}});
  const Sequence s(range(0, 9));
  CHECK(!plain.call(s).scores.sink);
  CHECK(plain.parameters.count() == 0);
  CHECK(learned.parameters.count() == 2 * 2);
  const Tensor logit = learned.parameter("sinks.blocks.0.logit");
  CHECK(learned.call(s).scores.sink.value().data == logit.data);
  CHECK(logit[0] == 0);
  // One key with score 0 competes with a sink at ln 3: its weight is 1/4.
  logit[1] = real(std::log(3));
  const Sequence one(range(0, 1));
  const auto c = learned.call(one, Tensor({1, 1, 2, 8}));
  const Tensor z = attention(c.dots, Var(filled({1, 1, 2, 8}, 1)), c.scores, c.mask, one.positions,
                             one.positions)
                       .value();
  CHECK(z[0] == Approx(0.5));
  CHECK(z[8] == Approx(0.25));
}

TEST_CASE("scalable softmax may scale biases too: every score times its factor") {
  for (const std::string name : {"bam", "alibi", "fire", "scale-invariant"})
    for (const bool first : {false, true}) {
      Built plain(name, small), both(first ? "ssmax+" + name : name + "+ssmax", small,
                                     {{"ssmax.bias", "true"}, {"ssmax.s", "0.7"}});
      const Sequence s(range(0, 9));
      const auto a = plain.call(s), b = both.call(s);
      const auto strip = [&](const Built::Call& c, int h, int i, int j) {
        double sum = 0;
        std::vector<real> rows(2 * 9 * 9);
        for (const StripBias& bias : c.scores.strips) {
          bias.forward(0, 0, 9, rows.data());
          sum += double(rows[std::size_t((h * 9 + i) * 9 + j)]);
        }
        return sum;
      };
      for (const int h : {0, 1}) {
        const double factor = std::log(8) * double(both.parameter("ssmax.blocks.0.s")[h]);
        for (int j = 0; j < 8; ++j)
          CHECK(b.score(h, 7, j) + strip(b, h, 7, j) ==
                Approx(factor * (a.score(h, 7, j) + strip(a, h, 7, j))));
      }
    }
  for (const std::string name : {"fox", "xlnet"}) {
    Built other(name + "+ssmax", small, {{"ssmax.bias", "true"}});
    CHECK_THROWS_WITH(other.call(Sequence(range(0, 9))), ContainsSubstring("ssmax.bias"));
  }
}

TEST_CASE("log n and scalable softmax may scale only the last heads") {
  const Dims dims = wide(16, 4, 16);
  Built plain("none", dims), logn("logn", dims, {{"logn.heads", "2"}}),
      ssmax("ssmax", dims, {{"ssmax.heads", "1"}});
  CHECK(ssmax.parameter("ssmax.blocks.0.s").shape == Shape{1});
  const Sequence s(range(0, 9));
  const auto a = plain.call(s), l = logn.call(s), m = ssmax.call(s);
  const double factor = std::log(8) * double(ssmax.parameter("ssmax.blocks.0.s")[0]);
  for (int h = 0; h < 4; ++h) {
    CHECK(l.score(h, 7, 2) == Approx(a.score(h, 7, 2) * (h < 2 ? 1 : std::log(8) / std::log(16))));
    CHECK(m.score(h, 7, 2) == Approx(a.score(h, 7, 2) * (h < 3 ? 1 : factor)));
  }
  for (const std::string name : {"logn", "ssmax"})
    CHECK_THROWS_WITH(Built(name, dims, {{name + ".heads", "5"}}),
                      ContainsSubstring(name + ".heads: 5"));
}
