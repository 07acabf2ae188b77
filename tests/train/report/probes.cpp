#include "train/report/probes.h"

#include <cmath>
#include <numbers>

#include "tests/support/catch.h"

using namespace yonder;
using Catch::Approx;

namespace {

Transformer model_of(const std::string& encoding, Overrides options = {}) {
  auto parts = std::make_unique<Composition>(encoding);
  for (const Override& s : options) parts->set(s.key, s.value);
  return {{.vocabulary = 16, .width = 16, .heads = 2, .layers = 2, .mlp = 16, .trained = 16},
          std::move(parts),
          0};
}

double at(const Chart::Line& line, double x) {
  for (const Chart::Point& p : line.points)
    if (p.x == x) return p.y;
  FAIL("there is no point at " << x);
  return 0;
}

}  // namespace

TEST_CASE("alibi's bias falls by its slope with each token") {
  Transformer model = model_of("alibi");
  const Chart c = biases(model, 64, {});
  REQUIRE(c.lines.size() == 2);
  // m_h = 2^(−8(h+1)/2)
  CHECK(at(c.lines[0], 1) == Approx(-1. / 16));
  CHECK(at(c.lines[0], 63) == Approx(-63. / 16));
  CHECK(at(c.lines[1], 63) == Approx(-63. / 256));
  CHECK(c.mark == 16);
}

TEST_CASE("kerple's bias matches its formula, and so does fire's, which comes from its strips") {
  Transformer kerple = model_of("kerple");
  const double r1 = kerple.parameters().find("encoding.kerple.r1").value()[0],
               r2 = kerple.parameters().find("encoding.kerple.r2").value()[0];
  const Chart c = biases(kerple, 32, {});
  CHECK(at(c.lines[0], 31) == Approx(-std::max(r1, 0.01) * std::log1p(std::max(r2, 0.01) * 31)));
  Transformer fire = model_of("fire");
  const Chart f = biases(fire, 32, {});
  REQUIRE(f.lines.size() == 2);
  const auto value = [&fire](const char* name, int i) {
    return double(fire.parameters().find(std::string("encoding.fire.") + name).value()[i]);
  };
  const int hidden = fire.parameters().find("encoding.fire.mlp.in.bias").dim(0);
  const auto psi = [&](double x) { return std::log1p(std::abs(value("c", 0) * x)); };
  const double most = std::max(std::abs(value("multiplier", 0)) * 16, 31.);
  const auto bias = [&](int h, int distance) {
    double y = value("mlp.out.bias", h);
    const double x = psi(distance) / (psi(most) + 1e-6);
    for (int i = 0; i < hidden; ++i)
      y += value("mlp.out.weight", h * hidden + i) *
           std::max(0., value("mlp.in.weight", i) * x + value("mlp.in.bias", i));
    return y;
  };
  for (const int h : {0, 1})
    for (const int distance : {1, 31})  // pictures begin at 0 for the query itself
      CHECK(at(f.lines[std::size_t(h)], distance) ==
            Approx(bias(h, distance) - bias(h, 0)).margin(1e-5));
}

TEST_CASE("an encoding without a bias has no picture of one") {
  for (const char* name : {"none", "rope", "shaw", "learned"}) {
    Transformer model = model_of(name);
    CHECK(biases(model, 32, {}).lines.empty());
  }
}

TEST_CASE("rope's pairs turn once in 2π base^(2m/d) tokens, linear scaling stretches that by L/N") {
  Transformer plain = model_of("rope"), linear = model_of("rope");
  linear.encoding().set_at_inference("rope.scaling", "linear");
  const auto rows = parse_rows("rope,rope:rope.scaling=linear,rope:rope.scaling=rerope");
  const Wavelengths a = wavelengths(plain, rows[0], 64), b = wavelengths(linear, rows[1], 64);
  REQUIRE(a.tokens.size() == 4);
  CHECK(a.tokens[0] == Approx(2 * std::numbers::pi));
  CHECK(a.tokens[1] == Approx(2 * std::numbers::pi * 10));  // 10000^(2/8)
  for (int m = 0; m < 4; ++m) CHECK(b.tokens[m] == Approx(4 * a.tokens[m]));
  const Chart c = frequencies({a, b, {rows[2], a.tokens}}, 16, 64, Palette(rows));
  CHECK(c.lines.size() == 2);  // rerope changes no frequency
  CHECK(c.reference_lines.size() == 2);
  Transformer none = model_of("none");
  CHECK(wavelengths(none, {"none", {}}, 64).tokens.empty());
}

TEST_CASE("p-RoPE shows the fastest pairs of the whole head, partial rope those of its share") {
  const auto pairs = [](const std::string& truncate) {
    Transformer model = model_of("rope", {{"rope.fraction", "0.5"}, {"rope.truncate", truncate}});
    return wavelengths(model, {"rope", {}}, 64).tokens;
  };
  const double full = 2 * std::numbers::pi;
  const auto share = pairs("false"), fastest = pairs("true");
  REQUIRE(share.size() == 2);
  REQUIRE(fastest.size() == 2);
  CHECK(share[1] == Approx(full * 100));   // 10000^(2/4)
  CHECK(fastest[1] == Approx(full * 10));  // 10000^(2/8)
}

TEST_CASE("only floater has a trajectory, which ends where it leaves its surroundings") {
  Transformer model = model_of("floater");
  // dp/dt = b: a straight line, each layer 0.1 b from one position to the next.
  const Var b = model.parameters().find("encoding.floater.h.out.bias");
  for (std::int64_t i = 0; i < b.size(); ++i) b.value()[i] = real(1);
  const Chart c = trajectory(model, 64, {});
  REQUIRE(c.lines.size() == 4);
  CHECK(c.lines[0].label == "layer 1");
  CHECK(c.lines[2].label == "layer 2");
  const auto& points = c.lines[0].points;
  REQUIRE(points.size() == 16);
  const double step = std::hypot(points[1].x - points[0].x, points[1].y - points[0].y);
  CHECK(step == Approx(0.1 * std::sqrt(16)).epsilon(1e-3));
  CHECK(c.lines[1].points.size() < 48);
  Transformer other = model_of("learned");
  CHECK(trajectory(other, 64, {}).lines.empty());
}

TEST_CASE("similarity is symmetric, and 1 of a row with itself") {
  Transformer model = model_of("learned");
  const Similarity s = similarity(model);
  REQUIRE(s.at.size() == 16);
  for (std::size_t i = 0; i < 16; ++i) {
    CHECK(s.cosine[i][i] == Approx(1));
    for (std::size_t j = 0; j < i; ++j) CHECK(s.cosine[i][j] == s.cosine[j][i]);
  }
  CHECK(similarity(model_of("rope")).at.empty());
}
