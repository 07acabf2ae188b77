#include "train/training/adamw.h"

#include <cmath>

#include "core/parallel.h"
#include "core/random.h"
#include "tests/support/catch.h"
#include "train/training/lr_schedule.h"

using namespace yonder;
using Catch::Approx;

namespace {

void fill(const Tensor& x, const std::string& stream, int step) {
  const Random random(7, stream, std::uint32_t(step));
  for (std::int64_t i = 0; i < x.size(); ++i) x[i] = real(random.normal(i));
}

// Algorithm 2 of Loshchilov & Hutter, one value at a time.
struct NaiveAdamW {
  double theta, m = 0, v = 0;
  void step(double g, double lr, double decay, int t) {
    m = 0.9 * m + (1 - 0.9) * g;
    v = 0.98 * v + (1 - 0.98) * g * g;
    const double mean = m / (1 - std::pow(0.9, t)), square = v / (1 - std::pow(0.98, t));
    theta -= lr * (mean / (std::sqrt(square) + 1e-8) + decay * theta);
  }
};

}  // namespace

TEST_CASE("AdamW matches its formula, parameter by parameter") {
  Parameters parameters(1);
  // A matrix of more than one chunk, a norm that does not decay, and one without a gradient.
  parameters.make("blocks.0.mlp.up.weight", {150, 130}, Init::std(1));
  parameters.make("norm.weight", {37}, Init::value(1));
  parameters.make("head.weight", {3, 5}, Init::std(1));
  std::vector<std::vector<NaiveAdamW>> naive;
  for (const auto& p : parameters.all()) {
    naive.emplace_back();
    for (real x : p.var.value().flat()) naive.back().push_back({x});
  }

  AdamW optimizer(parameters, {.decay = 0.1});
  const double scale = 0.5;
  for (int t = 1; t <= 5; ++t) {
    const double lr = 0.01 * t;
    parameters.clear_gradients();
    for (const auto& p : parameters.all())
      if (p.name != "head.weight") fill(p.var.grad(), p.name, t);
    optimizer.step(lr, scale);
    for (std::size_t n = 0; n < naive.size(); ++n) {
      const auto& p = parameters.all()[n];
      const bool still = p.name == "head.weight";
      for (std::int64_t i = 0; i < p.var.size(); ++i)
        naive[n][i].step(still ? 0 : scale * p.var.grad()[i], lr, p.name[0] == 'n' ? 0 : 0.1, t);
    }
  }
  for (std::size_t n = 0; n < naive.size(); ++n)
    for (std::int64_t i = 0; i < parameters.all()[n].var.size(); ++i)
      // Five steps of about 1e-2 each, in double: rounding is far below.
      REQUIRE(parameters.all()[n].var.value()[i] == Approx(naive[n][i].theta).margin(1e-13));
}

TEST_CASE("a parameter that a step moves past its bound is clamped, and can return") {
  Parameters parameters(1);
  const Var x = parameters.make("x", {3}, Init::value(0.05), {.least = 0.01, .most = 0.2});
  AdamW optimizer(parameters, {});
  const auto step = [&](real g) {
    parameters.clear_gradients();
    for (real& d : x.grad().flat()) d = g;
    optimizer.step(0.1, 1);
    return double(x.value()[1]);
  };
  CHECK(step(1) == real(0.01));
  CHECK(step(1) == real(0.01));
  for (int n = 0; n < 200 && x.value()[1] == real(0.01); ++n) step(-1);
  CHECK(x.value()[1] > real(0.01));
  for (int n = 0; n < 20; ++n) step(-1);
  CHECK(x.value()[1] == real(0.2));
}

TEST_CASE("only the matrices of the blocks and of the head decay") {
  CHECK(AdamW::decays("blocks.3.attn.q.weight", {8, 8}));
  CHECK(AdamW::decays("head.weight", {5, 8}));
  CHECK(AdamW::decays("imaginary.blocks.0.mlp.up.weight", {32, 8}));
  CHECK_FALSE(AdamW::decays("blocks.3.norm1.weight", {8}));
  CHECK_FALSE(AdamW::decays("embed.weight", {5, 8}));
  CHECK_FALSE(AdamW::decays("encoding.learned.table", {16, 8}));
}

TEST_CASE("the gradient norm is Euclidean, and bit-identical for any number of threads") {
  Parameters parameters(1);
  parameters.make("a", {40000}, Init::zeros());
  parameters.make("b", {3, 7}, Init::zeros());
  parameters.make("c", {9}, Init::zeros());  // has no gradient
  double squares = 0;
  for (const char* name : {"a", "b"}) {
    const Tensor g = parameters.find(name).grad();
    fill(g, name, 0);
    for (real x : g.flat()) squares += x * x;
  }
  const int before = threads();
  set_threads(1);
  const double norm = gradient_norm(parameters);
  CHECK(norm == Approx(std::sqrt(squares)).epsilon(1e-12));
  for (int n : {2, 3, 4, 8}) {
    set_threads(n);
    CHECK(gradient_norm(parameters) == norm);
  }
  set_threads(before);
  parameters.find("b").grad()[0] = NAN;
  CHECK(std::isnan(gradient_norm(parameters)));
}

TEST_CASE("the learning rate rises linearly and falls as half a cosine to its end") {
  const Schedule lr{.peak = 2, .warmup = 100, .steps = 1100, .end = 0.1};
  CHECK(lr(1) == Approx(0.02));
  CHECK(lr(100) == Approx(2));
  CHECK(lr(600) == Approx(2 * 0.55));
  CHECK(lr(1100) == Approx(0.2));
  const Schedule cold{.peak = 1, .warmup = 0, .steps = 1, .end = 0.1};
  CHECK(cold(1) == Approx(0.1));
}
