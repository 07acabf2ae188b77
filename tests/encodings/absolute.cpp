#include "encodings/base/spectrum.h"
#include "tests/support/catch.h"
#include "tests/support/encodings.h"

using namespace yonder;
using Catch::Approx;
using Catch::Matchers::ContainsSubstring;

namespace {

double product(const Tensor& x, int i, int j) {
  double sum = 0;
  for (int c = 0; c < x.dim(1); ++c) sum += x[i * x.dim(1) + c] * x[j * x.dim(1) + c];
  return sum;
}

std::vector<double> row(const Tensor& x, int i) {
  return {&x[i * x.dim(1)], &x[i * x.dim(1)] + x.dim(1)};
}

}  // namespace

TEST_CASE("products of sinusoids depend on the distance as in Vaswani et al.") {
  Built b("sinusoidal", wide(16, 2, 16));
  const Tensor p = b.embedded(Sequence(range(0, 70)));
  const std::pair<int, double> expected[] = {{0, 8},        {1, 7.485166}, {2, 6.368277},
                                             {4, 5.559677}, {8, 4.697191}, {64, 4.907531}};
  for (const auto& [distance, value] : expected) {
    CHECK(product(p, 0, distance) == Approx(value).epsilon(1e-6));
    CHECK(product(p, 5 + distance, 5) == Approx(value).epsilon(1e-6));
  }
  CHECK(p[3 * 16 + 0] == Approx(std::sin(3.0)));
  CHECK(p[3 * 16 + 1] == Approx(std::cos(3.0)));
  CHECK(p[3 * 16 + 2] == Approx(std::sin(3 * std::pow(10000, -2.0 / 16))));
}

TEST_CASE("scaling of sinusoids applies to all D columns, by L over N") {
  Built b("sinusoidal", wide(16, 2, 16));
  b.encoding.set_at_inference("sinusoidal.scaling", "linear");
  const Tensor p = b.embedded(Sequence(range(0, 64)));  // k = 4
  CHECK(p[8 * 16 + 0] == Approx(std::sin(2.0)));
  CHECK(p[8 * 16 + 3] == Approx(std::cos(2 * std::pow(10000, -2.0 / 16))));
  CHECK_THROWS_WITH(b.encoding.set_at_inference("sinusoidal.scaling", "rerope"),
                    ContainsSubstring("sinusoidal.scaling: 'rerope' is not allowed"));
  b.encoding.set_at_inference("sinusoidal.scaling", "yarn");  // has no amplitude here
  CHECK(product(b.embedded(Sequence(range(0, 64))), 7, 7) == Approx(8));
}

TEST_CASE("each sequence of a padded or shifted batch may have its own positions") {
  for (const std::string name : {"sinusoidal", "learned", "multiplied", "digits"}) {
    Built b(name, wide(16, 2, 32));
    if (name == "multiplied") b.parameter("multiplied.table") = normal({32, 16}, "table");
    std::vector<int> at = {0, 1, 2, 10, 20, 31};
    const Positions p{.at = at, .batch = 2, .tokens = 3, .longest = 32, .consecutive = false};
    const Tensor both = b.encoding.embed(Var(filled({2, 3, 16}, 1)), at, p).value().view({6, 16});
    const Tensor alone = b.embedded(Sequence({10, 20, 31}, 32), 1);
    for (int t = 0; t < 3; ++t) CHECK(row(both, 3 + t) == row(alone, t));
  }
}

TEST_CASE("a learned table refuses positions beyond it and names the option that helps") {
  Built b("learned", wide(16, 2, 16));
  CHECK_NOTHROW(b.embedded(Sequence(range(0, 16))));
  CHECK_THROWS_WITH(b.embedded(Sequence(range(0, 17))),
                    "learned: position 16 is beyond the table of 16; see --learned.beyond");
  CHECK_THROWS_AS(b.embedded(Sequence(range(0, 17))), UsageError);
}

TEST_CASE("token_positions lists the positions of all tokens") {
  CHECK(token_positions({.tokens = 3, .first = 2}) == std::vector<int>{2, 3, 4});
  const std::vector<int> at{5, 7, 9, 6, 8, 9}, lengths{3, 2};
  CHECK(token_positions({.at = at, .lengths = lengths, .batch = 2, .tokens = 3}) ==
        std::vector<int>{5, 7, 9, 6, 8, 0});
}

TEST_CASE("padding needs no row of a table and no digits") {
  for (const std::string name : {"learned", "digits"}) {
    Overrides settings;
    if (name == "digits") settings = {{"digits.digits", "1"}};
    Built b(name, wide(16, 2, 8), settings);
    const std::vector<int> at = range(0, 12), lengths{3, 8};
    const Positions p{.at = at, .lengths = lengths, .batch = 2, .tokens = 12, .longest = 12};
    const Var x(Tensor({2, 12, 16}));
    const Tensor padded = b.encoding.embed(x, {}, p).value().view({24, 16});
    const Tensor alone = b.embedded(Sequence(range(0, 8), 12));
    for (int t = 0; t < 8; ++t) CHECK(row(padded, 12 + t) == row(alone, t));
    const std::vector<int> longer{3, 11};
    const Positions too_long{.at = at, .lengths = longer, .batch = 2, .tokens = 12};
    CHECK_THROWS_WITH(b.encoding.embed(x, {}, too_long), ContainsSubstring("position 10"));
  }
}

TEST_CASE("beyond its table, learned clamps, wraps, draws or decomposes as its option says") {
  Built b("learned", wide(16, 2, 16));
  const Tensor P = b.parameter("learned.table");
  REQUIRE(P.shape == Shape{16, 16});
  auto test = [&](const std::string& beyond, int length) {
    b.encoding.set_at_inference("learned.beyond", beyond);
    return b.embedded(Sequence(range(0, length)));
  };
  for (const std::string beyond : {"clamp", "wrap", "random", "hierarchical"}) {
    const Tensor x = test(beyond, 40);
    for (int i = 0; i < 16; ++i) CHECK(row(x, i) == row(P, i));  // the identity below R
  }
  CHECK(row(test("clamp", 40), 37) == row(P, 15));
  CHECK(row(test("wrap", 40), 37) == row(P, 5));

  b.encoding.set_at_inference("learned.alpha", "0.3");
  const Tensor x = test("hierarchical", 256);
  for (int c = 0; c < 16; ++c) {  // 37 = 2·16 + 5
    auto u = [&](int m) { return (P[m * 16 + c] - 0.3 * P[c]) / 0.7; };
    CHECK(x[37 * 16 + c] == Approx(0.3 * u(2) + 0.7 * u(5)));
  }
  CHECK_THROWS_WITH(test("hierarchical", 257),
                    ContainsSubstring("position 256 is beyond the table of 16"));
  b.encoding.set_at_inference("learned.alpha", "0.5");
  CHECK_THROWS_WITH(test("hierarchical", 20), ContainsSubstring("learned.alpha"));
}

TEST_CASE("new rows of a learned table are those of a longer table with the same seed") {
  Built b("learned", wide(16, 2, 16), {{"learned.beyond", "random"}});
  Built longer("learned", wide(16, 2, 24));
  const Tensor x = b.embedded(Sequence(range(0, 24))), y = b.embedded(Sequence(range(0, 18)));
  for (int i = 0; i < 24; ++i) CHECK(row(x, i) == row(longer.parameter("learned.table"), i));
  CHECK(row(y, 17) == row(x, 17));
}

TEST_CASE("multiplied starts as the identity and multiplies by 1 + p") {
  Built b("multiplied", wide(16, 2, 16));
  CHECK(row(b.embedded(Sequence(range(0, 16)), 3), 7) == std::vector<double>(16, 3));
  b.parameter("multiplied.table")[7 * 16 + 2] = 0.5;
  CHECK(b.embedded(Sequence(range(0, 16)), 3)[7 * 16 + 2] == 4.5);
  CHECK_THROWS_WITH(b.embedded(Sequence(range(0, 20))), ContainsSubstring("--multiplied.beyond"));

  Built s("multiplied", wide(16, 2, 16), {{"multiplied.table", "sinusoidal"}});
  CHECK(s.parameters.count() == 0);
  CHECK(s.embedded(Sequence(range(0, 40)), 2)[39 * 16] == Approx(2 * (1 + std::sin(39.0))));
}

TEST_CASE("the digits of a position are those of its written form") {
  // W selects the digits: column c of x is digit c, in units of 1/β
  auto digits = [](const Overrides& settings, int position, int longest) {
    Overrides all{{"digits.digits", "4"}};
    all.insert(all.end(), settings.begin(), settings.end());
    Built b("digits", wide(16, 2, 2000), all);
    Tensor& W = b.parameter("digits.weight");
    REQUIRE(W.shape == Shape{16, 4});
    for (int i = 0; i < 64; ++i) W[i] = i % 4 == i / 4 ? 10 : 0;
    const Tensor x = b.embedded(Sequence({position}, longest));
    return std::vector<double>{x[0], x[1], x[2], x[3]};
  };
  auto check = [](const std::vector<double>& x, const std::vector<double>& expected) {
    for (int g = 0; g < 4; ++g) CHECK(x[g] == Approx(expected[g]).margin(1e-12));
  };
  check(digits({}, 1749, 2000), {1, 7, 4, 9});
  check(digits({{"digits.beyond", "interpolate"}, {"digits.factor", "2"}}, 1749, 2000),
        {0, 8, 7, 4.5});
  check(digits({{"digits.beyond", "interpolate"}}, 1749, 4000), {0, 8, 7, 4.5});  // k = L/N
  check(digits({{"digits.beyond", "rebase"}, {"digits.base", "16"}}, 1749, 2000), {0, 6, 13, 5});
  CHECK_THROWS_WITH(digits({}, 10000, 10001), ContainsSubstring("--digits.beyond"));
}

TEST_CASE("rebase uses the smallest base in which the digits in use can represent the length") {
  // Three digits are in use below 1000. They can represent 2000 from base 13 on.
  Built b("digits", wide(16, 2, 1000), {{"digits.digits", "3"}, {"digits.beyond", "rebase"}});
  Tensor& W = b.parameter("digits.weight");
  for (int i = 0; i < 48; ++i) W[i] = i % 3 == i / 3 ? 10 : 0;
  auto leading = [&](int position, int longest) {
    return double(b.embedded(Sequence({position}, longest))[0]);
  };
  CHECK(leading(169, 2000) == Approx(1));
  CHECK(leading(168, 2000) == Approx(0));
  CHECK(leading(100, 1000) == Approx(1));
}

TEST_CASE("onehot digits have a one at the index of the digit") {
  Built b("digits", wide(16, 2, 20), {{"digits.digits", "2"}, {"digits.as", "onehot"}});
  Tensor& W = b.parameter("digits.weight");
  REQUIRE(W.shape == Shape{16, 20});
  const Tensor x = b.embedded(Sequence({47}, 48));
  for (int c = 0; c < 16; ++c) CHECK(x[c] == Approx(W[c * 20 + 4] + W[c * 20 + 10 + 7]));
  b.encoding.set_at_inference("digits.beyond", "rebase");
  CHECK_THROWS_WITH(b.encoding.check(), ContainsSubstring("onehot"));
}
