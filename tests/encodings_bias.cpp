#include <catch2/catch.hpp>

#include "tests/encodings.h"

using namespace yonder;
using Catch::Contains;

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

TEST_CASE("ALiBi falls in proportion to the distance, on both sides, outside the scale") {
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

TEST_CASE("T5's buckets begin where its code has them") {
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

TEST_CASE("T5's bias is one table for all layers, added outside the scale") {
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

TEST_CASE("T5 refuses buckets that can't be laid out") {
  CHECK_THROWS_WITH(Built("t5", heads(2), {{"t5.buckets", "7"}}), Contains("t5.buckets: 7 is odd"));
  CHECK_THROWS_WITH(Built("t5", heads(2), {{"t5.max_distance", "16"}}),
                    Contains("t5.max_distance"));
  CHECK_NOTHROW(Built("t5", bidirectional(heads(2)), {{"t5.max_distance", "16"}}));
}

TEST_CASE("KERPLE falls as a logarithm or a power, its parameters held where kernels are kernels") {
  Built b("kerple", heads(2));
  Tensor r1 = b.parameter("kerple.r1"), r2 = b.parameter("kerple.r2");
  REQUIRE(r1.shape == Shape{2});
  r1[0] = 1.5, r2[0] = 0.25, r1[1] = -3, r2[1] = 0.5;
  const Sequence s(range(0, 40));
  CHECK(bias(b.call(s), 0, 8) == Approx(-1.5 * std::log(3.0)));
  CHECK(bias(b.call(s), 1, 8) == Approx(-0.01 * std::log(5.0)));
  CHECK(bias(b.call(s), 0, 0) == 0);

  Built power("kerple", bidirectional(heads(2)), {{"kerple.kind", "power"}});
  r1 = power.parameter("kerple.r1"), r2 = power.parameter("kerple.r2");
  r1[0] = 0.5, r2[0] = 1.5, r1[1] = 1, r2[1] = 3;
  const auto c = power.call(s);
  CHECK(bias(c, 0, 4) == Approx(-0.5 * 8));
  CHECK(bias(c, 1, -6) == Approx(-36));
  CHECK(bias(c, 1, 0) == 0);
  CHECK(bias(power.call(Sequence({5})), 1, 0) == 0);
}

TEST_CASE("KERPLE with the power 1 and ALiBi's slopes is ALiBi") {
  Built kerple("kerple", heads(4), {{"kerple.kind", "power"}}), alibi("alibi", heads(4));
  for (int h = 0; h < 3; ++h)  // 2^-8 would be raised to 0.01
    kerple.parameter("kerple.r1")[h] = std::exp2(-2 * (h + 1));
  for (real& r2 : kerple.parameter("kerple.r2").flat()) r2 = 1;
  const Sequence s(range(0, 100));
  const auto a = kerple.call(s), b = alibi.call(s);
  for (int h = 0; h < 3; ++h)
    for (int j = 0; j < 100; ++j) CHECK(a.score(h, 99, j) == Approx(b.score(h, 99, j)));
}

TEST_CASE("Sandwich is the product of sinusoids, fading with the head") {
  Built b("sandwich", heads(2, 128), {{"sandwich.width", "8"}, {"sandwich.lambda", "3"}});
  const auto c = b.call(Sequence(range(0, 70)));
  const std::pair<int, double> expected[] = {
      {0, 4}, {1, 3.535256}, {4, 2.266609}, {16, 1.000240}, {64, 3.185091}};
  for (const auto& [distance, sum] : expected) {
    CHECK(bias(c, 0, distance) == Approx(3 * 2.0 / 8 * sum).epsilon(1e-6));
    CHECK(bias(c, 1, distance) == Approx(3 * 2.0 / 16 * sum).epsilon(1e-6));
  }
  CHECK_THROWS_WITH(Built("sandwich", heads(2), {{"sandwich.width", "7"}}), Contains("is odd"));
}
