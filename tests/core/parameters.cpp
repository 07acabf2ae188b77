#include "core/parameters.h"

#include <stdexcept>

#include "tests/support/catch.h"
#include "tests/support/tensors.h"

using namespace yonder;

TEST_CASE("a parameter's initial value depends on the seed and its name, not on earlier ones") {
  Parameters one(5), two(5), other(6);
  one.make("first", {7}, Init::std(1));
  const Var a = one.make("w", {3, 4}, Init::std(2)), b = two.make("w", {3, 4}, Init::std(2));
  CHECK(same_bits(a.value(), b.value()));
  CHECK_FALSE(same_bits(a.value(), other.make("w", {3, 4}, Init::std(2)).value()));
  CHECK_FALSE(same_bits(a.value(), two.make("v", {3, 4}, Init::std(2)).value()));
  CHECK(a.value()[5] == real(2 * Random(5, "w").normal(5)));
}

TEST_CASE("a parameter is initialized as its Init says") {
  Parameters p(5);
  const Var zeros = p.make("zeros", {4}, Init::zeros());
  for (const real x : zeros.value().flat()) CHECK(x == 0);
  const Var value = p.make("value", {4}, Init::value(1.5));
  for (const real x : value.value().flat()) CHECK(x == 1.5);
  double least = 9, most = -9;
  const Var between = p.make("between", {1000}, Init::between(2, 3));
  for (const real x : between.value().flat())
    least = std::min(least, double(x)), most = std::max(most, double(x));
  CHECK((least >= 2 && least < 2.02));  // fails by chance with probability 0.98^1000 = 2e-9
  CHECK((most < 3 && most > 2.98));
  CHECK(same_bits(p.make("given", normal({3})).value(), normal({3})));
}

TEST_CASE("parameters are found by their names, which are unique") {
  Parameters p(5);
  p.make("a", {2, 3}, Init::zeros());
  const Var b = p.make("b", normal({4}));
  CHECK(p.find("b").value().data == b.value().data);
  CHECK_FALSE(p.find("c"));
  CHECK(p.count() == 10);
  CHECK(p.all().at(0).name == "a");
  CHECK_THROWS_AS(p.make("a", {1}, Init::zeros()), std::logic_error);
  CHECK_THROWS_AS(p.make("b", normal({4})), std::logic_error);
  CHECK(p.all().size() == 2);
}

TEST_CASE("every parameter accumulates a gradient, and clear_gradients clears them all") {
  Parameters p(5);
  const Var a = p.make("a", {2}, Init::zeros());
  a.grad()[1] = 3;
  CHECK(p.find("a").grad()[1] == 3);
  p.clear_gradients();
  CHECK_FALSE(a.gradient().started());
  CHECK(a.grad()[1] == 0);
}
