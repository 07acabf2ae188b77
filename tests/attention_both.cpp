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

// Sums of some hundred products of numbers of size 1; gradients of tables add up more of them.
constexpr double tolerance = sizeof(real) == 8 ? 1e-12 : 1e-4;

void check(const Case& x) {
  INFO(x);
  std::string where;
  const double off = Operands(x).difference(where);
  INFO("worst at " << where);
  CHECK(off < tolerance);
}

// The last queries of 70 keys, under every mask and at positions of every kind.
void each_setting(unsigned terms) {
  for (const bool causal : {true, false})
    for (const bool padding : {false, true})
      for (const int window : {0, 20})
        for (const Places places :
             {Places::consecutive, Places::moved, Places::scattered, Places::per_sequence})
          if (causal || !(terms & cases::contextual))
            check({.terms = terms,
                   .Tq = 12,
                   .Tk = 70,
                   .dk = 3,
                   .dv = 2,
                   .causal = causal,
                   .padding = padding,
                   .window = window,
                   .first = 58,
                   .places = places});
}

}  // namespace

TEST_CASE("attention is the formula in four loops for each kind of term by itself") {
  using namespace cases;
  for (const unsigned terms :
       {0u, unsigned(row), unsigned(c), unsigned(A), unsigned(B), unsigned(V), unsigned(far),
        unsigned(strip), unsigned(own_strip), unsigned(contextual), unsigned(relative | one)})
    each_setting(terms);
}

TEST_CASE("attention is the formula in four loops for every subset of terms", "[slow]") {
  using namespace cases;
  constexpr unsigned all = row | relative | far | strip | contextual;
  for (unsigned terms = 0; terms <= all; ++terms) {
    const bool refused = terms & far && terms & contextual;
    if ((terms & all) != terms || refused) continue;
    // every second subset has tables shared by the heads
    each_setting(terms & relative && terms % 2 ? terms | one : terms);
  }
}

TEST_CASE("attention is the formula at every extent around the borders of tiles") {
  for (const int Tq : {1, 63, 64, 65, 130})
    for (const int Tk : {1, 63, 64, 65, 130})
      for (const bool causal : {true, false})
        check({.terms = cases::relative, .B = 1, .Tq = Tq, .Tk = Tk, .H = 1, .causal = causal});
  for (const int dk : {1, 8, 16, 17, 40})
    check({.terms = cases::relative | cases::row, .Tq = 20, .dk = dk, .dv = 50 - dk});
}

TEST_CASE("attention is the formula for every kind of term over several tiles") {
  using namespace cases;
  for (const Places places : {Places::consecutive, Places::scattered})
    for (const unsigned terms : {unsigned(far), unsigned(strip | own_strip), unsigned(contextual)})
      for (const int window : {0, 70})
        check({.terms = terms | row | relative,
               .B = 1,
               .Tq = 150,
               .Tk = 150,
               .H = 1,
               .window = window,
               .places = places});
  check({.terms = far | relative, .B = 1, .Tq = 150, .Tk = 150, .H = 1, .causal = false});
}

TEST_CASE("a query that sees no key gives zeros, and so does padding, with no NaN in gradients") {
  Operands x({.terms = cases::row | cases::relative | cases::contextual,
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
  using namespace cases;
  constexpr unsigned all = row | relative | strip | own_strip | contextual;
  const int before = threads();
  for (const Case& x :
       {Case{.terms = all, .B = 1, .Tq = 20, .Tk = 20, .H = 1},
        Case{.terms = all & ~(strip | own_strip), .B = 1, .Tq = 600, .Tk = 600, .H = 1},
        Case{.terms = all, .B = 3, .places = Places::per_sequence}}) {
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
  x.call.scores.contextual.push_back({Var::parameter(Tensor({4, 5}))});
  x.call.mask.causal = false;
  CHECK_THROWS_AS(x.compute(), UsageError);
}
