#include "tests/support/datasets.h"

#include <filesystem>
#include <map>
#include <set>

#include "datasets/base/masked.h"
#include "tests/support/catch.h"

using namespace yonder;
using Catch::Approx;
using Catch::Matchers::ContainsSubstring;

namespace {

// Settings with which a sequence of 20 items rarely occurs twice: with two symbols, one of 20
// majority sequences has all symbols equal.
TaskSettings varied(const std::string& name) {
  return name == "majority" ? TaskSettings{{"alphabet", "26"}} : TaskSettings{};
}

}  // namespace

TEST_CASE("chance is the best accuracy of a guess that knows only the position") {
  const int samples = 8000;
  for (const auto& [name, settings] : std::vector<std::pair<std::string, TaskSettings>>{
           {"copy", {{"alphabet", "3"}}},
           {"copy", {{"alphabet", "7"}, {"unique", "true"}}},
           {"reverse", {}},
           {"recall", {{"keys", "6"}, {"asked", "3"}}},
           {"addition", {}},
           {"addition", {{"hints", "9"}, {"reversed", "false"}}},
           {"even-pairs", {}},
           {"parity", {}},
           {"parity", {{"even", "true"}}},
           {"addition", {{"binary", "true"}, {"reversed", "false"}}},
           {"sort", {{"alphabet", "4"}}},
           {"sort", {{"alphabet", "7"}, {"unique", "true"}}},
           {"majority", {}},
           {"majority", {{"alphabet", "4"}, {"strings", "2"}}},
           {"n-back", {{"alphabet", "4"}}},
           {"local-count", {{"alphabet", "3"}, {"longest", "3"}}},
           {"mqar", {{"keys", "6"}}},
           {"common", {{"words", "9"}}},
           {"variables", {{"names", "7"}}},
           {"regular", {{"language", "d-2"}}},
           {"regular", {{"language", "tomita-3"}}},
           {"regular", {{"language", "last-02"}}},
           {"cycle-navigation", {}},
           {"modular-arithmetic", {}},
           {"flip-flop", {{"ignored", "0.5"}}},
           {"passkey", {{"digits", "2"}}},
           {"mqmtar", {{"alphabet", "3"}, {"keys", "6"}, {"asked", "2"}}},
           {"posgen", {{"modulus", "4"}, {"near", "3"}}},
           {"posgen", {{"modulus", "6"}, {"far", "fixed"}, {"near", "2"}}},
           {"posgen", {{"modulus", "2"}, {"near", "3"}, {"far", "half"}, {"scored", "3"}}},
           {"indirect", {{"alphabet", "5"}}},
           {"needle", {{"keys", "2"}, {"values", "2"}, {"digits", "1"}}}})
    for (int length : {1, 2, 5}) {
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
      // The most frequent of up to 16 symbols is counted: 3 standard deviations, √(p(1−p)/8000).
      CHECK(right / all == Approx(task->chance_accuracy(length)).margin(0.017));
    }
}

TEST_CASE("validation and test share no sequence, and each is the same every time") {
  for (const TaskEntry& entry : tasks()) {
    if (entry.make()->reads_files()) continue;
    const auto task = prepared(entry.name, varied(entry.name), 12);
    const EvalSpec spec{.length = 40}, other{.length = 40, .split = Split::validation};
    CHECK(task->sequences(other) == 256);
    std::set<std::vector<int>> tested;
    const Batch test = task->test(spec, 0, 256), validation = task->test(other, 0, 256);
    for (int b = 0; b < 256; ++b) tested.insert(row(test, b).tokens);
    for (int b = 0; b < 256; ++b) CHECK(!tested.count(row(validation, b).tokens));
    CHECK(task->test(other, 7, 3).tokens ==
          prepared(entry.name, varied(entry.name), 5)->test(other, 7, 3).tokens);
  }
}

TEST_CASE("a lag is the distance from the position that asks to the token with the answer") {
  const std::set<std::string> telling{"copy",   "flip-flop", "indirect", "mqar",
                                      "mqmtar", "n-back",    "needle",   "passkey",
                                      "recall", "reverse",   "variables"};
  for (const TaskEntry& entry : tasks()) {
    if (entry.make()->reads_files()) continue;
    const auto task = prepared(entry.name, {}, 12);
    const Batch batch = task->test({.length = 12}, 0, 20);
    INFO(entry.name);
    REQUIRE(batch.lag.empty() == !telling.count(entry.name));
    for (int i = 0; i < int(batch.lag.size()); ++i) {
      const int asked = batch.targets[i];
      REQUIRE((batch.lag[i] >= 0) == (asked >= 0 && asked != EOS));
      if (batch.lag[i] < 0) continue;
      REQUIRE(batch.lag[i] <= i % batch.extent);
      REQUIRE(batch.tokens[i - batch.lag[i]] == asked);
      // It follows the token that asks, as an induction head would look for it.
      if (entry.name == "recall") REQUIRE(batch.tokens[i - batch.lag[i] - 1] == batch.tokens[i]);
    }
    if (batch.lag.empty()) continue;
    // The masked form asks one position later, where the token is hidden.
    auto plain = make_task(entry.name);
    plain->prepare(12, {});
    const Batch hidden = masked(std::move(plain))->test({.length = 12}, 0, 20);
    for (int b = 0; b < batch.size; ++b)
      for (int t = 0; t < batch.extent && !task->labels(); ++t) {
        const int lag = batch.lag[b * batch.extent + t];
        CHECK(hidden.lag[b * hidden.extent + t + 1] == (lag < 0 ? -1 : lag + 1));
      }
  }
}

TEST_CASE("passkey: evaluation puts the number at the given lag, training at any with equal odds") {
  for (const int lag : {5, 9, 25}) {
    const auto task = prepared("passkey", {{"lag", std::to_string(lag)}}, 3);
    const Batch batch = task->test({.length = 20}, 0, 50);
    for (int at : batch.lag) REQUIRE((at == -1 || at == lag));
    CHECK(std::count(batch.lag.begin(), batch.lag.end(), lag) == 5 * 50);
  }
  std::map<int, int> times;
  const auto task = prepared("passkey", {{"lag", "5"}}, 1);
  for (int step = 0; step < 3000; ++step) {
    const Batch batch = task->train(0, step, 1);
    ++times[*std::max_element(batch.lag.begin(), batch.lag.end())];
  }
  CHECK(times.size() == 2);
  CHECK(times[5] / 3000.0 == Approx(0.5).margin(0.03));  // 3 standard deviations
}

TEST_CASE("needle: evaluation puts the number at one lag, with others before and after it") {
  for (const int lag : {3, 5, 9, 31}) {
    const auto task = prepared("needle", {{"keys", "4"}, {"lag", std::to_string(lag)}}, 3);
    const Batch batch = task->test({.length = 16}, 0, 100);
    for (int at : batch.lag) REQUIRE((at == -1 || at == lag));
    CHECK(std::count(batch.lag.begin(), batch.lag.end(), lag) == 2 * 100);
    std::set<int> behind;  // needles between the one asked and the separator
    for (int b = 0; b < batch.size; ++b) {
      const TaskSequence r = row(batch, b);
      const int end = r.end_of_question(), told = end + 1 - lag;
      behind.insert(int(std::count(r.tokens.begin() + told, r.tokens.begin() + end, SEP + 2)));
    }
    const std::map<int, std::set<int>> possible{{3, {0}}, {5, {0}}, {9, {0, 1}}, {31, {3}}};
    CHECK(behind == possible.at(lag));
  }
}

TEST_CASE("posgen: evaluation may score the last numbers only") {
  const TaskSettings last{{"scored", "3"}};
  const Batch some = prepared("posgen", last, 8)->test({.length = 20}, 0, 5),
              all = prepared("posgen", {}, 8)->test({.length = 20}, 0, 5);
  CHECK(some.tokens == all.tokens);
  for (int b = 0; b < 5; ++b) {
    const auto asked = row(some, b).answer(), every = row(all, b).answer();
    CHECK(asked == std::vector<int>(every.end() - 4, every.end()));
  }
  const Batch training = prepared("posgen", last, 8)->train(0, 0, 1);
  CHECK(training.targets == prepared("posgen", {}, 8)->train(0, 0, 1).targets);
}

TEST_CASE("digits have the same power of ten in a question and in its answer") {
  for (const char* reversed : {"true", "false"})
    for (const char* hints : {"0", "30"}) {
      const int n = 7, each = hints[0] == '0' ? 1 : 2;
      const auto task = prepared("addition", {{"reversed", reversed}, {"hints", hints}}, n);
      const Batch batch = task->test({.length = n}, 0, 20);
      std::vector<int> expected{-1};
      for (int digits : {n, n, n + 1}) {
        for (int i = 0; i < digits; ++i)
          expected.insert(expected.end(), each, reversed[0] == 't' ? i : digits - 1 - i);
        if (digits == n) expected.push_back(-1);
      }
      for (int b = 0; b < batch.size; ++b)
        CHECK(
            std::equal(expected.begin(), expected.end(), batch.digits.begin() + b * batch.extent));
    }
  for (const std::string name : {"needle", "passkey"}) {
    const auto task = prepared(name, {{"digits", "3"}}, 6);
    const Batch batch = task->test({.length = 6}, 0, 20);
    for (int i = 0; i < int(batch.tokens.size()); ++i) {
      const bool digit = batch.tokens[i] > SEP + 2 && batch.tokens[i] <= SEP + 12;
      REQUIRE((batch.digits[i] >= 0) == digit);
      if (!digit) continue;
      const bool first = batch.digits[i - 1] < 0;  // numbers are not adjacent
      CHECK(batch.digits[i] == (first ? 2 : batch.digits[i - 1] - 1));
    }
  }
  for (const TaskEntry& entry : tasks()) {
    if (entry.make()->reads_files()) continue;
    const auto task = prepared(entry.name, {}, 5);
    CHECK(task->numbers() == !task->train(0, 0, 2).digits.empty());
  }
}

TEST_CASE("a training batch depends on seed and step alone, and has one length from 1 to N") {
  for (const TaskEntry& entry : tasks()) {
    if (entry.make()->reads_files()) continue;
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

TEST_CASE("test sequences do not depend on the batch, the seed or the trained length") {
  for (const TaskEntry& entry : tasks()) {
    if (entry.make()->reads_files()) continue;
    const auto task = prepared(entry.name, varied(entry.name), 12),
               other = prepared(entry.name, varied(entry.name), 3);
    const EvalSpec spec{.length = 20};
    CHECK(task->sequences(spec) == 256);
    const Batch all = task->test(spec, 0, 6), part = other->test(spec, 4, 2);
    CHECK(std::equal(part.tokens.begin(), part.tokens.end(), all.tokens.begin() + 4 * all.extent));

    std::set<std::vector<int>> tested;
    for (int b = 0; b < all.size; ++b) tested.insert(row(all, b).tokens);
    CHECK(tested.size() == 6);
    for (int step = 0; step < 100; ++step) {
      const Batch batch = prepared(entry.name, varied(entry.name), 20)->train(0, step, 6);
      for (int b = 0; b < 6; ++b) CHECK(!tested.count(row(batch, b).tokens));
    }
  }
}

TEST_CASE("in a length bin, every sequence draws its length with equal probability") {
  const auto task = prepared("copy", {}, 4);
  const EvalSpec bin{.length = 7, .longest = 9, .least = 5, .count = 3000};
  const Batch batch = task->test(bin, 0, 3000), part = task->test(bin, 10, 1);
  std::map<int, int> times;
  for (int tokens : batch.lengths) ++times[tokens];
  REQUIRE(times.size() == 3);
  for (const int length : {5, 6, 7})  // 4.5 standard deviations
    CHECK(times.at(task->tokens(length)) == Approx(1000).margin(116));
  CHECK(part.lengths[0] == batch.lengths[10]);
  CHECK(chance_accuracy(*task, 1, 2) ==
        Approx((task->chance_accuracy(1) + task->chance_accuracy(2)) / 2));
  CHECK_THROWS_WITH(prepared("recall", {}, 5)->sequences({.length = 140, .least = 100}),
                    ContainsSubstring("129 pairs"));
}

TEST_CASE("shorter examples of a batch are padded on the right, in tokens and in targets") {
  Example brief, full;
  brief.add_input(BOS), brief.add_input(SEP), brief.add_target(5), brief.add_target(EOS);
  full.add_input(BOS), full.add_input(7), full.add_input(SEP), full.add_target(8),
      full.add_input(9), full.add_target(EOS);
  const Batch batch = collate({brief, full});
  CHECK(batch.size == 2);
  CHECK(batch.extent == 5);
  CHECK(batch.lengths == std::vector<int>{3, 5});
  CHECK(batch.tokens == std::vector<int>{BOS, SEP, 5, -1, -1, BOS, 7, SEP, 8, 9});
  CHECK(batch.targets == std::vector<int>{-1, 5, EOS, -1, -1, -1, -1, 8, -1, EOS});
  CHECK(batch.digits.empty());
}

TEST_CASE("in a batch of different lengths, each sequence is as it is alone, then padding") {
  for (const TaskEntry& entry : tasks()) {
    const auto task = make_task(entry.name);
    const auto* generated = dynamic_cast<const GeneratedTask*>(task.get());
    if (!generated || task->reads_files()) continue;
    task->prepare(12, {});
    std::vector<Example> examples;
    for (int length : {3, 12, 1, 7}) {
      RandomStream draws(Random(5, "test", std::uint32_t(length)));
      examples.push_back(generated->example(length, draws));
    }
    const Batch all = collate(examples);
    for (int b = 0; b < all.size; ++b) {
      const Batch alone = collate({examples[b]});
      const auto same = [&](const std::vector<int>& together, const std::vector<int>& one,
                            int padding) {
        if (one.empty()) return;
        for (int t = 0; t < all.extent; ++t)
          REQUIRE(together[b * all.extent + t] == (t < alone.extent ? one[t] : padding));
      };
      CHECK(all.lengths[b] == alone.extent);
      same(all.tokens, alone.tokens, -1);
      same(all.targets, alone.targets, -1);
      same(all.lag, alone.lag, -1);
      same(all.digits, alone.digits, -1);
    }
  }
}

TEST_CASE("a length that a task cannot have is refused with a suggestion") {
  CHECK_THROWS_WITH(prepared("copy", {{"unique", "true"}}, 20),
                    "copy: 20 unique symbols need an alphabet of as many, not 16; set "
                    "--copy.alphabet 20 or more");
  CHECK_THROWS_WITH(prepared("recall", {}, 129),
                    "recall: 129 pairs need as many different keys, not 128; set --recall.keys 129 "
                    "or more");
  const auto task = prepared("addition", {{"hints", "11"}}, 10);
  CHECK_THROWS_WITH(task->sequences({.length = 11}),
                    "addition: sums of 11 digits need 12 index hints, not 11; set "
                    "--addition.hints 12 or more");
  CHECK_THROWS_AS(task->sequences({.length = 11}), UsageError);
  CHECK_THROWS_WITH(prepared("passkey", {{"lag", "4"}}, 8)->sequences({.length = 8}),
                    "passkey.lag: a number of 5 digits can't be nearer than 5, not at 4; give that "
                    "or more, or 0 for any lag");
  CHECK_THROWS_WITH(prepared("passkey", {{"lag", "14"}}, 8)->sequences({.length = 8}),
                    "passkey.lag: 14 needs a test length of 9 or more, not 8; test longer, or give "
                    "a smaller lag");
  CHECK_THROWS_WITH(prepared("mqmtar", {{"alphabet", "5"}}, 8),
                    "mqmtar: an alphabet of 5 makes 25 different words of 2 letters, not 500; set "
                    "--mqmtar.keys 25 or less");
  CHECK_THROWS_WITH(prepared("needle", {{"keys", "40"}}, 8),
                    "needle: 40 different keys need as many names, not 32; set --needle.names 40 "
                    "or more");
  CHECK_THROWS_WITH(
      prepared("needle", {{"lag", "5"}, {"values", "2"}}, 8)->sequences({.length = 8}),
      "needle.lag: with several numbers per key there is no single distance; set "
      "--needle.values 1, or the lag to 0");
  // A bin needs the lag at its shortest length too.
  CHECK_THROWS_WITH(prepared("passkey", {{"lag", "14"}}, 8)->sequences({.length = 20, .least = 8}),
                    ContainsSubstring("needs a test length of 9 or more, not 8"));
  CHECK_THROWS_WITH(
      prepared("needle", {{"lag", "9"}, {"keys", "2"}}, 2)->sequences({.length = 2, .least = 1}),
      ContainsSubstring("needle.lag: 9 is impossible with 1 symbols"));
  for (const char* lag :
       {"2", "16", "6"})  // 3 tokens after: too many for noise, too few for a needle
    CHECK_THROWS_WITH(
        prepared("needle", {{"lag", lag}, {"keys", "2"}}, 2)->sequences({.length = 2}),
        ContainsSubstring(std::string("needle.lag: ") + lag +
                          " is impossible with 2 symbols; lags are 3 to 9") &&
            ContainsSubstring("where there is enough noise between needles"));
  CHECK_THROWS_WITH(make_task("revers"),
                    "task: there is no 'revers'; did you mean 'reverse'?; see yonder list tasks");
}

TEST_CASE("every task's file registers it, and tasks are listed by name, each with its own title") {
  std::vector<std::string> files, names;
  for (const auto& file : std::filesystem::directory_iterator(YONDER_SOURCE "/datasets"))
    if (const auto& path = file.path(); path.extension() == ".cpp") files.push_back(path.stem());
  for (std::string& name : files) std::replace(name.begin(), name.end(), '_', '-');
  std::sort(files.begin(), files.end());
  std::set<std::string> titles;
  for (const TaskEntry& t : tasks()) {
    names.push_back(t.name);
    CHECK(titles.insert(t.title).second);
    CHECK(t.form.find("n ") != std::string::npos);
    CHECK(t.paper != "");
  }
  CHECK(names == files);
}
