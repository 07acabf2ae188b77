#include "core/autodiff.h"

#include "core/ops/ops.h"
#include "tests/support/catch.h"
#include "tests/support/tensors.h"

using namespace yonder;
using Catch::Approx;

namespace {

Var parameter(Shape shape, std::string_view name = "x") {
  return Var::parameter(normal(std::move(shape), name));
}

// Bytes of the pool's block for n reals.
std::size_t block(std::int64_t n) {
  const std::size_t before = pool::live_bytes();
  const Tensor t = Tensor::uninitialized({int(n)});
  return pool::live_bytes() - before;
}

// Bytes that a forward pass keeps alive besides its result.
template <class F>
std::size_t saved_bytes(const F& forward) {
  const std::size_t before = pool::live_bytes();
  const Var y = forward();
  return pool::live_bytes() - before - block(y.size());
}

}  // namespace

TEST_CASE("a variable that is used twice gets the sum of both gradients") {
  const Var x = parameter({5});
  Tape tape;
  tape.backward(sum(x * x + real(3) * x));
  for (int i = 0; i < 5; ++i) CHECK(x.grad()[i] == Approx(2 * x.value()[i] + 3).epsilon(1e-14));
}

TEST_CASE("gradients accumulate over passes until they are cleared") {
  const Var x = parameter({2});
  for (int pass = 1; pass <= 3; ++pass) {
    Tape tape;
    tape.backward(sum(real(2) * x));
    CHECK(x.grad()[1] == 2 * pass);
  }
  x.gradient().clear();
  CHECK(x.grad()[1] == 0);
}

TEST_CASE("a view shares value and gradient with what it views") {
  const Var x = parameter({2, 3}), v = x.view({6});
  CHECK(v.value().data == x.value().data);
  Tape tape;
  tape.backward(sum(v * v) + sum(x.view({3, 2})));
  for (int i = 0; i < 6; ++i) CHECK(x.grad()[i] == Approx(2 * x.value()[i] + 1).epsilon(1e-14));
  CHECK(v.grad().data == x.grad().data);
}

TEST_CASE("a view that is kept across steps adds to the gradient of the current step") {
  const Var x = parameter({6}), kept = x.view({2, 3});
  for (int step = 1; step <= 3; ++step) {
    x.gradient().clear();
    CHECK_FALSE(kept.gradient().started());
    Tape tape;
    tape.backward(sum(kept));
    REQUIRE(x.gradient().started());
    for (real g : x.grad().flat()) CHECK(g == 1);
  }
}

TEST_CASE("a view of a result propagates its gradient to the result's inputs") {
  const Var x = parameter({2, 3});
  Tape tape;
  const Var y = real(2) * x;
  tape.backward(sum(y.view({6}) * y.view({6})));
  for (int i = 0; i < 6; ++i) CHECK(x.grad()[i] == Approx(8 * x.value()[i]).epsilon(1e-14));
}

TEST_CASE("an operation that does not lead to the loss gets no gradient and no backward call") {
  const Var x = parameter({3}), unused = parameter({3});
  bool ran = false;
  Tape tape;
  const Var aside = Tape::record(normal({3}), {unused}, [&ran](const Tensor&) { ran = true; });
  tape.backward(sum(x));
  CHECK_FALSE(ran);
  CHECK_FALSE(unused.gradient().started());
  CHECK(aside.tracked());
}

TEST_CASE("constants are not tracked, and neither is what is computed from them alone") {
  const Var x(normal({3})), p = parameter({3});
  Tape tape;
  CHECK_FALSE((x + x).tracked());
  CHECK((x + p).tracked());
  tape.backward(sum(x * p));
  CHECK_FALSE(x.tracked());
  CHECK(p.grad()[2] == x.value()[2]);
  tape.backward(sum(x));  // constants only: does nothing
}

TEST_CASE("without a tape in scope, nothing is recorded or saved") {
  const Var x = parameter({30, 40}), w = parameter({40, 40}, "w"), b = parameter({40}, "b");
  const std::vector<int> targets(30, 1);
  const auto forward = [&] {
    return cross_entropy(gelu(linear(layer_norm(x, b, b), w, b)) + x, targets);
  };
  CHECK(saved_bytes(forward) == 0);
  CHECK_FALSE(forward().tracked());
  Tape tape;
  CHECK(saved_bytes(forward) > 0);
}

TEST_CASE("activations are freed during the backward pass") {
  const Var x = parameter({64, 64});
  const std::size_t before = pool::live_bytes();
  Tape tape;
  tape.backward(sum(tanh(tanh(tanh(x)))));
  CHECK(pool::live_bytes() - before == block(64 * 64));  // x's gradient
}

TEST_CASE("an operation is recorded on the innermost tape") {
  const Var x = parameter({2});
  Tape outer;
  const Var y = real(2) * x;
  {
    Tape inner;
    const Var z = real(3) * y;
    inner.backward(sum(z));
    CHECK(y.grad()[0] == 3);
    CHECK_FALSE(x.gradient().started());
  }
  outer.backward(sum(y));
  CHECK(x.grad()[0] == 2 * (3 + 1));
}
