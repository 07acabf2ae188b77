// Tasks that ask for something elsewhere in the sequence, solved by independent programs.
#include <algorithm>
#include <map>
#include <set>

#include "tests/support/solved.h"

using namespace yonder;

TEST_CASE("recall: each queried key is followed by its value in the question") {
  for (const char* asked : {"1", "8", "1000"})
    check_solved("recall", {{"keys", "50"}, {"asked", asked}}, [&](const TaskSequence& r) {
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

TEST_CASE("passkey: the answer repeats the number after the mark") {
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

TEST_CASE("mqmtar: each queried key is answered with the word that followed it") {
  const auto solve = [](const Words& w) {
    std::map<std::string, Words> value;  // of a key, both words of letters
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
  check_reads("mqmtar", {{"alphabet", "4"}, {"keys", "16"}}, solve);  // 16 pairs instead of 40
}

TEST_CASE("mqmtar: a pair is equally likely anywhere in its part") {
  const auto task = prepared("mqmtar", {{"filled", "0.5"}, {"asked", "1"}}, 1);
  const Batch batch = task->test({.length = 1, .count = 3000}, 0, 3000);
  std::map<int, int> times;
  for (int b = 0; b < batch.size; ++b) {
    const TaskSequence r = row(batch, b);
    const auto letters = [&](int t) { return task->spelled(r.tokens[t])[0] == 'w'; };
    int t = 1;
    while (!letters(t)) ++t;
    ++times[t];
  }
  CHECK(times.size() == 7);  // 6 tokens in 12
  for (const auto& [first, n] : times) CHECK(n / 3000.0 == Approx(1 / 7.0).margin(0.02));
}

TEST_CASE("posgen: each number is the sum of the near ones and the far one") {
  for (const std::string far : {"sliding", "fixed", "half"})
    for (const int m : {7, 17}) {
      const auto reader = prepared("posgen", {}, 1);
      const TaskSettings settings{{"far", far}, {"modulus", std::to_string(m)}, {"near", "3"}};
      check_solved("posgen", settings, [&](const TaskSequence& r) {
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

TEST_CASE("indirect: the answer is the letter at the given offset from the named one") {
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

TEST_CASE("needle: the answer is the numbers of the queried key, in order") {
  for (const TaskSettings& settings : std::vector<TaskSettings>{{},
                                                                {{"keys", "4"}},
                                                                {{"values", "4"}, {"digits", "1"}},
                                                                {{"keys", "3"}, {"values", "2"}}})
    check_solved("needle", settings, [&](const TaskSequence& r) {
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

TEST_CASE("n-back: the target is the symbol k positions back") {
  for (const int k : {1, 4})
    check_solved("n-back", {{"k", std::to_string(k)}}, [k](const TaskSequence& r) {
      return std::vector<int>(r.tokens.begin() + 1, r.tokens.end() - k);
    });
}

TEST_CASE("local-count: the target is how many equal symbols directly precede") {
  const auto reader = prepared("local-count", {}, 1);
  check_solved("local-count", {}, [&](const TaskSequence& r) {
    int run = -1;
    for (std::size_t t = 1; t < r.tokens.size(); ++t) {
      run = t > 1 && r.tokens[t] == r.tokens[t - 1] ? run + 1 : 0;
      if (run == 0 && t > 1) REQUIRE(r.targets[t - 1] != r.targets[1]);  // no run of length 1
      REQUIRE(reader->spelled(r.targets[t]) == std::to_string(run));
      REQUIRE(run < 12);
    }
    return r.answer();
  });
}

TEST_CASE("mqar: each key occurs once more, with its value as the target") {
  const auto reader = prepared("mqar", {}, 1);
  double near = 0, all = 0;
  check_solved("mqar", {}, [&](const TaskSequence& r) {
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
  CHECK(near / all > 0.5);  // two sixths of the positions, but most of the weight
}

TEST_CASE("common: the answer is the three most frequent words, in order of first occurrence") {
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

TEST_CASE("variables: the answer is every variable that holds the value, in order of assignment") {
  for (const auto& [chains, hops] : {std::pair{1, 0}, {2, 2}, {4, 3}}) {
    const TaskSettings settings{{"chains", std::to_string(chains)}, {"hops", std::to_string(hops)}};
    const auto reader = prepared("variables", settings, 1);
    check_solved("variables", settings, [&, hops = hops](const TaskSequence& r) {
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
