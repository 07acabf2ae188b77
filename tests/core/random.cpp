#include "core/random.h"

#include <cmath>
#include <vector>

#include "tests/support/catch.h"

using namespace yonder;

namespace {

using Counter = std::array<std::uint32_t, 4>;

// Mean of f(i) over 0..n−1.
template <class F>
double mean(int n, F f) {
  double sum = 0;
  for (int i = 0; i < n; ++i) sum += f(i);
  return sum / n;
}

}  // namespace

TEST_CASE("Philox4x32-10 gives the known answers of Random123") {
  // kat_vectors of Random123 1.14
  CHECK(philox({0, 0, 0, 0}, {0, 0}) == Counter{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  const std::uint32_t f = 0xffffffff;
  CHECK(philox({f, f, f, f}, {f, f}) == Counter{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
        Counter{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("a random value depends on seed, stream, step and index, and on nothing else") {
  const Random a(1, "x", 2);
  CHECK(a.block(3) == Random(1, "x", 2).block(3));
  CHECK(a.block(3) != Random(2, "x", 2).block(3));
  CHECK(a.block(3) != Random(std::uint64_t(1) << 32 | 1, "x", 2).block(3));
  CHECK(a.block(3) != Random(1, "y", 2).block(3));
  CHECK(a.block(3) != Random(1, "x", 3).block(3));
  CHECK(a.block(3) != a.block(4));
  CHECK(a.block(3) != a.block(std::uint64_t(1) << 32 | 3));
}

// Tolerances below are four standard deviations of the mean over n draws.
constexpr int many = 200000;

TEST_CASE("normal values have the moments 0, 1, 0 and 3 and are uncorrelated") {
  const Random r(7, "normal");
  std::vector<double> x(many);
  for (int i = 0; i < many; ++i) x[i] = r.normal(i);
  const double deviation = 4 / std::sqrt(double(many));
  CHECK(std::abs(mean(many, [&](int i) { return x[i]; })) < deviation);
  CHECK(std::abs(mean(many, [&](int i) { return x[i] * x[i]; }) - 1) < std::sqrt(2) * deviation);
  CHECK(std::abs(mean(many, [&](int i) { return std::pow(x[i], 3); })) < std::sqrt(15) * deviation);
  CHECK(std::abs(mean(many, [&](int i) { return std::pow(x[i], 4); }) - 3) <
        std::sqrt(96) * deviation);
  CHECK(std::abs(mean(many - 1, [&](int i) { return x[i] * x[i + 1]; })) < deviation);
  // P(|x| > 3) = 0.0026998
  CHECK(std::abs(mean(many, [&](int i) { return double(std::abs(x[i]) > 3); }) - 0.0026998) <
        0.052 * deviation);
}

TEST_CASE("uniform values are evenly distributed from 0 to 1") {
  const Random r(7, "uniform");
  std::vector<int> bins(64);
  for (int i = 0; i < many; ++i) {
    const double x = r.uniform(i);
    REQUIRE((x >= 0 && x < 1));
    ++bins[int(x * 64)];
  }
  double chi = 0;  // χ² with 63 degrees of freedom: mean 63, variance 126
  for (const int b : bins) chi += std::pow(b - many / 64.0, 2) / (many / 64.0);
  CHECK(std::abs(chi - 63) < 4 * std::sqrt(126));
}

TEST_CASE("integers below n are equally likely, even if n does not divide a power of two") {
  const Random r(7, "below");
  std::vector<int> bins(7);
  for (int i = 0; i < many; ++i) ++bins.at(r.below(7, i));
  double chi = 0;  // 6 degrees of freedom
  for (const int b : bins) chi += std::pow(b - many / 7.0, 2) / (many / 7.0);
  CHECK(chi < 6 + 4 * std::sqrt(12));
  CHECK(r.below(1, 5) == 0);
  CHECK(r.below(~std::uint64_t(0), 5) > std::uint64_t(1) << 32);  // by chance false in 2^−32
}

TEST_CASE("a RandomStream draws one value after the other and stays within its limits") {
  const Random r(3, "draws");
  RandomStream draws(r);
  CHECK(draws.uniform() == r.uniform(0));
  CHECK(draws.normal() == r.normal(1));
  CHECK(draws.below(100) == int(r.below(100, 2)));
  std::vector<int> seen(3);
  for (int i = 0; i < 100; ++i) ++seen.at(draws.between(4, 6) - 4);
  CHECK((seen[0] > 0 && seen[1] > 0 && seen[2] > 0));
}
