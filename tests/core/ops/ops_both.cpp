// Operations against their formulas, in both precisions. tests/core/ops/ops.cpp has gradients.
#include "core/ops/ops.h"

#include <cmath>
#include <limits>

#include "core/simd/simd_loops.h"
#include "tests/support/catch.h"
#include "tests/support/tensors.h"

using namespace yonder;
using Catch::Approx;

namespace {

constexpr double epsilon = std::numeric_limits<real>::epsilon();
constexpr double inf = std::numeric_limits<double>::infinity();

struct Function {
  std::string name;
  Var (*f)(const Var&);
  double (*formula)(double);
  double low, high;
};

const std::vector<Function> functions{
    {"tanh", tanh, std::tanh, -30, 30},
    {"sigmoid", sigmoid, [](double x) { return 1 / (1 + std::exp(-x)); }, -80, 200},
    {"relu", relu, [](double x) { return std::max(x, 0.0); }, -9, 9},
    {"exp", exp, std::exp, -80, 80},
    {"log1p", log1p, std::log1p, -0.9, 1e6},
    {"softplus", softplus, [](double x) { return std::log1p(std::exp(x)); }, -80, 200},
    {"gelu", gelu,
     [](double x) {
       // x/2 (1 + tanh u) = x/(1 + e^−2u), which is accurate where tanh u is near −1
       return x / (1 + std::exp(-2 * std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
     },
     -6, 12},
};

// n evenly spaced values from low to high, and 0.
Tensor grid(double low, double high, int n = 1001) {
  Tensor x({n + 1});
  for (int i = 0; i < n; ++i) x[i] = real(low + (high - low) * i / (n - 1));
  return x;
}

real one(Var (*f)(const Var&), double x) {
  Tensor t({1});
  t[0] = real(x);
  return f(Var(t)).value()[0];
}

int index(std::int64_t i, const Tensor& b) { return int(i % b.size()); }

double largest_error(const Tensor& got, const std::function<double(std::int64_t)>& wanted) {
  double most = 0;
  for (std::int64_t i = 0; i < got.size(); ++i) {
    const double error = std::abs(double(got[i]) - wanted(i));
    most = error <= most ? most : error;  // NaN counts
    if (std::isnan(error)) return inf;
  }
  return most;
}

}  // namespace

TEST_CASE("functions of one variable match their formulas") {
  for (const Function& f : functions) {
    const Tensor x = grid(f.low, f.high), y = f.f(Var(x)).value();
    for (std::int64_t i = 0; i < x.size(); ++i) {
      // As if x and the result had been rounded eight times: 8 ε (|f| + |x f'|).
      const double at = x[i], step = 1e-6 * (std::abs(at) + 1e-6), wanted = f.formula(at);
      const double slope = (f.formula(at + step) - f.formula(at - step)) / (2 * step);
      INFO(f.name << "(" << at << ") = " << y[i] << ", wanted " << wanted);
      REQUIRE(std::abs(y[i] - wanted) <=
              8 * epsilon * (std::abs(wanted) + std::abs(at * slope)) + 1e-37);
    }
  }
}

TEST_CASE("exp and sigmoid are as accurate as documented") {
  const double most = sizeof(real) == 4 ? 1 : 1e-8;  // f64: 1e-15
  const Tensor x = grid(-87.3, 88.3, 200001);
  const Tensor e = exp(Var(x)).value(), s = sigmoid(Var(x)).value();
  double worst_e = 0, worst_s = 0;
  for (std::int64_t i = 0; i < x.size(); ++i) {
    const double wanted_e = std::exp(double(x[i])), wanted_s = 1 / (1 + std::exp(-double(x[i])));
    worst_e = std::max(worst_e, std::abs(e[i] / wanted_e - 1));
    worst_s = std::max(worst_s, std::abs(s[i] / wanted_s - 1));
  }
  CHECK(worst_e < 1.5e-7 * most);
  CHECK(worst_s < 2e-7 * most);
}

TEST_CASE("the exponential of a softmax equals exp for every value up to 0") {
  const Tensor x = grid(-90, 0, 10007), wanted = exp(Var(x)).value();
  const real special[] = {0, real(-inf), NAN, std::numeric_limits<real>::lowest()};
  Tensor e(x.shape);
  map(x.size(), e.data.get(), exp_of_negative, x.data.get());
  for (std::int64_t i = 0; i < x.size(); ++i) REQUIRE(e[i] == wanted[i]);
  real limits[4];
  map(4, limits, exp_of_negative, special);
  CHECK((limits[0] == 1 && limits[1] == 0 && std::isnan(limits[2]) && limits[3] == 0));
}

TEST_CASE("an element's value does not depend on its index") {
  for (const Function& f : functions) {
    const Tensor x = grid(f.low, f.high, 77), y = f.f(Var(x)).value();
    INFO(f.name);
    for (std::int64_t i = 0; i < x.size(); ++i) REQUIRE(one(f.f, x[i]) == y[i]);
  }
}

TEST_CASE("functions of one variable propagate NaN and have their limits at infinity") {
  for (const Function& f : functions) {
    INFO(f.name);
    CHECK(std::isnan(one(f.f, NAN)));
  }
  CHECK((one(tanh, inf) == 1 && one(tanh, -inf) == -1));
  CHECK((one(sigmoid, inf) == 1 && one(sigmoid, -inf) < 1e-38));
  CHECK((one(relu, inf) == inf && one(relu, -inf) == 0));
  CHECK((one(exp, inf) == inf && one(exp, 1e4) == inf && one(exp, -inf) == 0));
  CHECK((one(softplus, inf) == inf && one(softplus, -inf) == 0));
}

TEST_CASE("+ − · broadcast the smaller operand over the leading axes, with exact results") {
  for (const auto& [sa, sb] : std::vector<std::pair<Shape, Shape>>{{{3, 5}, {3, 5}},
                                                                   {{4, 3, 5}, {5}},
                                                                   {{4, 3, 5}, {3, 5}},
                                                                   {{7, 1}, {1}},
                                                                   {{300, 100}, {100}},
                                                                   {{2, 30000}, {30000}}}) {
    const Tensor a = normal(sa, "a"), b = normal(sb, "b");
    const Tensor sum = (Var(a) + Var(b)).value(), difference = (Var(a) - Var(b)).value(),
                 product = (Var(a) * Var(b)).value();
    bool right = sum.shape == sa && difference.shape == sa && product.shape == sa;
    for (std::int64_t i = 0; i < a.size(); ++i) {
      const real x = a[i], y = b[index(i, b)];
      right = right && sum[i] == x + y && difference[i] == x - y && product[i] == x * y;
    }
    INFO("b of " << b.size() << " on a of " << a.size());
    CHECK(right);
  }
}

TEST_CASE("scaling a variable is exact") {
  const Tensor x = normal({40});
  CHECK(largest_error((real(3) * Var(x)).value(), [&](auto i) { return real(3) * x[i]; }) == 0);
}

TEST_CASE("linear is x Wᵀ + b for every row") {
  const Tensor x = normal({2, 3, 5}), w = normal({4, 5}, "w"), b = normal({4}, "b");
  const auto wanted = [&](std::int64_t i, double bias) {
    double y = bias;
    for (int k = 0; k < 5; ++k) y += double(x[i / 4 * 5 + k]) * w[i % 4 * 5 + k];
    return y;
  };
  const Tensor plain = linear(Var(x), Var(w)).value(),
               biased = linear(Var(x), Var(w), Var(b)).value();
  CHECK(plain.shape == Shape{2, 3, 4});
  // six terms of magnitude below 10
  CHECK(largest_error(plain, [&](auto i) { return wanted(i, 0); }) < 60 * epsilon);
  CHECK(largest_error(biased, [&](auto i) { return wanted(i, b[i % 4]); }) < 60 * epsilon);
}

TEST_CASE("mlp equals its parts, with and without a tape") {
  for (const int n : {1, 256, 700})
    for (const int wide : {19, 256}) {
      const Var x(normal({n, 5})), up = Var::parameter(normal({wide, 5}, "up")),
                                   down = Var::parameter(normal({4, wide}, "down"));
      const Tensor wanted = linear(gelu(linear(x, up)), down).value();
      const auto at = [&](auto i) { return wanted[i]; };
      CHECK(largest_error(mlp(x, up, down).value(), at) < 2000 * epsilon);
      const Tape tape;
      CHECK(largest_error(mlp(x, up, down).value(), at) < 2000 * epsilon);
    }
}

TEST_CASE("the gradient of an mlp equals that of its parts, even if freed memory is reused") {
  for (const int width : {5, 256}) {  // 256 is padded
    const auto gradient = [&](const std::function<Var(const Var&, const Var&, const Var&)>& f) {
      const Var x = Var::parameter(normal({30, width})),
                up = Var::parameter(normal({64, width}, "up")),
                down = Var::parameter(normal({4, 64}, "down"));
      Tape tape;
      const Var loss = sum(f(x, up, down));
      std::vector<Tensor> others;  // reuse what the forward pass has freed
      for (int i = 0; i < 8; ++i) {
        others.push_back(Tensor::uninitialized({64, width + 16}));
        std::fill_n(others.back().data.get(), others.back().size(), real(NAN));
      }
      tape.backward(loss);
      return x.grad();
    };
    const Tensor wanted = gradient([](const Var& x, const Var& up, const Var& down) {
      return linear(gelu(linear(x, up)), down);
    });
    CHECK(largest_error(gradient(mlp), [&](auto i) { return wanted[i]; }) < 1e5 * epsilon);
  }
}

TEST_CASE("layer_norm gives rows of mean 0 and variance 1, scaled and shifted") {
  for (const int n : {1, 2, 7, 16, 128, 131}) {
    const Tensor x = normal({5, n}), w = normal({n}, "w"), b = normal({n}, "b");
    const auto wanted = [&](std::int64_t i) {
      const real* const row = &x[i / n * n];
      double mean = 0, variance = 0;
      for (int j = 0; j < n; ++j) mean += row[j] / double(n);
      for (int j = 0; j < n; ++j) variance += (row[j] - mean) * (row[j] - mean) / n;
      return (x[i] - mean) / std::sqrt(variance + 1e-5) * w[i % n] + b[i % n];
    };
    INFO("width " << n);
    // n = 2 can have variance 0.01, which makes the error of x − mean ten times as large
    CHECK(largest_error(layer_norm(Var(x), Var(w), Var(b)).value(), wanted) < 300 * epsilon);
  }
}

TEST_CASE("layer_norm is accurate if the mean is large compared to the spread") {
  Tensor x({1, 64}), w({64}), b({64});
  for (int i = 0; i < 64; ++i) x[i] = real(4096 + i % 2), w[i] = 1;
  // x − mean = ±1/2 exactly, in either precision
  const Var normed = layer_norm(Var(x), Var(w), Var(b));
  for (const real y : normed.value().flat())
    CHECK(std::abs(y) == Approx(0.5 / std::sqrt(0.25 + 1e-5)).epsilon(4 * epsilon));
}

TEST_CASE("rms_norm divides by the root mean square and does not subtract the mean") {
  for (const int n : {1, 7, 16, 100}) {
    const Tensor x = normal({3, n}), w = normal({n}, "w");
    const auto wanted = [&](std::int64_t i) {
      double square = 0;
      for (int j = 0; j < n; ++j) square += double(x[i / n * n + j]) * x[i / n * n + j] / n;
      return x[i] / std::sqrt(square + 1e-5) * w[i % n];
    };
    CHECK(largest_error(rms_norm(Var(x), Var(w)).value(), wanted) < 100 * epsilon);
  }
}

TEST_CASE("relu2 and silu_gate match their formulas") {
  const Tensor a = normal({5, 37}), b = normal({5, 37}, "b");
  CHECK(largest_error(relu2(Var(a)).value(),
                      [&](auto i) { return a[i] > 0 ? double(a[i]) * a[i] : 0.0; }) < 20 * epsilon);
  CHECK(largest_error(silu_gate(Var(a), Var(b)).value(), [&](auto i) {
          return a[i] / (1 + std::exp(-double(a[i]))) * b[i];
        }) < 40 * epsilon);
}

TEST_CASE("repeat_heads puts a head's copies side by side and sums their gradients in order") {
  const int B = 2, T = 3, K = 2, H = 6, d = 5;
  const Var x = Var::parameter(normal({B, T, K, d}));
  const Tensor weights = normal({B, T, H, d}, "weights");
  Tape tape;
  const Var y = repeat_heads(x, H);
  CHECK(largest_error(y.value(), [&](auto i) {
          const auto row = i / d, h = row % H;
          return x.value()[(row / H * K + h * K / H) * d + i % d];
        }) == 0);
  tape.backward(sum(y * Var(weights)));
  CHECK(largest_error(x.grad(), [&](auto i) {
          const auto row = i / d * (H / K);
          const auto w = [&](int g) { return weights[(row + g) * d + i % d]; };
          return real(real(w(0) + w(1)) + w(2));
        }) == 0);
}

TEST_CASE("cross_entropy is the mean of −log softmax over the rows with a target") {
  const Tensor x = normal({2, 3, 37});
  const std::vector<int> targets{5, -1, 0, 36, -1, 20};
  double sum = 0;
  for (int r = 0; r < 6; ++r) {
    double total = 0;
    for (int j = 0; j < 37; ++j) total += std::exp(double(x[r * 37 + j]));
    if (targets[r] >= 0) sum += std::log(total) - x[r * 37 + targets[r]];
  }
  CHECK(cross_entropy(Var(x), targets).value()[0] == Approx(sum / 4).epsilon(16 * epsilon));
}

TEST_CASE("cross_entropy without any target is 0 and gives no gradient") {
  const Var x = Var::parameter(normal({2, 5}));
  const std::vector<int> none{-1, -1};
  Tape tape;
  const Var loss = cross_entropy(x, none);
  CHECK(loss.value()[0] == 0);
  tape.backward(loss);
  for (const real g : x.grad().flat()) CHECK(g == 0);
}

TEST_CASE("cross_entropy and its gradient stay finite for huge logits, and NaN stays NaN") {
  Tensor x({1, 40});
  x[0] = 1000, x[1] = -1000;
  const std::vector<int> first{0}, second{1};
  CHECK(cross_entropy(Var(x), first).value()[0] == 0);
  CHECK(cross_entropy(Var(x), second).value()[0] == 2000);
  const Var p = Var::parameter(x);
  Tape tape;
  tape.backward(cross_entropy(p, second));
  CHECK((p.grad()[0] == 1 && p.grad()[1] == -1 && p.grad()[2] == 0));
  x[30] = NAN;
  CHECK(std::isnan(cross_entropy(Var(x), first).value()[0]));
}

TEST_CASE("token_losses returns each row's loss and most likely token, the first if tied") {
  Tensor x = normal({3, 11});
  x[2] = x[7] = 9;
  x[11 + 10] = 9;
  const std::vector<int> targets{4, -1, 0};
  const TokenLoss t = token_losses(x, targets);
  CHECK(t.argmax.at(0) == 2);
  CHECK(t.argmax.at(1) == 10);
  CHECK(t.loss.at(1) == 0);
  const double mean = cross_entropy(Var(x), targets).value()[0];
  CHECK((t.loss.at(0) + t.loss.at(2)) / 2 == Approx(mean).epsilon(4 * epsilon));
}

TEST_CASE("gather copies the requested rows, and zeros for negative indices") {
  const Tensor table = normal({4, 2, 3});
  const std::vector<int> which{3, 0, -1, 3};
  const Tensor y = gather(Var(table), which).value();
  CHECK(y.shape == Shape{4, 2, 3});
  CHECK(largest_error(y, [&](auto i) {
          const int row = which[i / 6];
          return row < 0 ? real(0) : table[row * 6 + i % 6];
        }) == 0);
}

TEST_CASE("slices along any axis concatenate to the original") {
  const Tensor x = normal({4, 5, 6});
  for (const int axis : {0, 1, 2, -1, -3}) {
    const int extent = x.dim(axis >= 0 ? axis : axis + 3);
    const Var a = slice(Var(x), axis, 0, 1), b = slice(Var(x), axis, 1, extent - 1);
    CHECK(same_bits(concat({a, b}, axis).value(), x));
  }
  const Tensor middle = slice(Var(x), 1, 2, 2).value();
  CHECK(middle.shape == Shape{4, 2, 6});
  CHECK(middle[1 * 12 + 1 * 6 + 5] == x[1 * 30 + 3 * 6 + 5]);
}

TEST_CASE("sum adds all elements and outer multiplies all pairs") {
  const Tensor x = normal({40000});
  double total = 0, size = 0;
  for (const real v : x.flat()) total += v, size += std::abs(v);
  // a sum in chunks and lanes rounds each term about a thousand times
  CHECK(std::abs(sum(Var(x)).value()[0] - total) < 1000 * epsilon * size);
  const Tensor a = normal({3}, "a"), b = normal({5}, "b"), y = outer(Var(a), Var(b)).value();
  CHECK(y.shape == Shape{3, 5});
  CHECK(largest_error(y, [&](auto i) { return a[i / 5] * b[i % 5]; }) == 0);
}

TEST_CASE("rotate turns pairs of columns by the token's angle and keeps the remaining columns") {
  for (const bool interleaved : {true, false})
    for (const int pairs : {1, 3, 16, 20}) {
      const int B = 2, T = 3, H = 2, d = 2 * pairs + 3;
      const Tensor x = normal({B, T, H, d}), cos = normal({T, pairs}, "c"),
                   sin = normal({T, pairs}, "s");
      const Tensor y = rotate(Var(x), {cos, sin, interleaved}).value();
      const auto wanted = [&](std::int64_t i) {
        const int column = int(i % d), t = int(i / d / H % T);
        if (column >= 2 * pairs) return double(x[i]);
        const int m = interleaved ? column / 2 : column % pairs;
        const bool second = interleaved ? column % 2 : column >= pairs;
        const int apart = interleaved ? 1 : pairs;
        const double c = cos[t * pairs + m], s = sin[t * pairs + m];
        return second ? x[i - apart] * s + x[i] * c : x[i] * c - x[i + apart] * s;
      };
      INFO(pairs << " pairs, interleaved " << interleaved);
      CHECK(largest_error(y, wanted) < 40 * epsilon);  // products below 20
      const Var c(cos.view({1, T, 1, pairs})), s(sin.view({1, T, 1, pairs}));
      CHECK(largest_error(rotate(Var(x), c, s, interleaved).value(), wanted) < 40 * epsilon);
    }
}
