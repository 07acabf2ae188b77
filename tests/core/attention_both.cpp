#include "core/attention.h"

#include <cmath>
#include <limits>

#include "core/error.h"
#include "core/parallel.h"

#include "tests/support/attention_cases.h"
#include "tests/support/catch.h"

using namespace yonder;
using cases::Case;
using cases::Operands;
using cases::Places;
using Catch::Approx;
using Catch::Matchers::ContainsSubstring;

namespace {

// Sums of about a hundred products of values of order 1; gradients of tables sum more of them.
constexpr double tolerance = sizeof(real) == 8 ? 1e-12 : 1e-4;

void check(const Case& x) {
  INFO(x);
  std::string where;
  const double off = Operands(x).difference(where);
  INFO("worst at " << where);
  CHECK(off < tolerance);
}

constexpr unsigned only_causal = cases::contextual | cases::gates | cases::stick_breaking |
                                 cases::remainder_to_own | cases::chunks | cases::decay |
                                 cases::path;

// The last queries of 70 keys, under every mask and at positions of every kind.
void each_setting(unsigned terms) {
  for (const bool causal : {true, false})
    for (const bool padding : {false, true})
      for (const int window : {0, 20})
        for (const Places places :
             {Places::consecutive, Places::moved, Places::scattered, Places::per_sequence})
          if (causal || !(terms & only_causal))
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

TEST_CASE("attention matches the formula in four loops for each kind of term") {
  using namespace cases;
  for (const unsigned terms : {0u,
                               unsigned(row),
                               unsigned(c),
                               unsigned(A),
                               unsigned(B),
                               unsigned(V),
                               unsigned(far),
                               unsigned(strip),
                               unsigned(own_strip),
                               unsigned(contextual),
                               unsigned(relative | one),
                               unsigned(gates),
                               unsigned(gates | row | relative | strip | contextual),
                               unsigned(gates | far | own_strip),
                               unsigned(f),
                               unsigned(f | row | far | relative | strip),
                               unsigned(sink),
                               unsigned(sink | relative | gates | own_strip),
                               unsigned(stick_breaking),
                               unsigned(remainder_to_own),
                               unsigned(entmax),
                               unsigned(entmax | relative | row | own_strip),
                               unsigned(entmax | gates | far | f),
                               unsigned(entmax | contextual),
                               unsigned(decay),
                               unsigned(decay | row | V | c | gates | f | strip),
                               unsigned(path),
                               unsigned(path | row | V | c | gates | f | strip),
                               unsigned(path | entmax),
                               unsigned(stick_breaking | row | relative | far | strip | gates | f),
                               unsigned(remainder_to_own | row | relative | own_strip),
                               unsigned(chunks),
                               unsigned(chunks | row | relative | strip | gates | f),
                               unsigned(chunks | stick_breaking)})
    each_setting(terms);
}

TEST_CASE("attention matches the formula in four loops for every subset of terms", "[slow]") {
  using namespace cases;
  constexpr unsigned all = row | relative | far | strip | contextual;
  for (unsigned terms = 0; terms <= all; ++terms) {
    const bool refused = terms & far && terms & contextual;
    if ((terms & all) != terms || refused) continue;
    // every second subset has tables shared by the heads
    each_setting(terms & relative && terms % 2 ? terms | one : terms);
  }
}

TEST_CASE("attention matches the formula for sizes around tile boundaries") {
  for (const int Tq : {1, 63, 64, 65, 130})
    for (const int Tk : {1, 63, 64, 65, 130})
      for (const bool causal : {true, false})
        check({.terms = cases::relative, .B = 1, .Tq = Tq, .Tk = Tk, .H = 1, .causal = causal});
  for (const int dk : {1, 8, 16, 17, 40})
    check({.terms = cases::relative | cases::row, .Tq = 20, .dk = dk, .dv = 50 - dk});
}

TEST_CASE("attention matches the formula for every kind of term over several tiles") {
  using namespace cases;
  for (const Places places : {Places::consecutive, Places::scattered})
    for (const unsigned terms :
         {unsigned(far), unsigned(strip | own_strip), unsigned(contextual), unsigned(gates),
          unsigned(f | far), unsigned(sink | gates), unsigned(stick_breaking),
          unsigned(remainder_to_own | f), unsigned(chunks), unsigned(chunks | gates | f),
          unsigned(entmax), unsigned(entmax | contextual)})
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

TEST_CASE("attention matches the formula if far distances, or all, share a row") {
  using namespace cases;
  for (const unsigned terms :
       {clipped | relative | row, clipped | V | flat, clipped | A | one, clipped | B | c | gates,
        clipped | relative | f, clipped | far | relative, clipped | stick_breaking | relative,
        flat | row | sink, flat | one | contextual})
    for (const bool causal : {true, false})
      for (const Places places : {Places::moved, Places::scattered})
        for (const int first : {0, 130}) {
          const bool left = terms & (gates | stick_breaking | contextual);
          if (left && !causal) continue;
          check({.terms = terms,
                 .Tq = 200 - first,
                 .Tk = 200,
                 .causal = causal,
                 .padding = first == 0,
                 .window = causal ? 150 : 0,
                 .first = first,
                 .places = places});
        }
}

TEST_CASE("attention matches the formula for masks with sinks and per-head windows") {
  using namespace cases;
  for (const unsigned terms :
       {0u, relative | row, far | f | strip, gates | sink, stick_breaking | own_strip,
        remainder_to_own | c, unsigned(contextual), chunks | row | c})
    for (const bool causal : {true, false})
      for (const Places places : {Places::consecutive, Places::scattered})
        for (const int sinks : {0, 3, 70})
          for (const bool heads : {false, true})
            if (causal || !(terms & only_causal))
              check({.terms = terms,
                     .B = 2,
                     .Tq = 200,
                     .Tk = 230,
                     .H = 3,
                     .causal = causal,
                     .padding = places == Places::scattered,
                     .window = sinks ? 40 : 0,
                     .first = 30,
                     .sinks = sinks,
                     .of_heads = heads ? std::vector<int>{0, 1, 90} : std::vector<int>{},
                     .sides = heads && !causal ? std::vector<int>{1, 0, -1} : std::vector<int>{},
                     .places = places});
}

TEST_CASE("stick-breaking weights are those of the paper") {
  // Of the keys before the query, the nearest takes σ(2) of the stick, the next σ(-1) of the rest.
  const double scores[] = {0.5, -1, 2, 7};
  Tensor q({1, 4, 1, 1}), k({1, 4, 1, 1}), v({1, 4, 1, 4});
  for (int t = 0; t < 4; ++t) q[t] = 1, k[t] = real(scores[t]), v[t * 4 + t] = 1;
  const Positions places{.tokens = 4};
  const double expected[] = {0.054244, 0.032059, 0.880797}, rest = 0.032901;
  for (const Weights weights :
       {Weights::stick_breaking, Weights::stick_breaking_remainder_to_own}) {
    const Tensor z =
        attention({.q = Var(q), .k = Var(k)}, Var(v), {.weights = weights}, {}, places, places)
            .value();
    for (int j = 0; j < 3; ++j) CHECK(z[12 + j] == Approx(expected[j]).margin(5e-7));
    const bool own = weights == Weights::stick_breaking_remainder_to_own;
    CHECK(z[15] == Approx(own ? rest : 0).margin(5e-7));
    CHECK(z[0] == (own ? 1 : 0));  // the first token has no key before it
  }
}

TEST_CASE("a query that sees no key outputs zeros, and so does padding, with no NaN in gradients") {
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

TEST_CASE("attention propagates NaN operands") {
  Operands x({.B = 1, .Tq = 3, .Tk = 3, .H = 1});
  x.call.dots.k.value()[5] = std::numeric_limits<real>::quiet_NaN();  // key 1
  const Tensor z = x.compute().z;
  CHECK(z[0] == z[0]);  // query 0 doesn't see it
  CHECK(z[3] != z[3]);
  CHECK(z[6] != z[6]);
}

TEST_CASE("attention is bit-identical for any number of threads") {
  using namespace cases;
  constexpr unsigned all = row | relative | strip | own_strip | contextual | gates;
  const int before = threads();
  for (const Case& x :
       {Case{.terms = all, .B = 1, .Tq = 20, .Tk = 20, .H = 1},
        Case{.terms = all & ~(strip | own_strip), .B = 1, .Tq = 600, .Tk = 600, .H = 1},
        Case{.terms = all, .B = 3, .places = Places::per_sequence},
        Case{.terms = relative | gates | f | sink,
        .B = 1,
        .Tq = 300,
        .Tk = 300,
        .window = 50,
        .sinks = 4},
        Case{.terms = relative | chunks | gates, .B = 1, .Tq = 300, .Tk = 300, .H = 1},
        Case{
            .terms = relative | gates | f | remainder_to_own, .B = 1, .Tq = 300, .Tk = 300, .H = 1},
        Case{.terms = decay | gates | row | entmax, .B = 1, .Tq = 300, .Tk = 300, .H = 1},
        Case{.terms = path | gates | row, .B = 1, .Tq = 300, .Tk = 300, .H = 1, .window = 100}}) {
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

namespace {

// Peak memory in bytes of a forward and a backward pass over T tokens, with the given terms.
double peak_of(int T, unsigned terms) {
  const Tensor x({1, T, 1, 4});
  const Var q = Var::parameter(x), c = Var::parameter(Tensor(Shape{T, 1}));
  const Var gates = Var::parameter(Tensor({1, T, 1}));
  const Positions places{.tokens = T};
  ScoreTerms scores{
      .relative = {{.bucket = Buckets(T, 0, T - 1, [](int d) { return d; }), .c = c}}};
  if (terms & cases::gates) scores.log_gate = gates;
  Dots dots{.q = q, .k = q};
  if (terms & cases::chunks) dots.previous_q = dots.older_q = q, dots.chunk = 100;
  if (terms & cases::f) scores.relative[0].f = Tensor({T});
  if (terms & cases::stick_breaking) scores.weights = Weights::stick_breaking;
  q.grad(), c.grad(), gates.grad();
  pool::reset_peak();
  const std::size_t live = pool::live_bytes();
  Tape tape;
  const Var z = attention(dots, q, scores, {}, places, places);
  tape.backward(z.view({T * 4}));  // seeds the first element only, which is enough to run it
  return double(pool::peak_bytes() - live);
}

}  // namespace

TEST_CASE("a table that lacks a row for a visible distance is refused, at any positions") {
  const Var x(Tensor({1, 4, 1, 4}));
  const std::vector<int> at{0, 1, 2, 5};
  const Positions in_a_row{.tokens = 4}, scattered{.at = at, .tokens = 4, .consecutive = false};
  const auto with_rows = [&](int rows, const Positions& places, int window) {
    const ScoreTerms scores{
        .relative = {{.bucket = Buckets(rows, 0, rows - 1, [](int d) { return d; }),
                      .c = Var(Tensor({rows, 1}))}}};
    return attention({.q = x, .k = x}, x, scores, {.window = window}, places, places);
  };
  CHECK_NOTHROW(with_rows(4, in_a_row, 0));
  CHECK_THROWS_WITH(with_rows(3, in_a_row, 0), ContainsSubstring("distances 0 to 2"));
  CHECK_NOTHROW(with_rows(6, scattered, 0));
  CHECK_THROWS_WITH(with_rows(5, scattered, 0), ContainsSubstring("the sequence has 0 to 5"));
  CHECK_NOTHROW(with_rows(4, scattered, 2));  // from 5 only 2 and itself are seen
  CHECK_THROWS_WITH(with_rows(3, scattered, 2), ContainsSubstring("the sequence has 0 to 3"));
}

TEST_CASE("attention's memory is linear in the length, in training too") {
  for (const unsigned terms :
       {0u, cases::gates | cases::f, cases::stick_breaking | cases::f, unsigned(cases::chunks)})
    CHECK(peak_of(8192, terms) < 2.1 * peak_of(4096, terms));
}

TEST_CASE("attention refuses combinations that it cannot compute instead of ignoring them") {
  Operands x({.Tq = 3, .Tk = 3});
  x.call.scores.contextual.push_back({Var::parameter(Tensor({4, 5}))});
  x.call.mask.causal = false;
  CHECK_THROWS_AS(x.compute(), UsageError);

  Operands gated({.terms = cases::gates, .Tq = 3, .Tk = 3});
  gated.call.mask.causal = false;
  CHECK_THROWS_AS(gated.compute(), UsageError);

  Operands chunked({.terms = cases::chunks, .Tq = 3, .Tk = 3});
  chunked.call.mask.causal = false;
  CHECK_THROWS_AS(chunked.compute(), UsageError);

  for (const unsigned terms :
       {cases::stick_breaking | cases::sink, cases::stick_breaking | cases::contextual,
        cases::f | cases::contextual, cases::chunks | cases::contextual,
        cases::entmax | cases::sink, cases::decay | cases::path, cases::decay | cases::far,
        cases::decay | cases::chunks, cases::path | cases::A, cases::decay | cases::contextual,
        cases::path | cases::stick_breaking}) {
    Operands together({.terms = terms, .Tq = 3, .Tk = 3});
    CHECK_THROWS_AS(together.compute(), UsageError);
  }
  Operands stick_breaking({.terms = cases::stick_breaking, .Tq = 3, .Tk = 3});
  stick_breaking.call.mask.causal = false;
  CHECK_THROWS_AS(stick_breaking.compute(), UsageError);
  for (const unsigned terms : {unsigned(cases::decay), unsigned(cases::path)}) {
    Operands through({.terms = terms, .Tq = 3, .Tk = 3});
    through.call.mask.causal = false;
    CHECK_THROWS_AS(through.compute(), UsageError);
  }
}

TEST_CASE("long sums of forget gates still distinguish neighbouring keys") {
  const int T = 20000;
  const Tensor zero({1, T, 1, 1}), at({1, T, 1, 1});
  for (int t = 0; t < T; ++t) at[t] = real(t - (T - 1));
  const Var log_gate(Tensor({1, T, 1}));
  for (real& g : log_gate.value().flat()) g = real(-0.7);
  const Positions places{.tokens = T};
  const Tensor z = attention({.q = Var(zero), .k = Var(zero)}, Var(at), {.log_gate = log_gate}, {},
                             places, places)
                       .value();
  // Keys decay by e^-0.7 per token: their mean distance. Float sums of gates would be off by 1e-3.
  CHECK(z[T - 1] == Approx(-1 / (std::exp(0.7) - 1)).margin(2e-6));
}

TEST_CASE("products through the tokens in between match the formula over several tiles") {
  using namespace cases;
  for (const unsigned terms : {unsigned(decay), unsigned(path), decay | V | c | row | strip | f,
                               path | V | c | row | gates, decay | entmax})
    for (const auto& [first, window] : {std::pair(0, 0), std::pair(0, 70), std::pair(64, 70),
                                        std::pair(130, 0), std::pair(149, 70)})
      check({.terms = terms,
             .B = 1,
             .Tq = 150 - first,
             .Tk = 150,
             .H = 1,
             .window = window,
             .first = first});
  for (const unsigned terms : {unsigned(decay), unsigned(path)}) {
    check({.terms = terms, .B = 2, .Tq = 140, .Tk = 140, .padding = true});
    check({.terms = terms,
           .B = 1,
           .Tq = 70,
           .Tk = 200,
           .H = 2,
           .window = 20,
           .first = 130,
           .sinks = 3});
    for (const int dk : {1, 8, 16, 17}) check({.terms = terms, .Tq = 70, .Tk = 70, .dk = dk});
    for (const int T : {1, 63, 64, 65, 128}) check({.terms = terms, .Tq = T, .Tk = T});
  }
}

TEST_CASE("entmax matches the formula for every alpha and mask") {
  using namespace cases;
  for (const double alpha : {1.05, 1.25, 1.5, 1.9, 2.0})
    for (const bool causal : {true, false})
      for (const bool padding : {false, true})
        check({.terms = entmax | relative | row,
               .Tq = 130,
               .Tk = 130,
               .causal = causal,
               .padding = padding,
               .window = 90,
               .sinks = 2,
               .alpha = alpha});
}
