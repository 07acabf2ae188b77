#include "core/attention/observer.h"

#include <cmath>

#include "core/attention.h"
#include "tests/support/attention_cases.h"
#include "tests/support/catch.h"

using namespace yonder;
using cases::Operands;
using cases::Places;
using Catch::Approx;

namespace {

AttentionObserver observer_of(const cases::Case& x) {
  AttentionObserver o{.trained = 11, .tokens = x.first + x.Tq, .blocks = 9};
  for (int b = 0; b < x.B; ++b)
    for (int t = 0; t < o.tokens; ++t) {
      o.rows.push_back((t + b) % 3 > 0);
      o.lag.push_back((t + b) % 2 ? (t * 5 + b) % (t + 1) : -1);
    }
  return o;
}

// Computed by the definitions from the naive probabilities of every observed row.
HeadSums expected(const Operands& operands, const cases::Case& x, const AttentionObserver& o,
                  int h) {
  HeadSums sums;
  sums.by_distance.resize(12);
  sums.map.resize(81);
  const int tokens = operands.call.queries.length(0);
  std::vector<double> rows_of(9);
  for (int t = 0; t < tokens; ++t) ++rows_of[std::size_t(t * 9 / tokens)];
  for (int b = 0; b < x.B; ++b)
    for (int i = 0; i < x.Tq; ++i) {
      const int query = x.first + i;
      if (query >= operands.call.queries.length(b) || !o.observes(b, query)) continue;
      const std::vector<double> A = naive::Row(operands.call, b, h, i).probabilities();
      double spent = 0, top = 0;
      for (const double a : A) spent += a, top = std::max(top, a);
      if (spent == 0) continue;
      ++sums.rows, sums.spent += spent, sums.top += top / spent;
      const int lag = o.lag_of(b, query);
      if (lag >= 0) ++sums.told_rows;
      for (int j = 0; j < x.Tk; ++j) {
        const double p = A[std::size_t(j)] / spent;
        const int distance = std::abs(query - j);
        if (p > 0) sums.entropy -= p * std::log(p);
        sums.distance += p * distance;
        if (distance < o.trained) sums.within += p;
        if (j == 0) sums.first += p;
        if (distance == 0) sums.own += p;
        if (lag >= 0 && query - j == lag) sums.told += p;
        int bin = 0;
        while (distance >> bin) ++bin;
        sums.by_distance[std::size_t(bin)] += p;
        if (b > 0 || j >= tokens) continue;
        const int from = query * 9 / tokens, to = j * 9 / tokens;
        sums.map[std::size_t(from * 9 + to)] += A[std::size_t(j)] / rows_of[std::size_t(from)];
      }
    }
  return sums;
}

void check_observed(const cases::Case& x) {
  INFO(x);
  Operands operands(x);
  const AttentionObserver o = observer_of(x);
  const auto& call = operands.call;
  std::vector<HeadSums> seen;
  const Tensor plain =
      attention(call.dots, call.v, call.scores, call.mask, call.queries, call.keys).value();
  const Tensor z =
      attention(call.dots, call.v, call.scores, call.mask, call.queries, call.keys, &o, &seen)
          .value();
  for (std::int64_t i = 0; i < z.size(); ++i) REQUIRE(z[i] == plain[i]);
  REQUIRE(int(seen.size()) == x.H);
  for (int h = 0; h < x.H; ++h) {
    const HeadSums &a = seen[std::size_t(h)], e = expected(operands, x, o, h);
    CHECK(a.rows == e.rows);
    CHECK(a.told_rows == e.told_rows);
    const auto near = [](double expected) { return Approx(expected).epsilon(1e-11).margin(1e-11); };
    CHECK(a.entropy == near(e.entropy));
    CHECK(a.distance == near(e.distance));
    CHECK(a.within == near(e.within));
    CHECK(a.first == near(e.first));
    CHECK(a.own == near(e.own));
    CHECK(a.top == near(e.top));
    CHECK(a.spent == near(e.spent));
    CHECK(a.told == near(e.told));
    for (std::size_t n = 0; n < e.by_distance.size(); ++n)
      CHECK((n < a.by_distance.size() ? a.by_distance[n] : 0) == near(e.by_distance[n]));
    REQUIRE(a.map.size() == e.map.size());
    for (std::size_t n = 0; n < e.map.size(); ++n) CHECK(a.map[n] == near(e.map[n]));
  }
}

// One head of dimension 1, with queries 1, the logarithms of the given keys, and scale 1.
struct FourTokens {
  Dots dots{.q = Var(Tensor({1, 4, 1, 1})), .k = Var(Tensor({1, 4, 1, 1}))};
  Var v{Tensor({1, 4, 1, 1})};
  ScoreTerms scores{.scale = 1};
  std::vector<int> at{0, 1, 2, 3};
  Positions positions{.at = at, .batch = 1, .tokens = 4, .consecutive = true};
  Mask mask;

  explicit FourTokens(std::vector<double> keys) {
    for (int t = 0; t < 4; ++t) {
      dots.q.value()[t] = 1;
      dots.k.value()[t] = real(std::log(keys[std::size_t(t)]));
      v.value()[t] = 1;
    }
  }
  HeadSums seen(std::vector<char> rows, int blocks = 0) {
    AttentionObserver o{.trained = 2, .tokens = 4, .rows = std::move(rows), .blocks = blocks};
    std::vector<HeadSums> heads;
    attention(dots, v, scores, mask, positions, positions, &o, &heads);
    return heads.at(0);
  }
};

}  // namespace

TEST_CASE("an observer's values are those of the definitions") {
  FourTokens four({8, 4, 2, 2});
  const HeadSums last = four.seen({0, 0, 0, 1});
  CHECK(last.rows == 1);
  CHECK(last.entropy == Approx(1.213008).epsilon(1e-6));
  CHECK(std::exp(last.entropy) == Approx(3.363586).epsilon(1e-6));
  CHECK(last.distance == Approx(2.125));
  CHECK(last.within == Approx(0.25));
  CHECK(last.first == Approx(0.5));
  CHECK(last.own == Approx(0.125));
  CHECK(last.top == Approx(0.5));
  CHECK(last.spent == Approx(1));
  REQUIRE(last.by_distance.size() == 3);
  CHECK(last.by_distance[0] == Approx(0.125));
  CHECK(last.by_distance[1] == Approx(0.125));
  CHECK(last.by_distance[2] == Approx(0.75));

  const HeadSums two = four.seen({0, 0, 1, 1});
  CHECK(std::exp(two.entropy / 2) == Approx(2.957528).epsilon(1e-6));
  CHECK(two.distance / 2 == Approx(1.776786).epsilon(1e-6));
  CHECK(two.within / 2 == Approx(0.339286).epsilon(1e-5));
  CHECK(two.first / 2 == Approx(0.535714).epsilon(1e-6));

  four.scores.sink = Var(Tensor(Shape{1}));
  four.scores.sink.value()[0] = real(std::log(16.0));
  const HeadSums sunk = four.seen({0, 0, 1, 0}), sunk_last = four.seen({0, 0, 0, 1});
  CHECK(sunk.spent == Approx(0.466667).epsilon(1e-5));
  CHECK(sunk_last.spent == Approx(0.5));
  CHECK(sunk_last.entropy == Approx(last.entropy));
  CHECK(sunk_last.distance == Approx(last.distance));
}

TEST_CASE("a map holds the means of blocks of rows, and each of its rows sums to spent") {
  FourTokens four({8, 4, 2, 2});
  const auto map = [&](int blocks) { return four.seen({1, 1, 1, 1}, blocks).map; };
  const auto check = [](const std::vector<double>& found, const std::vector<double>& expected) {
    REQUIRE(found.size() == expected.size());
    for (std::size_t n = 0; n < found.size(); ++n)
      CHECK(found[n] == Approx(expected[n]).epsilon(1e-6).margin(1e-12));
  };
  check(map(0), {});
  check(map(1), {1});
  check(map(2), {1, 0, (12. / 14 + 0.75) / 2, (2. / 14 + 0.25) / 2});
  // Of three blocks the first has two tokens.
  check(map(3), {1, 0, 0, 12. / 14, 2. / 14, 0, 0.75, 0.125, 0.125});
  const std::vector<double> rows{1,       0,       0,       0, 2. / 3, 1. / 3, 0,     0,
                                 8. / 14, 4. / 14, 2. / 14, 0, 0.5,    0.25,   0.125, 0.125};
  check(map(4), rows);
  check(map(64), rows);  // never more blocks than tokens

  four.scores.sink = Var(Tensor(Shape{1}));
  four.scores.sink.value()[0] = real(std::log(16.0));
  check(map(2), {(8. / 24 + 12. / 28) / 2, 0, (12. / 30 + 12. / 32) / 2, (2. / 30 + 4. / 32) / 2});
}

TEST_CASE("equal scores spread over all keys, and a window confines them") {
  FourTokens four({1, 1, 1, 1});
  for (int i = 0; i < 4; ++i) {
    std::vector<char> rows(4, 0);
    rows[std::size_t(i)] = 1;
    const HeadSums one = four.seen(rows);
    CHECK(std::exp(one.entropy) == Approx(i + 1));
    CHECK(one.distance == Approx(i / 2.0));
  }
  four.mask.window = 2;
  CHECK(four.seen({1, 1, 1, 1}).within == Approx(4));
}

TEST_CASE("an observer sees the weights of every kind of term and changes no bit") {
  using namespace cases;
  for (const unsigned terms :
       {0u, unsigned(cases::row), unsigned(relative), unsigned(far), unsigned(strip | own_strip),
        unsigned(contextual), unsigned(gates | relative), unsigned(f | far), unsigned(sink | gates),
        unsigned(stick_breaking | relative), unsigned(remainder_to_own | own_strip),
        unsigned(chunks), unsigned(chunks | gates), unsigned(entmax),
        unsigned(entmax | relative | strip), unsigned(decay), unsigned(path)})
    for (const bool causal : {true, false})
      for (const bool padding : {false, true})
        for (const Places places : {Places::consecutive, Places::scattered}) {
          if (!causal && terms & (contextual | gates | stick_breaking | remainder_to_own | chunks |
                                  decay | path))
            continue;
          check_observed({.terms = terms,
                          .Tq = 70,
                          .Tk = 140,
                          .causal = causal,
                          .padding = padding,
                          .window = places == Places::scattered ? 90 : 0,
                          .first = 70,
                          .places = places});
        }
}
