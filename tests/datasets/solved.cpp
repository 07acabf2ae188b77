#include <algorithm>
#include <functional>
#include <map>
#include <set>

#include "tests/support/solved.h"

using namespace yonder;
using Catch::Approx;

namespace {

// Long addition on the spelled digits, from the right, as people do it.
std::vector<int> school_sum(const Task& task, const TaskSequence& r, bool reversed, bool hints) {
  std::string digits[2];
  std::map<int, int> hint;  // by place, 0 for the units
  int number = 0, digit = 0;
  const int n = int(r.question().size() / (hints ? 4 : 2));
  for (int t : r.question()) {
    const std::string s = task.spelled(t);
    if (s == "+") {
      number = 1, digit = 0;
    } else if (s[0] == 'h') {
      const int place = reversed ? digit : n - 1 - digit;
      REQUIRE(hint.try_emplace(place, t).first->second == t);
    } else {
      digits[number] += s, ++digit;
    }
  }
  if (reversed)
    for (auto& d : digits) std::reverse(d.begin(), d.end());
  std::string sum;
  int carry = 0;
  for (int i = n - 1; i >= 0; --i) {
    const int s = digits[0][i] - '0' + digits[1][i] - '0' + carry;
    sum.insert(sum.begin(), char('0' + s % 10));
    carry = s / 10;
  }
  sum.insert(sum.begin(), char('0' + carry));
  if (reversed) std::reverse(sum.begin(), sum.end());

  std::vector<int> answer;
  for (int i = 0; i <= n; ++i) {
    if (hints) answer.push_back(hint.at(0) + (reversed ? i : n - i));
    for (int t = 0; t < task.vocabulary(); ++t)
      if (task.spelled(t) == std::string(1, sum[i])) answer.push_back(t);
  }
  return with_eos(answer);
}

}  // namespace

TEST_CASE("copy: the answer is the question") {
  check_solved("copy", {}, [](const TaskSequence& r) { return with_eos(r.question()); });
  check_solved("copy", {{"unique", "true"}, {"alphabet", "40"}}, [](const TaskSequence& r) {
    const auto q = r.question();
    REQUIRE(std::set<int>(q.begin(), q.end()).size() == q.size());
    return with_eos(q);
  });
}

TEST_CASE("reverse: the answer is the question backwards") {
  check_solved("reverse", {{"alphabet", "5"}}, [](const TaskSequence& r) {
    const auto q = r.question();
    return with_eos({q.rbegin(), q.rend()});
  });
}

TEST_CASE("addition: the answer is the sum, in either order of digits, with hints or without",
          "[slow]") {
  for (bool reversed : {true, false})
    for (bool hints : {true, false}) {
      const auto reader = prepared("addition", {{"hints", "50"}}, 1);
      check_solved("addition",
                   {{"reversed", reversed ? "true" : "false"}, {"hints", hints ? "50" : "0"}},
                   [&](const TaskSequence& r) { return school_sum(*reader, r, reversed, hints); });
    }
}

TEST_CASE("addition: binary numbers have no leading zeros, and every split of n + 1 bits occurs") {
  const auto task = prepared("addition", {{"binary", "true"}, {"reversed", "false"}}, 4);
  for (int length : {1, 2, 7, 40}) {
    const Batch batch = task->test({.length = length, .count = 1000}, 0, 1000);
    REQUIRE(batch.extent <= task->tokens(length));
    std::set<std::size_t> splits;
    for (int b = 0; b < batch.size; ++b) {
      const TaskSequence r = row(batch, b);
      check_form(r, *task, length);
      std::string text, sum;
      for (const auto& word : spelled(*task, r.question())) text += word;
      for (const auto& word : spelled(*task, r.answer())) sum += word == "<eos>" ? "" : word;
      const std::string a = text.substr(0, text.find('+')), b2 = text.substr(text.find('+') + 1);
      REQUIRE(a.size() + b2.size() == std::size_t(length) + 1);
      splits.insert(a.size());
      for (const std::string& number : {a, b2, sum})
        REQUIRE((number.size() == 1 || number[0] == '1'));
      REQUIRE(std::stoull(a, nullptr, 2) + std::stoull(b2, nullptr, 2) ==
              std::stoull(sum, nullptr, 2));
    }
    CHECK(int(splits.size()) == length);
  }
}

TEST_CASE("even-pairs: 1 if 01 and 10 together occur an even number of times") {
  check_reads("even-pairs", {}, [](const Words& bits) -> Words {
    int changes = 0;
    for (std::size_t i = 1; i < bits.size(); ++i) changes += bits[i] != bits[i - 1];
    return {changes % 2 ? "0" : "1"};
  });
}

TEST_CASE("parity: 1 if an odd number of bits are 1") {
  std::set<int> ones;
  for (const char* even : {"false", "true"})
    check_reads("parity", {{"even", even}}, [&](const Words& bits) -> Words {
      const int count = int(std::count(bits.begin(), bits.end(), "1"));
      if (bits.size() == 40 && std::string(even) == "true") ones.insert(count);
      return {count % 2 ? "1" : "0"};
    });
  CHECK(ones.size() == 41);  // with even, all counts of ones are equally likely
}

TEST_CASE("sort: symbols are in ascending order, each as often as in the question") {
  check_reads("sort", {}, [](const Words& symbols) {
    std::map<std::string, int> times;
    for (const auto& s : symbols) ++times[s];
    Words sorted;
    for (const auto& [s, n] : times) sorted.insert(sorted.end(), n, s);
    return sorted;
  });
}

TEST_CASE("cycle-navigation: the walk ends at its forward steps minus its backward steps") {
  for (const int places : {3, 5, 12})
    check_reads("cycle-navigation", {{"places", std::to_string(places)}},
                [places](const Words& moves) -> Words {
                  const auto on = std::count(moves.begin(), moves.end(), "+"),
                             back = std::count(moves.begin(), moves.end(), "-"),
                             stay = std::count(moves.begin(), moves.end(), "=");
                  REQUIRE(on + back + stay == std::ptrdiff_t(moves.size()));
                  return {std::to_string(((on - back) % places + places) % places)};
                });
}

TEST_CASE("modular-arithmetic: products first, then sums and differences, modulo m") {
  for (const int m : {2, 5, 10})
    check_reads("modular-arithmetic", {{"modulus", std::to_string(m)}},
                [m](const Words& w) -> Words {
                  // All products are computed first, then the rest from left to right.
                  std::vector<long> numbers{std::stol(w[0])};
                  Words signs;
                  for (std::size_t i = 1; i < w.size(); i += 2) {
                    const long x = std::stol(w[i + 1]);
                    REQUIRE(x < m);
                    if (w[i] == "*") numbers.back() = numbers.back() * x % m;
                    else signs.push_back(w[i]), numbers.push_back(x);
                  }
                  long result = numbers[0];
                  for (std::size_t i = 0; i < signs.size(); ++i) {
                    REQUIRE((signs[i] == "+" || signs[i] == "-"));
                    result += signs[i] == "+" ? numbers[i + 1] : -numbers[i + 1];
                  }
                  return {std::to_string((result % m + m) % m)};
                });
}

TEST_CASE("flip-flop: a read returns what was written last") {
  for (const char* ignored : {"0", "0.8", "1"}) {
    const auto reader = prepared("flip-flop", {}, 1);
    double free = 0, skipped = 0;
    check_solved("flip-flop", {{"ignored", ignored}}, [&](const TaskSequence& r) {
      const Words w = spelled(*reader, r.tokens);
      REQUIRE(w[1] == "w");
      REQUIRE(w[w.size() - 2] == "r");
      std::vector<int> answer;
      int memory = -1;
      for (std::size_t i = 1; i < w.size(); i += 2) {
        if (w[i] == "w") memory = r.tokens[i + 1];
        if (w[i] == "r") answer.push_back(memory);
        if (i > 1 && i + 2 < w.size()) ++free, skipped += w[i] == "i";
      }
      return with_eos(answer);
    });
    CHECK(skipped / free == Approx(std::stod(ignored)).margin(0.004));  // 3 s.d. of 118,000 pairs
  }
}

TEST_CASE("sort: unique symbols come once each, in ascending order") {
  check_solved("sort", {{"unique", "true"}, {"alphabet", "40"}}, [](const TaskSequence& r) {
    std::vector<int> q = r.question();
    std::sort(q.begin(), q.end());
    REQUIRE(std::adjacent_find(q.begin(), q.end()) == q.end());
    return with_eos(q);
  });
}

TEST_CASE("majority: each string's most frequent symbol, and never a tie") {
  for (const auto& [alphabet, strings] : {std::pair{2, 1}, {2, 3}, {26, 1}, {5, 2}})
    check_reads("majority",
                {{"alphabet", std::to_string(alphabet)}, {"strings", std::to_string(strings)}},
                [&, strings = strings](const Words& w) {
                  Words answer;
                  for (int k = 0; k < strings; ++k) {
                    std::map<std::string, int> times;
                    for (std::size_t i = std::size_t(k); i < w.size(); i += std::size_t(strings))
                      ++times[w[i]];
                    std::vector<std::pair<int, std::string>> order;
                    for (const auto& [s, n] : times) order.push_back({n, s});
                    std::sort(order.rbegin(), order.rend());
                    if (order.size() > 1) REQUIRE(order[0].first > order[1].first);
                    answer.push_back(order[0].second);
                  }
                  return answer;
                });
}

TEST_CASE("majority: the count of the first of two symbols is uniform, except for ties") {
  const auto task = prepared("majority", {}, 4);
  std::map<int, int> times;
  const Batch batch = task->test({.length = 4, .count = 4000}, 0, 4000);
  for (int b = 0; b < batch.size; ++b) {
    const auto q = row(batch, b).question();
    ++times[int(std::count(q.begin(), q.end(), 3))];
  }
  CHECK(times.size() == 4);
  for (const int zeros : {0, 1, 3, 4}) CHECK(times[zeros] / 4000.0 == Approx(0.25).margin(0.025));
}

TEST_CASE("place: the target of each symbol is the tenth of the sequence that it is in") {
  const auto reader = prepared("place", {}, 1);
  check_solved("place", {}, [&](const TaskSequence& r) {
    std::vector<int> answer;
    const int n = int(r.tokens.size()) - 1;
    for (int t = 1; t <= n; ++t) {
      REQUIRE(reader->spelled(r.targets[t])[0] == char('0' + (t - 1) * 10 / n));
      answer.push_back(r.targets[t]);
    }
    return answer;
  });
}
