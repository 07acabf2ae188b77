#include "core/ops/conv.h"
#include "core/ops/gru.h"
#include "core/ops/neural_ode.h"
#include "core/ops/ops.h"
#include "tests/support/catch.h"
#include "tests/support/gradcheck.h"

using namespace yonder;
using Catch::Approx;

namespace {

Var parameter(Shape shape, std::string_view name, double spread = 0.5) {
  Tensor x(std::move(shape));
  const Random random(2, name);
  for (std::int64_t i = 0; i < x.size(); ++i) x[i] = real(spread * random.normal(i));
  return Var::parameter(x);
}

Var weighed_tanh(const Var& y) {
  return sum(tanh(y) * Var(parameter(y.shape(), "weights").value()));
}

struct Worded {
  Gru gru;
  explicit Worded(int B, int T, int D)
      : gru{parameter({B, T, 3 * D}, "gates"), parameter({3 * D, D}, "weight"),
            parameter({3 * D}, "bias"), parameter({B, D}, "start")} {}
  std::vector<Parameters::Named> all() const {
    return {{"gates", gru.gates}, {"weight", gru.weight}, {"bias", gru.bias}, {"start", gru.start}};
  }
};

double at(const Var& x, std::int64_t i) { return x.value()[i]; }

}  // namespace

TEST_CASE("the gated recurrent unit applies PyTorch's GRUCell step by step") {
  const int T = 5, D = 3;
  const Worded w(1, T, D);
  const Var y = gru(w.gru);
  std::vector<double> h{at(w.gru.start, 0), at(w.gru.start, 1), at(w.gru.start, 2)};
  for (int t = 0; t < T; ++t) {
    auto a = [&](int row) {
      double s = at(w.gru.bias, row);
      for (int c = 0; c < D; ++c) s += at(w.gru.weight, row * D + c) * h[c];
      return s;
    };
    auto sigma = [](double x) { return 1 / (1 + std::exp(-x)); };
    std::vector<double> next(D);
    for (int c = 0; c < D; ++c) {
      auto g = [&](int gate) { return at(w.gru.gates, (t * 3 + gate) * D + c); };
      const double r = sigma(g(0) + a(c)), z = sigma(g(1) + a(D + c));
      next[c] = (1 - z) * std::tanh(g(2) + r * a(2 * D + c)) + z * h[c];
    }
    h = next;
    for (int c = 0; c < D; ++c) CHECK(at(y, t * D + c) == Approx(h[c]).epsilon(1e-13));
  }
}

TEST_CASE("the gradients of the recurrent unit are correct in both directions, with padding") {
  const std::vector<int> lengths{4, 2, 1};
  for (Direction direction : {Direction::forward, Direction::backward}) {
    Worded w(3, 4, 3);
    w.gru.direction = direction;
    w.gru.lengths = lengths;
    const Worst worst = check_gradients([&] { return weighed_tanh(gru(w.gru)); }, w.all());
    INFO(worst.where);
    CHECK(worst.error < 1e-6);
  }
}

TEST_CASE("a sequence read backwards begins with its last token before padding") {
  const std::vector<int> lengths{2};
  Worded w(1, 5, 3);
  w.gru.direction = Direction::backward;
  w.gru.lengths = lengths;
  const Var padded = gru(w.gru);
  Gru alone = w.gru;
  alone.gates = slice(w.gru.gates, 1, 0, 2);
  alone.lengths = {};
  const Var y = gru(alone);
  for (int i = 0; i < 2 * 3; ++i) CHECK(at(padded, i) == at(y, i));
}

TEST_CASE("a depthwise convolution handles each kind of padding") {
  Tensor x({1, 4, 1}), w({1, 3});
  for (int t = 0; t < 4; ++t) x[t] = t + 1;
  w[0] = 100, w[1] = 10, w[2] = 1;
  auto row = [&](int anchor, ConvPadding padding) {
    const Var y = depthwise(Var(x), Var(w), {.anchor = anchor, .padding = padding, .lengths = {}});
    return std::vector<double>{at(y, 0), at(y, 1), at(y, 2), at(y, 3)};
  };
  CHECK(row(2, ConvPadding::zero) == std::vector<double>{1, 12, 123, 234});
  CHECK(row(1, ConvPadding::zero) == std::vector<double>{12, 123, 234, 340});
  CHECK(row(1, ConvPadding::circular) == std::vector<double>{412, 123, 234, 341});
  CHECK(row(1, ConvPadding::none) == std::vector<double>{0, 123, 234, 0});
  CHECK(row(2, ConvPadding::none) == std::vector<double>{0, 0, 123, 234});
}

TEST_CASE("the gradients of the depthwise convolution are correct") {
  const std::vector<int> lengths{5, 3};
  for (ConvPadding padding : {ConvPadding::zero, ConvPadding::circular, ConvPadding::none}) {
    const Var x = parameter({2, 5, 3}, "x"), w = parameter({3, 3}, "w");
    const Worst worst = check_gradients(
        [&] {
          return weighed_tanh(
              depthwise(x, w, {.anchor = 1, .padding = padding, .lengths = lengths}));
        },
        {{"x", x}, {"w", w}});
    INFO(worst.where);
    CHECK(worst.error < 1e-6);
  }
}

namespace {

struct Current {
  Var start;
  Flow flow;
  Current(int L, int D, double spread)
      : start(parameter({L, D}, "start")),
        flow{.in_weight = parameter({D, D + 1}, "in.weight", spread),
             .in_bias = parameter({D}, "in.bias", spread),
             .out_weight = parameter({D, D + 1}, "out.weight", spread),
             .out_bias = parameter({D}, "out.bias", spread)} {}
  std::vector<Parameters::Named> all() const {
    return {{"start", start},
            {"in.weight", flow.in_weight},
            {"in.bias", flow.in_bias},
            {"out.weight", flow.out_weight},
            {"out.bias", flow.out_bias}};
  }
};

}  // namespace

TEST_CASE("a constant flow gives a straight line, a flow linear in time a parabola") {
  Current c(3, 5, 0);
  for (int substeps : {1, 3}) {
    c.flow.substeps = substeps;
    for (int i = 0; i < 5; ++i) c.flow.out_bias.value()[i] = 0.25 * i;
    const Var line = trajectory(c.start, c.flow, 9);
    for (int i = 0; i < 5; ++i) c.flow.out_weight.value()[i * 6 + 5] = i;
    for (int i = 0; i < 5; ++i) c.flow.out_bias.value()[i] = 0;
    const Var parabola = trajectory(c.start, c.flow, 9);
    for (int i = 0; i < 5; ++i) c.flow.out_weight.value()[i * 6 + 5] = 0;
    for (int n = 0; n < 9; ++n)
      for (int l = 0; l < 3; ++l)
        for (int i = 0; i < 5; ++i) {
          const double t = n * c.flow.dt, s = at(c.start, l * 5 + i);
          CHECK(at(line, (n * 3 + l) * 5 + i) == Approx(s + 0.25 * i * t).margin(1e-13));
          CHECK(at(parabola, (n * 3 + l) * 5 + i) == Approx(s + i * t * t / 2).margin(1e-13));
        }
  }
}

TEST_CASE("the gradients of a trajectory flow through its Runge-Kutta steps") {
  for (int substeps : {1, 2}) {
    Current c(3, 5, 0.4);
    c.flow.substeps = substeps;
    const Worst worst =
        check_gradients([&] { return weighed_tanh(trajectory(c.start, c.flow, 4)); }, c.all());
    INFO(worst.where);
    CHECK(worst.error < 1e-6);
  }
}

TEST_CASE("more substeps converge to the true trajectory at fourth order") {
  Current c(1, 8, 0.1);
  c.flow.dt = 2;
  // Far from the kink of the relu, where every method is only first order.
  for (real& b : c.flow.in_bias.value().flat()) b = 10;
  for (real& w : c.flow.out_weight.value().flat()) w /= 10;
  auto end = [&](int substeps) {
    c.flow.substeps = substeps;
    return trajectory(c.start, c.flow, 3);
  };
  const Var exact = end(64), coarse = end(1), fine = end(2);
  double far = 0, near = 0;
  for (int i = 2 * 8; i < 3 * 8; ++i) {
    far += std::abs(at(coarse, i) - at(exact, i));
    near += std::abs(at(fine, i) - at(exact, i));
  }
  CHECK(near < far / 12);  // 16 in the limit of small steps
}
