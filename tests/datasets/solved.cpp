#include <algorithm>
#include <functional>
#include <map>
#include <set>

#include "tests/support/catch.h"
#include "tests/support/datasets.h"

using namespace yonder;
using Catch::Approx;

namespace {

// What holds for every task: BOS first, nothing asked before the separator if there is one, each
// target that is no EOS stands in the next input, EOS is the last target and never an input.
void check_form(const Row& r, const Task& task, int length) {
  const int n = int(r.tokens.size());
  REQUIRE(n <= task.tokens(length));
  REQUIRE(r.tokens[0] == BOS);
  if (task.labels()) return;  // targets are no tokens of the sequence
  for (int t = 0; t < n; ++t) {
    REQUIRE(r.tokens[t] >= 0);
    REQUIRE(r.tokens[t] < task.vocabulary());
    REQUIRE(r.tokens[t] != EOS);
    if (r.end_of_question() < n && t < r.end_of_question()) REQUIRE(r.targets[t] == -1);
    if (t + 1 < n && r.targets[t] >= 0) REQUIRE(r.targets[t] == r.tokens[t + 1]);
  }
  REQUIRE(r.targets[n - 1] == EOS);
}

using Solver = std::function<std::vector<int>(const Row&)>;

// 10,000 samples at lengths below, at and above the trained one, solved by an independent program.
void check_solved(const std::string& name, const TaskSettings& settings, const Solver& solve) {
  const auto task = prepared(name, settings, 16);
  int samples = 0;
  for (int length : {1, 2, 5, 16, 40}) {
    const Batch batch = task->test({.length = length, .count = 2000}, 0, 2000);
    REQUIRE(batch.extent == task->tokens(length));
    for (int b = 0; b < batch.size; ++b, ++samples) {
      const Row r = row(batch, b);
      check_form(r, *task, length);
      REQUIRE(r.answer() == solve(r));
    }
  }
  REQUIRE(samples == 10000);
}

std::vector<int> with_eos(std::vector<int> answer) {
  answer.push_back(EOS);
  return answer;
}

using Words = std::vector<std::string>;

Words spelled(const Task& task, const std::vector<int>& tokens) {
  Words words;
  for (int t : tokens) words.push_back(task.spelled(t));
  return words;
}

// The same for solvers that read the question as people do and give the answer but for EOS.
void check_reads(const std::string& name, const TaskSettings& settings,
                 const std::function<Words(const Words&)>& solve) {
  const auto reader = prepared(name, settings, 1);
  check_solved(name, settings, [&](const Row& r) {
    Words expected = solve(spelled(*reader, r.question()));
    expected.push_back("<eos>");
    REQUIRE(spelled(*reader, r.answer()) == expected);
    return r.answer();
  });
}

// Long addition on the spelled digits, from the right, as people do it.
std::vector<int> school_sum(const Task& task, const Row& r, bool reversed, bool hints) {
  std::string digits[2];
  std::map<int, int> hint;  // of the place whose units are 0
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
  check_solved("copy", {}, [](const Row& r) { return with_eos(r.question()); });
  check_solved("copy", {{"unique", "true"}, {"alphabet", "40"}}, [](const Row& r) {
    const auto q = r.question();
    REQUIRE(std::set<int>(q.begin(), q.end()).size() == q.size());
    return with_eos(q);
  });
}

TEST_CASE("reverse: the answer is the question backwards") {
  check_solved("reverse", {{"alphabet", "5"}}, [](const Row& r) {
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
                   [&](const Row& r) { return school_sum(*reader, r, reversed, hints); });
    }
}

TEST_CASE("addition: binary numbers have no leading zeros, and every split of n + 1 bits comes") {
  const auto task = prepared("addition", {{"binary", "true"}, {"reversed", "false"}}, 4);
  for (int length : {1, 2, 7, 40}) {
    const Batch batch = task->test({.length = length, .count = 1000}, 0, 1000);
    REQUIRE(batch.extent <= task->tokens(length));
    std::set<std::size_t> splits;
    for (int b = 0; b < batch.size; ++b) {
      const Row r = row(batch, b);
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

TEST_CASE("recall: each key is followed by the value that it was given with") {
  for (const char* asked : {"1", "8", "1000"})
    check_solved("recall", {{"keys", "50"}, {"asked", asked}}, [&](const Row& r) {
      std::map<int, int> value;
      const auto q = r.question();
      for (std::size_t i = 0; i < q.size(); i += 2)
        REQUIRE(value.emplace(q[i], q[i + 1]).second);  // keys differ
      std::vector<int> answer;
      std::set<int> keys;
      for (std::size_t t = r.end_of_question() + 1; t < r.tokens.size(); t += 2) {
        REQUIRE(keys.insert(r.tokens[t]).second);
        answer.push_back(value.at(r.tokens[t]));
      }
      REQUIRE(answer.size() == std::min<std::size_t>(value.size(), std::stoi(asked)));
      return with_eos(answer);
    });
}

TEST_CASE("even-pairs: 1 if 01 and 10 together come an even number of times") {
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
  CHECK(ones.size() == 41);  // even, all numbers of ones are as likely
}

TEST_CASE("sort: ascending order keeps every symbol as often as it came") {
  check_reads("sort", {}, [](const Words& symbols) {
    std::map<std::string, int> times;
    for (const auto& s : symbols) ++times[s];
    Words sorted;
    for (const auto& [s, n] : times) sorted.insert(sorted.end(), n, s);
    return sorted;
  });
}

TEST_CASE("cycle-navigation: the walk ends where its steps on less its steps back lead") {
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
                  // All products are made in place, then the rest from left to right.
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

TEST_CASE("flip-flop: what is read is what was written last") {
  for (const char* ignored : {"0", "0.8", "1"}) {
    const auto reader = prepared("flip-flop", {}, 1);
    double free = 0, skipped = 0;
    check_solved("flip-flop", {{"ignored", ignored}}, [&](const Row& r) {
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
    CHECK(skipped / free == Approx(std::stod(ignored)).margin(0.004));  // 118,000: 3 deviations
  }
}

TEST_CASE("passkey: the number behind the mark is said again") {
  for (const char* digits : {"1", "5"})
    check_reads("passkey", {{"digits", digits}, {"noise", "3"}}, [&](const Words& w) {
      const auto mark = std::find(w.begin(), w.end(), "<key>");
      REQUIRE(std::count(w.begin(), w.end(), "<key>") == 1);
      const Words number(mark + 1, mark + 1 + std::stoi(digits));
      for (auto i = w.begin(); i != w.end(); ++i)  // noise has no digits
        REQUIRE(((*i >= "0" && *i <= "9") == (i > mark && i <= mark + std::stoi(digits))));
      return number;
    });
}

TEST_CASE("mqmtar: each key asked is answered with the word that stood behind it") {
  const auto solve = [](const Words& w) {
    std::map<std::string, Words> value;  // of a key, both as words of letters
    Words answer;
    for (std::size_t i = 0; i < w.size(); ++i) {
      if (w[i] == ":")
        REQUIRE(value.emplace(w[i - 2] + w[i - 1], Words{w[i + 1], w[i + 2]}).second);
      if (w[i] != "?") continue;
      const Words& found = value.at(w[i + 1] + w[i + 2]);
      answer.insert(answer.end(), found.begin(), found.end());
    }
    const auto blanks = double(std::count(w.begin(), w.end(), "_"));
    REQUIRE(blanks + 5.0 * double(value.size()) + 12 == double(w.size()));
    REQUIRE(blanks - double(value.size()) >= 0.2 * (double(w.size()) - 12) - 1e-9);
    return answer;
  };
  check_reads("mqmtar", {}, solve);
  check_reads("mqmtar", {{"alphabet", "4"}, {"keys", "16"}}, solve);  // 16 pairs in place of 40
}

TEST_CASE("mqmtar: a pair stands anywhere in its part") {
  const auto task = prepared("mqmtar", {{"filled", "0.5"}, {"asked", "1"}}, 1);
  const Batch batch = task->test({.length = 1, .count = 3000}, 0, 3000);
  std::map<int, int> times;
  for (int b = 0; b < batch.size; ++b) {
    const Row r = row(batch, b);
    const auto letters = [&](int t) { return task->spelled(r.tokens[t])[0] == 'w'; };
    int t = 1;
    while (!letters(t)) ++t;
    ++times[t];
  }
  CHECK(times.size() == 7);  // 6 tokens in 12
  for (const auto& [first, n] : times) CHECK(n / 3000.0 == Approx(1 / 7.0).margin(0.02));
}

TEST_CASE("posgen: each number is the sum of the near ones and of the far one") {
  for (const std::string far : {"sliding", "fixed", "half"})
    for (const int m : {7, 17}) {
      const auto reader = prepared("posgen", {}, 1);
      const TaskSettings settings{{"far", far}, {"modulus", std::to_string(m)}, {"near", "3"}};
      check_solved("posgen", settings, [&](const Row& r) {
        std::vector<int> x, answer;
        for (const std::string& w : spelled(*reader, r.tokens))
          if (w[0] != '<') x.push_back(std::stoi(w));
        std::size_t pointer = 0;
        bool again = false;
        for (std::size_t t = 4; t < x.size(); ++t) {
          const int fourth = far == "sliding" ? x[t - 4] : x[far == "fixed" ? 0 : pointer];
          REQUIRE(x[t] == (x[t - 1] + x[t - 2] + x[t - 3] + fourth) % m);
          if (again) ++pointer;
          again = !again;
          answer.push_back(r.tokens[t + 1]);
        }
        return with_eos(answer);
      });
    }
}

TEST_CASE("indirect: the letter so many places from the one that is named") {
  std::map<int, int> steps;
  for (const int reach : {1, 3, 50})
    check_reads("indirect", {{"reach", std::to_string(reach)}}, [&](const Words& w) -> Words {
      const Words letters(w.begin(), w.end() - 2);
      const std::string &named = w[w.size() - 2], &step = w.back();
      REQUIRE(std::count(letters.begin(), letters.end(), named) == 1);
      REQUIRE(std::abs(std::stoi(step)) <= reach);
      ++steps[std::stoi(step)];
      const auto at = std::find(letters.begin(), letters.end(), named) - letters.begin();
      return {letters.at(std::size_t(at + std::stoi(step)))};
    });
  CHECK(!steps.count(0));
  CHECK(steps.begin()->first < -30);
  CHECK(steps.rbegin()->first > 30);
}

TEST_CASE("needle: the numbers of the key that is asked, in their order") {
  for (const TaskSettings& settings : std::vector<TaskSettings>{{},
                                                                {{"keys", "4"}},
                                                                {{"values", "4"}, {"digits", "1"}},
                                                                {{"keys", "3"}, {"values", "2"}}})
    check_solved("needle", settings, [&](const Row& r) {
      const auto reader = prepared("needle", settings, 1);
      const Words w = spelled(*reader, r.question());
      const int digits = settings.size() == 2 && settings[0].first == "values" ? 1 : 2;
      const int asked = r.tokens[std::size_t(r.end_of_question()) + 1];
      std::map<int, int> keys;
      std::vector<int> answer;
      for (int t = 0; t < int(w.size()); ++t) {
        if (w[t] != "<key>") continue;
        ++keys[r.tokens[t + 2]];
        for (int i = 0; i < digits; ++i)
          if (r.tokens[t + 2] == asked) answer.push_back(r.tokens[t + 3 + i]);
      }
      for (const auto& [key, n] : keys) REQUIRE(n == keys.begin()->second);
      return with_eos(answer);
    });
}

TEST_CASE("sort: unique symbols come once each, in ascending order") {
  check_solved("sort", {{"unique", "true"}, {"alphabet", "40"}}, [](const Row& r) {
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

TEST_CASE("majority: how often the first of two symbols occurs is uniform but for ties") {
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
  check_solved("place", {}, [&](const Row& r) {
    std::vector<int> answer;
    const int n = int(r.tokens.size()) - 1;
    for (int t = 1; t <= n; ++t) {
      REQUIRE(reader->spelled(r.targets[t])[0] == char('0' + (t - 1) * 10 / n));
      answer.push_back(r.targets[t]);
    }
    return answer;
  });
}

TEST_CASE("n-back: the target is the symbol k places back") {
  for (const int k : {1, 4})
    check_solved("n-back", {{"k", std::to_string(k)}}, [k](const Row& r) {
      return std::vector<int>(r.tokens.begin() + 1, r.tokens.end() - k);
    });
}

TEST_CASE("local-count: the target is how many equal symbols precede in a row") {
  const auto reader = prepared("local-count", {}, 1);
  check_solved("local-count", {}, [&](const Row& r) {
    int run = -1;
    for (std::size_t t = 1; t < r.tokens.size(); ++t) {
      run = t > 1 && r.tokens[t] == r.tokens[t - 1] ? run + 1 : 0;
      if (run == 0 && t > 1) REQUIRE(r.targets[t - 1] != r.targets[1]);  // no run of one
      REQUIRE(reader->spelled(r.targets[t]) == std::to_string(run));
      REQUIRE(run < 12);
    }
    return r.answer();
  });
}

TEST_CASE("mqar: each key stands once more, and its target there is its value") {
  const auto reader = prepared("mqar", {}, 1);
  double near = 0, all = 0;
  check_solved("mqar", {}, [&](const Row& r) {
    std::map<int, int> value;
    std::vector<int> answer;
    const int n = (int(r.tokens.size()) - 1) / 8;
    for (int i = 0; i < n; ++i) value[r.tokens[1 + 2 * i]] = r.tokens[2 + 2 * i];
    REQUIRE(int(value.size()) == n);
    for (int t = 1 + 2 * n; t < int(r.tokens.size()); ++t) {
      const auto found = value.find(r.tokens[t]);
      REQUIRE((r.targets[t] >= 0) == (found != value.end()));
      if (found == value.end()) continue;
      answer.push_back(found->second);
      REQUIRE((t - 1 - 2 * n) % 2 == 0);
      if (n == 40) ++all, near += t < 1 + 4 * n;
      value.erase(found);
    }
    REQUIRE(value.empty());
    return answer;
  });
  CHECK(near / all > 0.5);  // two sixths of the places, but most of the weight
}

TEST_CASE("common: the three words that occur most, in the order in which they first occur") {
  check_reads("common", {}, [](const Words& w) {
    std::map<std::string, int> times;
    for (const auto& word : w) ++times[word];
    Words answer;
    for (const auto& word : w) {
      REQUIRE((times[word] <= 2 || times[word] == 6));
      if (times[word] == 6 && std::find(answer.begin(), answer.end(), word) == answer.end())
        answer.push_back(word);
    }
    REQUIRE(answer.size() == 3);
    return answer;
  });
}

TEST_CASE("variables: every variable that holds the value, in the order of its statements") {
  for (const auto& [chains, hops] : {std::pair{1, 0}, {2, 2}, {4, 3}}) {
    const TaskSettings settings{{"chains", std::to_string(chains)}, {"hops", std::to_string(hops)}};
    const auto reader = prepared("variables", settings, 1);
    check_solved("variables", settings, [&, hops = hops](const Row& r) {
      const Words w = spelled(*reader, r.tokens);
      std::map<std::string, std::string> holds;
      std::vector<int> answer;
      const int end = r.end_of_question();
      for (int t = 1; t + 1 < end; ++t) {
        if (w[t + 1] != "=") continue;
        const std::string& from = w[t + 2];
        if (from[0] == 'x') REQUIRE(holds.count(from) == 1);
        REQUIRE(holds.emplace(w[t], from[0] == 'x' ? holds[from] : from).second);
        if (holds[w[t]] == w[end + 1]) answer.push_back(r.tokens[t]);
      }
      REQUIRE(int(answer.size()) == hops + 1);
      return with_eos(answer);
    });
  }
}
