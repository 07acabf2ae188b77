#include <algorithm>
#include <map>
#include <set>

#include "tests/support/catch.h"
#include "tests/support/datasets.h"

using namespace yonder;
using Catch::Approx;

namespace {

// Written from the languages' definitions, not from automata: the targets after a prefix.
std::string asked_of_tomita_3(const std::string& s) {
  int ones = 0, zeros = 0;
  bool odd_before = false;
  for (const char c : s) {
    if (c == '1') ones = zeros ? 1 : ones + 1, zeros = 0;
    else if (zeros++ == 0) odd_before = ones % 2;
  }
  const bool open = zeros && odd_before && zeros % 2;  // odd runs of ones and then zeros
  return open ? "0" : "01$";
}

int depth_of(const std::string& s) {
  return int(std::count(s.begin(), s.end(), 'a') - std::count(s.begin(), s.end(), 'b'));
}

std::string asked_of(const std::string& language, const std::string& s) {
  const auto count = [&](char c) { return int(std::count(s.begin(), s.end(), c)); };
  const auto ends = [&](const char* end) { return s.ends_with(end); };
  if (language == "tomita-1") return "1$";
  if (language == "tomita-2") return ends("1") ? "0" : "1$";
  if (language == "tomita-3") return asked_of_tomita_3(s);
  if (language == "tomita-4") return ends("00") ? "1$" : "01$";
  if (language == "tomita-5") return count('0') % 2 == 0 && count('1') % 2 == 0 ? "in" : "out";
  if (language == "tomita-6") return (count('0') - count('1')) % 3 == 0 ? "in" : "out";
  if (language == "tomita-7") {
    const bool last = s.find("01") != s.npos && s.find('1') < s.rfind("01");
    return last || (s[0] == '1' && s.find("01") != s.npos) ? "1$" : "01$";
  }
  if (language.starts_with("d-")) {
    const int most = std::stoi(language.substr(2)), depth = depth_of(s);
    return std::string(depth < most ? "a" : "") + (depth > 0 ? "b" : "$");
  }
  if (language == "one-d") return s.find('d') == s.npos ? "abd" : "bc$";
  if (language == "last-02")
    return s.find('0') != s.npos && s.find_first_not_of('2', s.rfind('0') + 1) == s.npos ? "012$"
                                                                                         : "012";
  if (language == "blocks") return {s.back(), s.back() == 'e' ? '$' : char(s.back() + 1)};
  return s.size() % language.size() ? "out" : "in";  // aa, aaaa, abab
}

}  // namespace

TEST_CASE("regular: labels are equal exactly where the definition has the same targets") {
  for (const std::string language :
       {"tomita-1", "tomita-2", "tomita-3", "tomita-4", "tomita-5", "tomita-6", "tomita-7", "d-2",
        "d-3", "d-4", "d-12", "blocks", "one-d", "last-02", "aa", "aaaa", "abab"}) {
    const auto task = prepared("regular", {{"language", language}}, 16);
    std::map<std::string, int> label;
    for (const int length : {1, 2, 7, 24}) {
      const Batch batch = task->test({.length = length, .count = 300}, 0, 300);
      for (int b = 0; b < batch.size; ++b) {
        const TaskSequence r = row(batch, b);
        std::string s;
        for (std::size_t t = 1; t < r.tokens.size(); ++t) {
          s += task->spelled(r.tokens[t]);
          INFO(language << " " << s);
          REQUIRE(label.try_emplace(asked_of(language, s), r.targets[t]).first->second ==
                  r.targets[t]);
        }
        const std::string end = asked_of(language, s);
        const bool in = end.find('$') != end.npos || end == "in" || end == "out";
        REQUIRE(in);  // a word, or a prefix if only prefixes are asked
      }
    }
    std::set<int> different;
    for (const auto& [asked, token] : label) different.insert(token);
    CHECK(different.size() == label.size());
  }
}

TEST_CASE("regular: the states of groups are their elements") {
  for (const auto& [language, order] : {std::pair{"z60", 60}, {"a5", 60}, {"s5", 120}}) {
    const auto task = prepared("regular", {{"language", language}}, 8);
    CHECK(task->vocabulary() == 3 + 2 * order);
    CHECK(task->chance_accuracy(8) == Approx(1.0 / order));
    std::map<std::pair<int, int>, int> product;  // of a state and an element
    std::map<int, std::set<int>> row_of, column_of;
    const Batch batch = task->test({.length = 8, .count = 4000}, 0, 4000);
    for (int b = 0; b < batch.size; ++b) {
      const TaskSequence r = row(batch, b);
      REQUIRE(r.targets[1] == r.tokens[1] + order);  // the first element itself
      for (std::size_t t = 2; t < r.tokens.size(); ++t) {
        const std::pair from{r.targets[t - 1], r.tokens[t]};
        REQUIRE(product.try_emplace(from, r.targets[t]).first->second == r.targets[t]);
      }
    }
    // A Latin square: from one state different elements lead to different states.
    for (const auto& [from, to] : product) REQUIRE(row_of[from.first].insert(to).second);
    for (const auto& [from, to] : product) REQUIRE(column_of[from.second].insert(to).second);
  }
}
