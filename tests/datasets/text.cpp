#include <cmath>
#include <numeric>
#include <set>

#include "datasets/base/documents.h"
#include "datasets/base/masked.h"
#include "tests/support/texts.h"

using namespace yonder;
using Catch::Approx;

TEST_CASE("text: a file is split into training, validation and test parts without overlap") {
  const TextFolder folder;
  const std::string content = counting(20003);
  const auto task = text(folder.add("a.txt", content), 50);
  std::size_t last_trained = 0, first_tested = content.size();
  std::size_t first_validated = content.size(), last_validated = 0;
  for (int step = 0; step < 300; ++step) {
    const Batch batch = task->train(1, step, 32);
    check_window(batch, 50);
    for (int b = 0; b < batch.size; ++b) {
      const std::size_t at = content.find(bytes(batch, b));
      REQUIRE(at != std::string::npos);
      REQUIRE(scored(batch, b) == bytes(batch, b));
      last_trained = std::max(last_trained, at + 50);
    }
  }
  for (auto protocol : {Protocol::fixed_targets, Protocol::non_overlapping, Protocol::sliding}) {
    EvalSpec spec{.length = 60, .longest = 400, .count = 1000, .protocol = protocol};
    Batch batch = task->test(spec, 0, task->sequences(spec));
    check_window(batch, 60);
    for (int b = 0; b < batch.size; ++b)
      first_tested = std::min(first_tested, content.find(bytes(batch, b)));
    spec.split = Split::validation;
    batch = task->test(spec, 0, task->sequences(spec));
    check_window(batch, 60);
    for (int b = 0; b < batch.size; ++b) {
      const std::size_t at = content.find(bytes(batch, b));
      first_validated = std::min(first_validated, at);
      last_validated = std::max(last_validated, at + 60);
    }
  }
  CHECK(last_trained <= first_validated);
  CHECK(last_validated <= first_tested);
  CHECK(content[first_validated - 1] == '\n');
  CHECK(content[first_tested - 1] == '\n');
  // Almost all of each part is used: the cuts are within a hundredth of nine tenths, and of the
  // last twentieth of those.
  CHECK(last_trained > 16800);
  CHECK(first_validated >= 16900);
  CHECK(first_validated < 17120);
  CHECK(last_validated > first_validated + 800);
  CHECK(first_tested < 18003);
  CHECK(first_tested >= 17803);
}

TEST_CASE("text: a file without line breaks is split too") {
  const TextFolder folder;
  const auto task = text(folder.add("a", std::string(900, 'a') + std::string(100, 'b')), 855);
  CHECK(bytes(task->train(0, 0, 1), 0) == std::string(855, 'a'));
  const EvalSpec validation{.length = 45, .split = Split::validation};
  CHECK(bytes(task->test(validation, 0, 1), 0) == std::string(45, 'a'));
  CHECK(bytes(task->test({.length = 100}, 0, 1), 0) == std::string(100, 'b'));
  CHECK(task->chance_accuracy(100) == 0);
  CHECK(task->unigram_loss() == Approx(-std::log(1.0 / (855 + 256))));
}

TEST_CASE("text: files of a folder are documents, and the last tenth is the test part") {
  const TextFolder folder;
  const std::string a = counting(700, "a"), b = counting(40, "b"), c = counting(900, "c"),
                    d = counting(150, "d"), e = counting(60, "e");
  folder.add("sub/a", a), folder.add("sub/b", b), folder.add("c", c), folder.add("x/d", d);
  folder.add("y", e), folder.add("empty", ""), folder.add(".hidden", "no"),
      folder.add(".h/i", "no");
  const auto task = text(folder.path.string(), 50);
  std::set<char> documents;
  double in_c = 0;
  for (int step = 0; step < 100; ++step) {
    const Batch batch = task->train(3, step, 16);
    for (int i = 0; i < batch.size; ++i) {
      const std::string s = bytes(batch, i);
      const bool first = a.find(s) != std::string::npos;
      REQUIRE((first || c.find(s) != std::string::npos));
      in_c += !first;
    }
  }
  // Validation has all of b, and the last 42 bytes of a or a few more. Training windows are equally
  // likely: 851 in c, about 606 in a. 3 standard deviations.
  CHECK(in_c / 1600 == Approx(851.0 / (851 + 606)).margin(0.038));
  const EvalSpec validation{.length = 30, .count = 1000, .scored = 10, .split = Split::validation};
  const Batch held = task->test(validation, 0, task->sequences(validation));
  for (int i = 0; i < held.size; ++i) {
    const std::string s = bytes(held, i);
    const std::size_t in_a = a.find(s);
    REQUIRE((b.find(s) != std::string::npos || (in_a >= 650 && in_a != std::string::npos)));
  }

  const EvalSpec spec{.length = 50, .count = 1000, .scored = 10};
  const Batch batch = task->test(spec, 0, task->sequences(spec));
  for (int i = 0; i < batch.size; ++i) {
    const std::string s = bytes(batch, i);
    REQUIRE((d.find(s) != std::string::npos || e.find(s) != std::string::npos));
  }
  // Blocks of 10 bytes that end in the second half, with 50 bytes up to their ends.
  CHECK(batch.size == (150 - 75) / 10 + 1 + (60 - 50) / 10 + 1);
}

TEST_CASE("text: at most a tenth of a folder is held out, even if its last files are larger") {
  const TextFolder folder;
  const std::string a = counting(20000, "a"), b = counting(175000, "b"), c = counting(1000, "c");
  folder.add("a", a), folder.add("b", b);
  const auto held = [&] {
    const Documents d = Documents::read(folder.path.string());
    const auto& first = d.test.front();
    CHECK(first == b.substr(b.size() - first.size()));
    CHECK(b[b.size() - first.size() - 1] == '\n');
    std::size_t trained = 0, tested = 0;
    for (const std::string& one : d.train) trained += one.size();
    for (const std::string& one : d.test) tested += one.size();
    CHECK(trained > 7 * tested);
    return tested;
  };
  CHECK(held() == Approx(19500).margin(2000));
  folder.add("c", c);  // less than a tenth, but too much with b
  CHECK(held() == Approx(19600).margin(2000));
}

TEST_CASE("text: a file is read once and shared by copies of its corpora") {
  const TextFolder folder;
  const std::string path = folder.add("a", counting(2000));
  const Corpora texts, copy = texts;
  const auto first = texts[path];
  folder.add("a", counting(3000));
  CHECK(copy[path] == first);
  CHECK(Corpora()[path]->checksum != first->checksum);
}

TEST_CASE("text: the same targets are scored at every length, each once, and only context varies") {
  const TextFolder folder;
  const auto task = text(folder.add("a", counting(60000)), 64);
  std::vector<std::string> targets;
  for (int length : {32, 64, 100, 1024}) {
    const EvalSpec spec{.length = length, .longest = 1024};
    REQUIRE(task->sequences(spec) == 94);  // all there are: 3,000 bytes by 32
    const Batch all = task->test(spec, 0, 94), part = task->test(spec, 40, 8);
    check_window(all, length);
    std::vector<std::string> seen;
    for (int b = 0; b < 94; ++b) {
      seen.push_back(scored(all, b));
      REQUIRE(seen.back().size() == 32);
      if (b >= 40 && b < 48) REQUIRE(bytes(part, b - 40) == bytes(all, b));
    }
    if (targets.empty()) targets = seen;
    CHECK(seen == targets);
  }
  CHECK(std::set<std::string>(targets.begin(), targets.end()).size() == 94);
}

TEST_CASE("text: the bytes that are scored do not depend on the lengths that are compared") {
  const TextFolder folder;
  const auto task = text(folder.add("a", counting(400000)), 64);
  const auto asked = [&](int longest, int length) {
    const EvalSpec spec{.length = length, .longest = longest};
    const int n = task->sequences(spec);
    const Batch batch = task->test(spec, 0, n);
    std::vector<std::string> all;
    for (int b = 0; b < n; ++b) all.push_back(scored(batch, b));
    return all;
  };
  const auto first = asked(0, 64);
  CHECK(first.size() == 500);
  for (const int longest : {64, 128, 1024, 20000}) CHECK(asked(longest, 64) == first);
  CHECK(asked(20000, 20000) == first);
  // The blocks that 39,000 bytes fit before are a subset.
  const auto few = asked(39000, 64);
  CHECK(few.size() < 100);
  CHECK(!few.empty());
  for (const auto& one : few) CHECK(std::count(first.begin(), first.end(), one) == 1);
}

TEST_CASE("text: non-overlapping windows score the same bytes at every length, each once") {
  const TextFolder folder;
  const auto task = text(folder.add("a", counting(60000)), 64);
  std::string whole;
  for (int length : {256, 64, 32}) {
    const EvalSpec spec{
        .length = length, .longest = 256, .count = 5, .protocol = Protocol::non_overlapping};
    REQUIRE(task->sequences(spec) == 5 * 256 / length);
    const Batch all = task->test(spec, 0, task->sequences(spec));
    std::string seen;
    for (int b = 0; b < all.size; ++b) {
      REQUIRE(scored(all, b) == bytes(all, b));
      seen += bytes(all, b);
    }
    if (whole.empty()) whole = seen;
    CHECK(seen == whole);
  }
}

TEST_CASE("text: sliding windows score each byte of a stretch once, with full context") {
  const TextFolder folder;
  const std::string content = counting(60000);
  const auto task = text(folder.add("a", content), 64);
  const EvalSpec spec{
      .length = 64, .longest = 256, .count = 3, .protocol = Protocol::sliding, .stride = 16};
  REQUIRE(task->sequences(spec) == 3 * (1 + (256 - 64) / 16));
  const Batch all = task->test(spec, 0, task->sequences(spec));
  std::string seen;
  for (int b = 0; b < all.size; ++b) {
    seen += scored(all, b);
    CHECK(scored(all, b).size() == (b % 13 ? 16 : 64));
  }
  for (int stretch = 0; stretch < 3; ++stretch)
    CHECK(content.find(seen.substr(stretch * 256, 256)) != std::string::npos);
}

TEST_CASE("text: training windows depend on seed and step, test windows on neither") {
  const TextFolder folder;
  const std::string path = folder.add("a", counting(60000));
  const auto task = text(path, 64), again = text(path, 64), other = text(path, 256);
  const Batch a = task->train(5, 9, 4), b = again->train(5, 9, 8);
  CHECK(std::equal(a.tokens.begin(), a.tokens.end(), b.tokens.begin()));
  CHECK(a.tokens != task->train(6, 9, 4).tokens);
  CHECK(a.tokens != task->train(5, 8, 4).tokens);
  const EvalSpec spec{.length = 64, .longest = 512};
  CHECK(task->test(spec, 0, 48).tokens == other->test(spec, 0, 48).tokens);
}

TEST_CASE("text: any byte is a token, and byte frequencies give a unigram baseline") {
  const TextFolder folder;
  std::string content(2560, 0);
  std::iota(content.begin(), content.end(), 0);  // each byte ten times, the last tenth once
  const auto task = text(folder.add("a", content), 100);
  CHECK(task->vocabulary() == 257);
  CHECK(task->tokens(100) == 100);
  // 2189 bytes are for training: the first 141 values occur nine times there, the others eight.
  CHECK(task->unigram_loss() ==
        Approx(std::log(2189 + 256.0) - (141 * std::log(10.0) + 115 * std::log(9.0)) / 256));
  CHECK(task->chance_accuracy(100) == Approx(1 / 256.0));
  std::set<int> tokens;
  for (int step = 0; step < 20; ++step)
    for (int t : task->train(0, step, 8).tokens) tokens.insert(t);
  CHECK(tokens.size() == 257);
  std::set<std::string> spellings;
  for (int t = 0; t < 257; ++t) spellings.insert(task->spelled(t));
  CHECK(spellings.size() == 257);
  CHECK(task->spelled(BOS_OF_BYTES) == "<bos>");
  CHECK(task->spelled('a') == "a");
  CHECK(task->spelled('\n') == "\\n");
  CHECK(task->spelled(0xe4) == "\\xe4");
}

TEST_CASE("text: a file that cannot be read or is too short is refused in one sentence") {
  const TextFolder folder;
  const std::string at = folder.path.string(), short_text = folder.add("a", counting(1000));
  CHECK_THROWS_WITH(text("", 8), "text: no text is given; name a file or folder with --text PATH");
  CHECK_THROWS_AS(text("", 8), UsageError);
  CHECK_THROWS_WITH(text(at + "/none", 8),
                    at + "/none: there is no such file or folder; name the text with --text PATH");
  CHECK_THROWS_AS(text(at + "/none", 8), FileError);
  const std::string empty = folder.add("empty", "");
  CHECK_THROWS_WITH(text(empty, 8), empty + ": it contains no text; name another file or folder");
  CHECK_THROWS_AS(text(empty, 8), FileError);
  fs::create_directories(folder.path / "bare");
  CHECK_THROWS_AS(text(at + "/bare", 8), FileError);
  CHECK_THROWS_WITH(text(short_text, 848),
                    "text: " + short_text +
                        " has 847 contiguous bytes to train on, too few for "
                        "a length of 848; give a longer text or a shorter length");
  CHECK_THROWS_AS(text(short_text, 848), UsageError);
  const auto task = text(short_text, 64);
  CHECK(task->sequences({.length = 104}) == 1);
  CHECK_THROWS_WITH(task->sequences({.length = 64, .longest = 105}),
                    "text: " + short_text +
                        " has 104 contiguous bytes to test on, too few for a "
                        "length of 105; give a longer text or a shorter length");
  CHECK_THROWS_WITH(task->sequences({.length = 16}),
                    "text: a length of 16 can't hold the 32 targets that are compared; test "
                    "lengths of 32 or more");
  CHECK_THROWS_AS(task->sequences({.length = 16}), UsageError);
}

TEST_CASE("masked text hides 15 % of its bytes, and the same ones at every evaluated length") {
  const TextFolder folder;
  const auto task = masked(text(folder.add("a", counting(60000)), 64));
  int hidden = 0, masks = 0, kept = 0;
  for (int step = 0; step < 40; ++step) {
    const Batch batch = task->train(1, step, 32);
    CHECK(batch.extent == 64);
    for (int i = 0; i < int(batch.tokens.size()); ++i) {
      if (batch.targets[i] < 0) continue;
      CHECK(i % batch.extent != 0);
      ++hidden, masks += batch.tokens[i] == 257, kept += batch.tokens[i] == batch.targets[i];
    }
  }
  const double places = 40 * 32 * 63;
  CHECK(hidden / places == Approx(0.15).margin(0.005));  // 80,000 draws: 4 standard deviations
  CHECK(double(masks) / hidden == Approx(0.8).margin(0.015));
  CHECK(double(kept) / hidden == Approx(0.1).margin(0.012));

  const auto targets = [&](int length) {
    const Batch batch = task->test({.length = length, .longest = 128}, 0, 8);
    std::vector<int> ends;
    for (int b = 0; b < 8; ++b)
      for (int t = length - 31; t < length; ++t) ends.push_back(batch.targets[b * length + t]);
    return ends;
  };
  CHECK(targets(32) == targets(128));
  const std::vector<int> at_64 = targets(64);
  CHECK(std::count(at_64.begin(), at_64.end(), -1) < 8 * 31);
}
