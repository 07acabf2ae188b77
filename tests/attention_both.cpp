#include "core/attention.h"

#include <catch2/catch.hpp>
#include <limits>

#include "core/error.h"
#include "core/parallel.h"

#include "tests/attention_cases.h"

using namespace yonder;
using cases::Case;
using cases::Operands;
using cases::Places;

namespace {

// Sums of some hundred products of numbers of size 1.
constexpr double tolerance = sizeof(real) == 8 ? 1e-12 : 2e-5;

void check(const Case& x) {
  INFO(x);
  std::string where;
  const double off = Operands(x).difference(where);
  INFO("worst at " << where);
  CHECK(off < tolerance);
}

}  // namespace

TEST_CASE("attention is the formula in four loops, forward and backward, whatever its terms are") {
  for (unsigned terms = 0; terms < 4; ++terms)
    for (const bool causal : {true, false})
      for (const bool padding : {false, true})
        for (const int window : {0, 20})
          for (const Places places :
               {Places::consecutive, Places::moved, Places::scattered, Places::per_sequence}) {
            const Case x{.terms = terms,
                         .H = 1,
                         .causal = causal,
                         .padding = padding,
                         .window = window,
                         .places = places};
            check(x);
            Case decode = x;  // queries that continue a sequence
            decode.first = 50, decode.Tq = 20;
            check(decode);
          }
}

TEST_CASE("attention is the formula at every extent around the borders of tiles") {
  for (const int Tq : {1, 63, 64, 65, 130})
    for (const int Tk : {1, 63, 64, 65, 130})
      for (const bool causal : {true, false})
        check({.terms = 3, .B = 1, .Tq = Tq, .Tk = Tk, .causal = causal});
  for (const int dk : {1, 8, 16, 17, 40}) check({.terms = 3, .dk = dk, .dv = 50 - dk});
}

TEST_CASE("a query that sees no key gives zeros, and so does padding, with no NaN in gradients") {
  Operands x({.terms = cases::row | cases::c,
              .Tq = 40,
              .Tk = 70,
              .padding = true,
              .window = 5,
              .first = 100});
  const auto [z, operands] = x.compute();
  for (const real value : z.flat()) REQUIRE(value == 0);
  for (const auto& [name, operand] : operands)
    if (operand)
      for (const real g : operand.grad().flat()) REQUIRE(g == 0);
}

TEST_CASE("attention shows that its operands are no longer numbers") {
  Operands x({.B = 1, .Tq = 3, .Tk = 3, .H = 1});
  x.call.dots.k.value()[5] = std::numeric_limits<real>::quiet_NaN();  // key 1
  const Tensor z = x.compute().z;
  CHECK(z[0] == z[0]);  // query 0 doesn't see it
  CHECK(z[3] != z[3]);
  CHECK(z[6] != z[6]);
}

TEST_CASE("attention gives the same bits with any number of threads") {
  const int before = threads();
  for (const Case& x : {Case{.terms = 3, .B = 1, .Tq = 20, .Tk = 20},
                        Case{.terms = 3, .B = 1, .Tq = 1100, .Tk = 1100, .H = 1},
                        Case{.terms = 3, .B = 3, .places = Places::per_sequence}}) {
    INFO(x);
    Operands operands(x);
    std::vector<std::vector<real>> once;
    for (const int n : {1, 2, 3, 4, 8}) {
      set_threads(n);
      auto [z, inputs] = operands.compute();
      std::vector<std::vector<real>> now{{z.flat().begin(), z.flat().end()}};
      for (const auto& [name, input] : inputs)
        if (input) now.emplace_back(input.grad().flat().begin(), input.grad().flat().end());
      if (once.empty()) once = now;
      CHECK(once == now);
    }
  }
  set_threads(before);
}

TEST_CASE("attention needs memory linear in the length, in training too") {
  std::size_t peak[2];
  for (const int doubled : {0, 1}) {
    const int T = 4096 << doubled;
    const Tensor x({1, T, 1, 4});
    const Var q = Var::parameter(x), c = Var::parameter(Tensor(Shape{T, 1}));
    const Positions places{.tokens = T};
    const Scores scores{
        .relative = {{.bucket = Buckets(T, 0, T - 1, [](int d) { return d; }), .c = c}}};
    q.grad(), c.grad();
    pool::reset_peak();
    const std::size_t live = pool::live_bytes();
    Tape tape;
    const Var z = attention({.q = q, .k = q}, q, scores, {}, places, places);
    tape.backward(z.view({T * 4}));  // seeds the first number only, which is enough to run
    peak[doubled] = pool::peak_bytes() - live;
  }
  CHECK(double(peak[1]) < 2.1 * double(peak[0]));
}

TEST_CASE("what attention can't compute is refused and not left out") {
  Operands x({.Tq = 3, .Tk = 3});
  x.call.scores.contextual.push_back({Var(Tensor({4, 5}))});
  CHECK_THROWS_AS(x.compute(), UsageError);
}
