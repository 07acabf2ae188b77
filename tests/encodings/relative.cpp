// Options of relative encodings that follow published code, compared with its values.
#include <map>

#include "tests/support/catch.h"
#include "tests/support/encodings.h"

using namespace yonder;
using Catch::Approx;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("DeBERTa's logarithmic buckets are those of version 3's code") {
  Built b("deberta", wide(8, 2, 16), {{"deberta.buckets", "8"}, {"deberta.span", "16"}});
  CHECK(b.parameter("deberta.table").shape == Shape{16, 8});
  const auto c = b.call(Sequence(range(0, 41)));
  const Buckets& c2p = c.scores.relative.at(0).bucket;
  const std::pair<int, int> expected[] = {{-40, 0}, {-15, 1}, {-7, 2},  {-5, 3},  {0, 8},
                                          {4, 12},  {5, 13},  {6, 13},  {7, 14},  {8, 14},
                                          {9, 14},  {10, 15}, {11, 15}, {15, 15}, {40, 15}};
  for (const auto& [distance, row] : expected) CHECK(c2p(distance) == row);
  CHECK_THROWS_WITH(Built("deberta", wide(8, 2, 16), {{"deberta.buckets", "7"}}),
                    ContainsSubstring("deberta.buckets: 7"));
  CHECK_THROWS_WITH(
      Built("deberta", wide(8, 2, 16), {{"deberta.buckets", "64"}, {"deberta.span", "33"}}),
      ContainsSubstring("deberta.buckets: 64"));
}

namespace {

// FIRE's bias of query i at a distance, by its formula.
double fire(Built& b, const std::string& at, double threshold, int i, int distance, int h) {
  const auto of = [&](const std::string& name) { return Tensor(b.parameter(at + name)); };
  const double c = of("c")[0];
  const auto psi = [c](double x) { return std::log1p(std::abs(c) * x); };
  const double tau = std::abs(double(of("multiplier")[0])) * threshold;
  const double x = psi(distance) / (psi(std::max(tau, double(i))) + 1e-6);
  const Tensor in = of("mlp.in.weight"), bias = of("mlp.in.bias"), out = of("mlp.out.weight");
  double sum = of("mlp.out.bias")[h];
  for (int f = 0; f < in.dim(0); ++f)
    sum += double(out[h * in.dim(0) + f]) * std::max(0.0, double(in[f]) * x + double(bias[f]));
  return sum;
}

}  // namespace

TEST_CASE("FIRE's threshold starts at its option, and each layer may have its own function") {
  Dims dims = wide(8, 2, 16);
  dims.layers = 2;
  const Overrides wide_start{{"fire.threshold", "5"}}, own{{"fire.each", "true"}};
  Built plain("fire", dims), early("fire", dims, wide_start), each("fire", dims, own);
  CHECK(each.parameters.count() == 2 * plain.parameters.count());
  const Sequence s(range(0, 12));
  const auto bias = [&](Built& b, int i, int j, int h) {
    std::vector<real> strip(2 * 12 * 12);
    b.call(s).scores.strips.at(0).forward(0, 0, 12, strip.data());
    return double(strip[std::size_t((h * 12 + i) * 12 + j)]);
  };
  for (const int i : {2, 11})
    for (const int h : {0, 1}) {
      CHECK(bias(plain, i, 1, h) == Approx(fire(plain, "fire.", 16, i, i - 1, h)));
      CHECK(bias(early, i, 1, h) == Approx(fire(early, "fire.", 5, i, i - 1, h)));
      CHECK(bias(each, i, 1, h) == Approx(fire(each, "fire.blocks.0.", 16, i, i - 1, h)));
    }
}

TEST_CASE("FIRE divides by the largest position that a query sees, in any order of positions") {
  Built b("fire", wide(8, 2, 4));
  const Sequence s({0, 30, 2});
  std::vector<real> strip(2 * 3 * 3);
  b.call(s).scores.strips.at(0).forward(0, 0, 3, strip.data());
  CHECK(strip[7] == Approx(fire(b, "fire.", 4, 30, 28, 0)));
}

TEST_CASE(
    "TUPE has θ only if it unties the first token, and reads older files that always have it") {
  Built causal("tupe", wide(8, 2, 16)), both("tupe", bidirectional(wide(8, 2, 16)));
  CHECK(!causal.parameters.find("encoding.tupe.theta"));
  CHECK(both.parameter("tupe.theta").shape == Shape{2, 2});
  std::map<std::string, Tensor> saved{{"encoding.tupe.theta", Tensor({2, 2})}};
  for (const auto& [name, var] : causal.parameters.all()) saved[name] = var.value();
  Parameters old(saved);
  Composition again("tupe");
  again.build(wide(8, 2, 16), old);
  CHECK(old.unused().empty());
}
