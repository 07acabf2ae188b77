#include "core/ops/ops.h"
#include "tests/support/catch.h"
#include "tests/support/tensors.h"

using namespace yonder;

namespace {

// Result and all gradients of an operation on inputs of these shapes.
std::vector<Tensor> pass(const std::vector<Shape>& shapes,
                         const std::function<Var(const std::vector<Var>&)>& f) {
  std::vector<Var> x;
  for (const Shape& s : shapes)
    x.push_back(Var::parameter(normal(s, std::string(1, char('a' + x.size())))));
  Tape tape;
  const Var y = f(x);
  tape.backward(y.size() == 1 ? y : sum(y * Var(normal(y.shape(), "weights"))));
  std::vector<Tensor> all{y.value()};
  for (const Var& v : x) all.push_back(v.grad());
  return all;
}

}  // namespace

TEST_CASE("operations are bit-identical for any number of threads") {
  using Vars = std::vector<Var>;
  for (const int n : {3, 2000}) {  // a single chunk of work, and many
    INFO(n << " rows");
    std::vector<int> targets(n), tokens(n);
    for (int i = 0; i < n; ++i) targets[i] = i % 50 - 1, tokens[i] = i * 7 % 30 - 1;
    const auto check = [](const std::vector<Shape>& shapes,
                          const std::function<Var(const Vars&)>& f) {
      return differing([&] { return pass(shapes, f); });
    };
    CHECK(check({{n, 70}, {70}, {70}},
                [](const Vars& x) { return layer_norm(x[0], x[1], x[2]); }) == "");
    CHECK(check({{n, 70}, {70}}, [](const Vars& x) { return rms_norm(x[0], x[1]); }) == "");
    CHECK(check({{n, 70}, {n, 70}}, [](const Vars& x) { return silu_gate(x[0], x[1]); }) == "");
    CHECK(check({{n, 70}}, [](const Vars& x) { return relu2(x[0]); }) == "");
    CHECK(check({{2, n, 2, 10}}, [](const Vars& x) { return repeat_heads(x[0], 6); }) == "");
    CHECK(check({{n, 50}}, [&](const Vars& x) { return cross_entropy(x[0], targets); }) == "");
    CHECK(check({{n, 70}, {70}}, [](const Vars& x) { return x[0] + x[1]; }) == "");
    CHECK(check({{n, 70}, {70}}, [](const Vars& x) { return x[0] - x[1]; }) == "");
    CHECK(check({{n, 70}, {70}}, [](const Vars& x) { return x[0] * x[1]; }) == "");
    CHECK(check({{n, 4}, {4}}, [](const Vars& x) { return x[0] * x[1]; }) == "");
    CHECK(check({{2, n, 70}, {n, 70}}, [](const Vars& x) { return x[0] * x[1]; }) == "");
    CHECK(check({{n, 70}, {30, 70}, {30}},
                [](const Vars& x) { return linear(x[0], x[1], x[2]); }) == "");
    CHECK(check({{n, 30}, {70, 30}, {20, 70}},
                [](const Vars& x) { return mlp(x[0], x[1], x[2]); }) == "");
    CHECK(check({{30, 70}}, [&](const Vars& x) { return gather(x[0], tokens); }) == "");
    CHECK(check({{n, 70}}, [](const Vars& x) { return sum(x[0]); }) == "");
    CHECK(check({{n, 70}}, [](const Vars& x) { return gelu(x[0]); }) == "");
    CHECK(check({{n}, {30}}, [](const Vars& x) { return outer(x[0], x[1]); }) == "");
    CHECK(check({{2, n, 2, 10}}, [n](const Vars& x) {
            return rotate(x[0], {normal({n, 5}, "cos"), normal({n, 5}, "sin"), true});
          }) == "");
  }
}
