#include "core/ops/ops.h"

#include "tests/support/catch.h"
#include "tests/support/gradcheck.h"
#include "tests/support/tensors.h"

using namespace yonder;
using Catch::Approx;

namespace {

// A scalar to which every element of y contributes with its own weight.
Var weighed(const Var& y) { return sum(y * Var(normal(y.shape(), "weights"))); }

// An operation on inputs a, b, c of the given shapes.
struct Case {
  std::string name;
  std::vector<Shape> shapes;
  std::function<Var(const std::vector<Var>&)> f;
};
using Vars = std::vector<Var>;

const std::vector<int> targets{3, -1, 0, 6, 6, 1}, tokens{2, 0, -1, 2, 4};

const std::vector<Case> cases{
    {"a + b", {{3, 4}, {3, 4}}, [](const Vars& x) { return x[0] + x[1]; }},
    {"a + b, b broadcast", {{5, 3, 4}, {4}}, [](const Vars& x) { return x[0] + x[1]; }},
    {"a − b", {{3, 4}, {3, 4}}, [](const Vars& x) { return x[0] - x[1]; }},
    {"a − b, b broadcast", {{5, 3, 4}, {3, 4}}, [](const Vars& x) { return x[0] - x[1]; }},
    {"a b", {{3, 4}, {3, 4}}, [](const Vars& x) { return x[0] * x[1]; }},
    {"a b, b broadcast", {{5, 3, 19}, {19}}, [](const Vars& x) { return x[0] * x[1]; }},
    {"2 a", {{3, 11}}, [](const Vars& x) { return real(2) * x[0]; }},
    {"tanh", {{3, 11}}, [](const Vars& x) { return tanh(x[0]); }},
    {"sigmoid", {{3, 11}}, [](const Vars& x) { return sigmoid(x[0]); }},
    {"relu", {{3, 11}}, [](const Vars& x) { return relu(x[0]); }},
    {"exp", {{3, 11}}, [](const Vars& x) { return exp(x[0]); }},
    {"log1p", {{3, 11}}, [](const Vars& x) { return log1p(exp(x[0])); }},
    {"softplus", {{3, 11}}, [](const Vars& x) { return softplus(x[0]); }},
    {"gelu", {{3, 11}}, [](const Vars& x) { return gelu(x[0]); }},
    {"relu2", {{3, 11}}, [](const Vars& x) { return relu2(x[0]); }},
    {"silu_gate", {{3, 11}, {3, 11}}, [](const Vars& x) { return silu_gate(x[0], x[1]); }},
    {"silu_gate of one with itself",
     {{3, 11}},
     [](const Vars& x) { return silu_gate(x[0], x[0]); }},
    {"linear", {{2, 3, 5}, {4, 5}}, [](const Vars& x) { return linear(x[0], x[1]); }},
    {"linear with bias",
     {{2, 3, 5}, {4, 5}, {4}},
     [](const Vars& x) { return linear(x[0], x[1], x[2]); }},
    {"mlp", {{2, 3, 5}, {7, 5}, {4, 7}}, [](const Vars& x) { return mlp(x[0], x[1], x[2]); }},
    {"mlp with padded rows",
     {{3, 2}, {256, 2}, {2, 256}},
     [](const Vars& x) { return mlp(x[0], x[1], x[2]); }},
    {"mlp of more rows than are taken at a time",
     {{259, 2}, {3, 2}, {2, 3}},
     [](const Vars& x) { return mlp(x[0], x[1], x[2]); }},
    {"layer_norm",
     {{4, 3, 21}, {21}, {21}},
     [](const Vars& x) { return layer_norm(x[0], x[1], x[2]); }},
    {"rms_norm", {{4, 3, 21}, {21}}, [](const Vars& x) { return rms_norm(x[0], x[1]); }},
    {"cross_entropy", {{2, 3, 9}}, [](const Vars& x) { return cross_entropy(x[0], targets); }},
    {"reshape",
     {{3, 4}},
     [](const Vars& x) {
       return reshape(x[0], {2, 6});
     }},
    {"rows", {{5, 2, 3}}, [](const Vars& x) { return gather(x[0], tokens); }},
    {"repeat_heads", {{2, 3, 2, 5}}, [](const Vars& x) { return repeat_heads(x[0], 6); }},
    {"repeat_heads, used twice",
     {{2, 3, 1, 5}},
     [](const Vars& x) { return repeat_heads(x[0], 2) * repeat_heads(x[0], 2); }},
    {"concat, first axis", {{2, 3}, {1, 3}}, [](const Vars& x) { return concat(x, 0); }},
    {"concat, middle axis",
     {{2, 1, 3}, {2, 4, 3}, {2, 2, 3}},
     [](const Vars& x) { return concat(x, 1); }},
    {"concat, last axis", {{2, 3}, {2, 5}}, [](const Vars& x) { return concat(x, -1); }},
    {"slice, first axis", {{5, 3}}, [](const Vars& x) { return slice(x[0], 0, 1, 3); }},
    {"slice, middle axis", {{2, 5, 3}}, [](const Vars& x) { return slice(x[0], 1, 2, 2); }},
    {"slice, last axis", {{2, 3, 5}}, [](const Vars& x) { return slice(x[0], -1, 4, 1); }},
    {"an input used twice", {{4, 4}}, [](const Vars& x) { return linear(x[0], x[0]) * x[0]; }},
    {"views",
     {{3, 4}, {2, 6}},
     [](const Vars& x) {
       return tanh(x[0].view({12}) * x[1].view({12})).view({6, 2});
     }},
    {"a result used twice",
     {{3, 4}},
     [](const Vars& x) {
       const Var y = exp(x[0]);
       return concat({y * y, y.view({12}).view({3, 4})}, 0);
     }},
    {"sum", {{3, 7}}, [](const Vars& x) { return sum(x[0]); }},
    {"outer", {{3}, {5}}, [](const Vars& x) { return outer(x[0], x[1]); }},
    {"rotate, interleaved",
     {{2, 3, 2, 7}},
     [](const Vars& x) {
       return rotate(x[0], {normal({3, 3}, "cos"), normal({3, 3}, "sin"), true});
     }},
    {"rotate in halves, angles of each sequence",
     {{2, 3, 2, 6}},
     [](const Vars& x) {
       return rotate(x[0], {normal({6, 3}, "cos"), normal({6, 3}, "sin"), false});
     }},
    {"rotate by given factors, of every token and head",
     {{2, 3, 2, 7}, {2, 3, 2, 3}, {2, 3, 2, 3}},
     [](const Vars& x) { return rotate(x[0], x[1], x[2], true); }},
    {"rotate by given factors that sequences share",
     {{2, 3, 2, 7}, {1, 3, 2, 2}, {1, 3, 2, 2}},
     [](const Vars& x) { return rotate(x[0], x[1], x[2], false); }},
    {"rotate by given factors that heads share",
     {{2, 3, 2, 4}, {2, 3, 1, 2}, {2, 3, 1, 2}},
     [](const Vars& x) { return rotate(x[0], x[1], x[2], true); }},
    {"l2_normalized", {{4, 3, 21}}, [](const Vars& x) { return l2_normalized(x[0]); }},
    {"rms_normalized", {{4, 3, 21}}, [](const Vars& x) { return rms_normalized(x[0]); }},
};

}  // namespace

namespace {

std::vector<Parameters::Named> inputs(const Case& c) {
  std::vector<Parameters::Named> named;
  for (const Shape& shape : c.shapes) {
    const std::string name(1, char('a' + named.size()));
    named.push_back({name, Var::parameter(normal(shape, name))});
  }
  return named;
}

Var run(const Case& c, const std::vector<Parameters::Named>& named) {
  Vars x;
  for (const auto& [name, var] : named) x.push_back(var);
  return weighed(c.f(x));
}

}  // namespace

TEST_CASE("the gradient of every operation matches finite differences") {
  for (const Case& c : cases) {
    const auto named = inputs(c);
    const Worst worst = check_gradients([&] { return run(c, named); }, named);
    INFO(c.name << ", " << worst.where);
    CHECK(worst.error < 1e-6);
  }
}

TEST_CASE("an input that is not tracked gets no gradient and does not change the others'") {
  for (const Case& c : cases)
    for (std::size_t constant = 0; constant < c.shapes.size(); ++constant) {
      const auto all = inputs(c);
      auto some = inputs(c);
      some[constant].var = Var(some[constant].var.value());
      Tape tape;
      tape.backward(run(c, all));
      tape.backward(run(c, some));
      INFO(c.name << ", constant " << some[constant].name);
      for (std::size_t i = 0; i < all.size(); ++i) {
        if (i == constant) CHECK_FALSE(some[i].var.tracked());
        else CHECK(same_bits(some[i].var.grad(), all[i].var.grad()));
      }
    }
}

TEST_CASE("the gradient checker detects wrong gradients and NaN") {
  const auto wrong = [](const Var& x, real slope) {
    Tensor y({1});
    for (const real v : x.value().flat()) y[0] += v * v;
    return Tape::record(y, {x}, [x, slope](const Tensor& dy) {
      for (std::int64_t i = 0; i < x.size(); ++i) x.grad()[i] += slope * x.value()[i] * dy[0];
    });
  };
  const Var x = Var::parameter(normal({100}));
  const auto error = [&](real slope) {
    return check_gradients([&] { return wrong(x, slope); }, {{"x", x}}).error;
  };
  CHECK(error(2) < 1e-9);
  CHECK(error(real(2.00001)) == Approx(5e-6).epsilon(0.01));
  CHECK(error(NAN) == std::numeric_limits<double>::infinity());
  CHECK(check_gradients([&] { return wrong(x, 3); }, {{"x", x}}).where.substr(0, 2) == "x[");
}
