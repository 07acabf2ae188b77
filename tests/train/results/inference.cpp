#include "train/results/inference.h"

#include <cmath>

#include "tests/support/catch.h"

using namespace yonder;
using Catch::Approx;

TEST_CASE("a sign-flip test counts the sign patterns whose mean is as low as the observed one") {
  CHECK(sign_flip_p({-1, -2, -3}) == Approx(1 / 8.0));
  CHECK(sign_flip_p({-1, -2, -3, -4, -5}) == Approx(1 / 32.0));
  CHECK(sign_flip_p({1, -2, -3}) == Approx(2 / 8.0));  // it and the all-negative pattern
  CHECK(sign_flip_p({1, 2, 3}) == Approx(1));
  CHECK(sign_flip_p({-0.1, -0.1, 0.1}) == Approx(4 / 8.0));  // equal sums count
  CHECK(sign_flip_p({}) == 1);
}

TEST_CASE("for many differences the sign-flip test is sampled, near the normal approximation") {
  std::vector<double> differences;
  for (int i = 0; i < 40; ++i)
    differences.push_back(i % 2 ? -1.3 : 1);  // mean −0.15, standard error 1.16/√40
  const double p = sign_flip_p(differences);
  CHECK(p == Approx(0.5 * std::erfc(0.15 / (std::sqrt((1.69 + 1) / 2) / std::sqrt(40.0)) /
                                    std::sqrt(2.0)))
                 .margin(0.03));
  CHECK(p == sign_flip_p(differences));
}

TEST_CASE("a sign test is the chance that fair coins agree as much, and omits zeros") {
  CHECK(sign_p({-1, -1, -1, -1, -1}) == Approx(1 / 32.0));
  CHECK(sign_p({-1, -1, -1, -1, 1}) == Approx(6 / 32.0));
  CHECK(sign_p({-1, 0, -1}) == Approx(0.25));
  CHECK(sign_p({0, 0}) == 1);
}

TEST_CASE("Holm's adjustment steps down and never decreases") {
  const std::vector<double> adjusted = holm({0.01, 0.04, 0.03, 0.5});
  CHECK(adjusted[0] == Approx(0.04));
  CHECK(adjusted[2] == Approx(0.09));
  CHECK(adjusted[1] == Approx(0.09));  // 2 · 0.04 is less than the one before
  CHECK(adjusted[3] == Approx(0.5));
  CHECK(holm({1, 1}) == std::vector<double>{1, 1});
}

TEST_CASE("a preset has as many seeds as one claim needs to pass Holm") {
  CHECK(seeds_for(1) == 5);
  CHECK(seeds_for(2) == 6);
  CHECK(seeds_for(3) == 6);
  CHECK(seeds_for(4) == 7);
  CHECK(seeds_for(6) == 7);
  CHECK(seeds_for(7) == 8);
  CHECK(seeds_for(12) == 8);
  for (int m = 2; m <= 12; ++m) CHECK(m * std::pow(0.5, seeds_for(m)) <= 0.05);
}

TEST_CASE("Page's trend: L is largest if all seeds are in order") {
  const Trend one = trend({{1, 2, 3}, {4, 5, 9}});
  CHECK(one.L == 28);  // 2 (1 + 4 + 9)
  CHECK(one.tau == Approx(1));
  CHECK(one.p == Approx(1 / 36.0));
  const Trend turned = trend({{3, 2, 1}, {9, 5, 4}});
  CHECK(turned.tau == Approx(-1));
  CHECK(turned.p == Approx(1));
  const Trend tied = trend({{1, 1, 2}});  // ranks 1.5, 1.5, 3; L 13.5, of 13.5, 12, 10.5
  CHECK(tied.L == Approx(13.5));
  CHECK(tied.tau == Approx(2 / 3.0));
  CHECK(tied.p == Approx(1 / 3.0));
  // For each seed, one of 24 permutations is the order itself.
  CHECK(trend({{1, 2, 3, 4}, {1, 2, 3, 4}, {1, 2, 3, 4}}).p == Approx(std::pow(24.0, -3)));
  const Trend many = trend(std::vector<std::vector<double>>(5, {1, 2, 3, 4}));
  CHECK(many.p < 1e-4);  // sampled
}

TEST_CASE("more seeds are needed for a smaller difference, and 0 means the wrong direction") {
  CHECK(seeds_needed({-1, -1.5, -0.5}, 1) == 5);  // δ = 2: signs need more than the size
  // δ = 0.5 with one claim: ((1.645 + 0.842)/0.5)² + 1.353 = 26.1
  CHECK(seeds_needed({-1.5, 0.5, -1.5, 0.5}, 1) > 26);
  CHECK(seeds_needed({1, 2, 3}, 1) == 0);
  CHECK(seeds_needed({-1}, 1) == 0);
  CHECK(seeds_needed({-1, -2, -1, -2, -3}, 12) == 8);
}
