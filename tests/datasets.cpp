#include "datasets/masked.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <functional>
#include <map>
#include <set>

using namespace yonder;

namespace {

constexpr int BOS = 0, SEP = 1, EOS = 2;
using Settings = std::vector<std::pair<std::string, std::string>>;

std::unique_ptr<Task> prepared(const std::string& name, const Settings& settings, int length) {
  auto task = make_task(name);
  Options options = task->options();
  for (const auto& [option, value] : settings) assign(*find(options, option), name, value);
  task->prepare(length);
  return task;
}

// A sequence read back from a batch: its inputs, and the places where something is asked.
struct Row {
  std::vector<int> tokens, targets;

  int end_of_question() const {
    return int(std::find(tokens.begin(), tokens.end(), SEP) - tokens.begin());
  }
  std::vector<int> question() const {
    return {tokens.begin() + 1, tokens.begin() + end_of_question()};
  }
  std::vector<int> answer() const {
    std::vector<int> a;
    for (int t : targets)
      if (t >= 0) a.push_back(t);
    return a;
  }
};

Row row(const Batch& batch, int b) {
  const auto from = std::size_t(b) * batch.extent, to = from + batch.lengths[b];
  return {{batch.tokens.begin() + from, batch.tokens.begin() + to},
          {batch.targets.begin() + from, batch.targets.begin() + to}};
}

// What holds for every task: BOS first, nothing asked before the separator, each target that is no
// EOS stands in the next input, EOS is the last target and never an input.
void check_form(const Row& r, const Task& task, int length) {
  const int n = int(r.tokens.size());
  REQUIRE(n <= task.tokens(length));
  REQUIRE(r.tokens[0] == BOS);
  for (int t = 0; t < n; ++t) {
    REQUIRE(r.tokens[t] >= 0);
    REQUIRE(r.tokens[t] < task.vocabulary());
    REQUIRE(r.tokens[t] != EOS);
    if (t < r.end_of_question()) REQUIRE(r.targets[t] == -1);
    if (t + 1 < n && r.targets[t] >= 0) REQUIRE(r.targets[t] == r.tokens[t + 1]);
  }
  REQUIRE(r.targets[n - 1] == EOS);
}

using Solver = std::function<std::vector<int>(const Row&)>;

// 1,000 samples at lengths below, at and above the trained one, solved by an independent program.
void check_solved(const std::string& name, const Settings& settings, const Solver& solve) {
  const auto task = prepared(name, settings, 16);
  int samples = 0;
  for (int length : {1, 2, 5, 16, 40}) {
    const Batch batch = task->test({.length = length}, 0, 200);
    REQUIRE(batch.extent == task->tokens(length));
    for (int b = 0; b < batch.size; ++b, ++samples) {
      const Row r = row(batch, b);
      check_form(r, *task, length);
      REQUIRE(r.answer() == solve(r));
    }
  }
  REQUIRE(samples == 1000);
}

std::vector<int> with_eos(std::vector<int> answer) {
  answer.push_back(EOS);
  return answer;
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

TEST_CASE("addition: the answer is the sum, in either order of digits, with hints or without") {
  for (bool reversed : {true, false})
    for (bool hints : {true, false}) {
      const auto reader = prepared("addition", {{"hints", "50"}}, 1);
      check_solved("addition",
                   {{"reversed", reversed ? "true" : "false"}, {"hints", hints ? "50" : "0"}},
                   [&](const Row& r) { return school_sum(*reader, r, reversed, hints); });
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

TEST_CASE("chance is the best accuracy of a guess that knows the place alone") {
  const int samples = 20000;
  for (const auto& [name, settings] : std::vector<std::pair<std::string, Settings>>{
           {"copy", {{"alphabet", "3"}}},
           {"copy", {{"alphabet", "7"}, {"unique", "true"}}},
           {"reverse", {}},
           {"recall", {{"keys", "6"}, {"asked", "3"}}},
           {"addition", {}},
           {"addition", {{"hints", "9"}, {"reversed", "false"}}}})
    for (int length : {1, 5}) {
      const auto task = prepared(name, settings, 5);
      const Batch batch = task->test({.length = length, .count = samples}, 0, samples);
      double right = 0, all = 0;
      for (int t = 0; t < batch.extent; ++t) {
        std::map<int, int> times;
        for (int b = 0; b < samples; ++b)
          if (const int y = batch.targets[b * batch.extent + t]; y >= 0) ++times[y], ++all;
        int most = 0;
        for (const auto& [token, n] : times) most = std::max(most, n);
        right += most;
      }
      INFO(name << " " << length);
      // The luckiest of up to 16 symbols is counted: 3 standard deviations, √(p(1−p)/20000).
      CHECK(right / all == Approx(task->chance(length)).margin(0.011));
    }
}

TEST_CASE("a training batch depends on seed and step alone, and has one length of 1..N") {
  for (const TaskEntry& entry : tasks()) {
    if (entry.make()->is_text()) continue;
    const auto task = prepared(entry.name, {}, 12);
    std::set<int> extents;
    for (int step = 0; step < 200; ++step) {
      const Batch a = task->train(7, step, 4);
      extents.insert(a.extent);
      for (int n : a.lengths) REQUIRE(n == a.extent);
    }
    std::set<int> expected;
    for (int length = 1; length <= 12; ++length) expected.insert(task->tokens(length));
    CHECK(extents == expected);

    const auto again = prepared(entry.name, {}, 12);
    const Batch a = task->train(7, 3, 4), b = again->train(7, 3, 8);
    CHECK(std::equal(a.tokens.begin(), a.tokens.end(), b.tokens.begin()));
    CHECK(a.tokens != task->train(8, 3, 4).tokens);
    CHECK(a.tokens != task->train(7, 4, 4).tokens);
  }
}

TEST_CASE("test sequences are the same whatever the batch, the seed and the trained length are") {
  for (const TaskEntry& entry : tasks()) {
    if (entry.make()->is_text()) continue;
    const auto task = prepared(entry.name, {}, 12), other = prepared(entry.name, {}, 3);
    const Trial trial{.length = 20};
    CHECK(task->sequences(trial) == 256);
    const Batch all = task->test(trial, 0, 6), part = other->test(trial, 4, 2);
    CHECK(std::equal(part.tokens.begin(), part.tokens.end(), all.tokens.begin() + 4 * all.extent));

    std::set<std::vector<int>> tested;
    for (int b = 0; b < all.size; ++b) tested.insert(row(all, b).tokens);
    CHECK(tested.size() == 6);
    for (int step = 0; step < 100; ++step) {
      const Batch batch = prepared(entry.name, {}, 20)->train(0, step, 6);
      for (int b = 0; b < 6; ++b) CHECK(!tested.count(row(batch, b).tokens));
    }
  }
}

TEST_CASE("shorter examples of a batch are padded on the right, in tokens and in targets") {
  Example brief, full;
  brief.give(BOS), brief.give(SEP), brief.want(5), brief.want(EOS);
  full.give(BOS), full.give(7), full.give(SEP), full.want(8), full.give(9), full.want(EOS);
  const Batch batch = collate({brief, full});
  CHECK(batch.size == 2);
  CHECK(batch.extent == 5);
  CHECK(batch.lengths == std::vector<int>{3, 5});
  CHECK(batch.tokens == std::vector<int>{BOS, SEP, 5, -1, -1, BOS, 7, SEP, 8, 9});
  CHECK(batch.targets == std::vector<int>{-1, 5, EOS, -1, -1, -1, -1, 8, -1, EOS});
  CHECK(batch.at.empty());
}

TEST_CASE("a length that a task can't have is refused with the way out") {
  CHECK_THROWS_WITH(prepared("copy", {{"unique", "true"}}, 20),
                    "copy: 20 unique symbols need an alphabet of as many, not 16; set "
                    "--copy.alphabet 20 or more");
  CHECK_THROWS_WITH(prepared("recall", {}, 81),
                    "recall: 81 pairs need as many different keys, not 80; set --recall.keys 81 "
                    "or more");
  const auto task = prepared("addition", {{"hints", "11"}}, 10);
  CHECK_THROWS_WITH(task->sequences({.length = 11}),
                    "addition: sums of 11 digits need 12 index hints, not 11; set "
                    "--addition.hints 12 or more");
  CHECK_THROWS_AS(task->sequences({.length = 11}), UsageError);
  CHECK_THROWS_WITH(make_task("revers"),
                    "task: there is no 'revers'; did you mean 'reverse'?; see yonder list tasks");
}

TEST_CASE("every file of a task registers it, tasks are listed by name, each with its own line") {
  std::vector<std::string> files, names;
  for (const auto& file : std::filesystem::directory_iterator(YONDER_SOURCE "/datasets"))
    if (const auto& path = file.path(); path.extension() == ".cpp")
      if (const auto name = path.stem(); name != "dataset" && name != "symbols" && name != "masked")
        files.push_back(path.stem().string());
  std::sort(files.begin(), files.end());
  std::set<std::string> titles;
  for (const TaskEntry& t : tasks()) {
    names.push_back(t.name);
    CHECK(titles.insert(t.title).second);
  }
  CHECK(names == files);
}

TEST_CASE("the masked form of a task hides the whole answer where it stands") {
  auto copy = make_task("copy"), plain = make_task("copy");
  copy->prepare(5), plain->prepare(5);
  const int vocabulary = copy->vocabulary(), tokens = copy->tokens(5);
  const auto task = masked(std::move(copy));
  CHECK(task->vocabulary() == vocabulary + 1);
  CHECK(task->tokens(5) == tokens + 1);
  CHECK(task->spelled(vocabulary) == "<mask>");
  const Batch hidden = task->test({.length = 5}, 0, 3), seen = plain->test({.length = 5}, 0, 3);
  for (int b = 0; b < 3; ++b)
    for (int t = 0; t < seen.extent; ++t) {
      const int asked = seen.targets[b * seen.extent + t], p = b * hidden.extent + t + 1;
      CHECK(hidden.targets[p] == asked);
      if (asked >= 0) CHECK(hidden.tokens[p] == vocabulary);
      else CHECK(hidden.tokens[p] == seen.tokens[b * seen.extent + t + 1]);
    }
}
