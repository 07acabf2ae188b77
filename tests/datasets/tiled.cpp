#include <set>

#include "datasets/base/masked.h"
#include "tests/support/texts.h"

using namespace yonder;

namespace {

std::unique_ptr<Task> tiled(const std::string& path, TaskSettings settings, int length) {
  settings.push_back({"path", path});
  return prepared("tiled", settings, length);
}

// The smallest period c ≥ 1 of the bytes of `s`; its size if there is none.
int period(const std::string& s) {
  int c = 1;
  while (s.substr(c) != s.substr(0, s.size() - c)) ++c;
  return c;
}

}  // namespace

TEST_CASE("tiled: half of each training batch repeats its first N/8 to N/2 bytes, half is plain") {
  const TextFolder folder;
  const std::string content = counting(60000), path = folder.add("a", content);
  const auto task = tiled(path, {}, 64), plain = text(path, 64);
  std::set<int> tiles;
  for (int step = 0; step < 200; ++step) {
    const Batch batch = task->train(1, step, 16), same = plain->train(1, step, 16);
    check_window(batch, 64);
    int repeated = 0;
    for (int b = 0; b < 16; ++b) {
      const std::string s = bytes(batch, b);
      const int c = period(s);
      REQUIRE(s.substr(0, c) == bytes(same, b).substr(0, c));
      if (c >= 60) continue;  // numbered lines never repeat
      ++repeated;
      tiles.insert(c);
    }
    REQUIRE(repeated == 8);
  }
  // With 7 bytes a line, no tile of equal digits can have a shorter period.
  CHECK(*tiles.begin() >= 8);
  CHECK(*tiles.rbegin() <= 32);
  CHECK(tiles.size() == 25);
  const Batch a = task->train(5, 9, 4), b = task->train(5, 9, 8);
  CHECK(std::equal(a.tokens.begin(), a.tokens.end(), b.tokens.begin()));
}

TEST_CASE("tiled: options set the share and the size of tiles in training") {
  const TextFolder folder;
  const std::string path = folder.add("a", counting(60000));
  const auto repeated = [&](const TaskSettings& settings) {
    const Batch batch = tiled(path, settings, 64)->train(1, 0, 20);
    int n = 0;
    for (int b = 0; b < 20; ++b) n += period(bytes(batch, b)) < 60;
    return n;
  };
  CHECK(repeated({{"share", "0"}}) == 0);
  CHECK(repeated({{"share", "0.25"}}) == 5);
  CHECK(repeated({{"share", "1"}}) == 20);
  const Batch batch =
      tiled(path, {{"share", "1"}, {"least", "0.25"}, {"most", "0.25"}}, 64)->train(1, 0, 9);
  for (int b = 0; b < 9; ++b) CHECK(period(bytes(batch, b)) == 16);
  CHECK_THROWS_WITH(tiled(path, {{"least", "0.6"}}, 64),
                    "tiled.least: the shortest tile of training is longer than the longest; give "
                    "no more than tiled.most");
}

TEST_CASE("tiled: evaluation scores the same bytes of a later copy at every length") {
  const TextFolder folder;
  const std::string content = counting(60000);
  for (const auto& [tile, c] : {std::pair{"1", 64}, {"2", 128}, {"4", 256}}) {
    const auto task = tiled(folder.add("a", content), {{"tile", tile}}, 64);
    std::vector<std::string> targets;
    for (int length : {64, 100, 512}) {
      const EvalSpec spec{.length = length, .longest = 512, .count = 20};
      REQUIRE(task->sequences(spec) == std::min(20, 6000 / c));
      const Batch batch = task->test(spec, 0, task->sequences(spec));
      check_window(batch, length);
      std::vector<std::string> now;
      for (int b = 0; b < batch.size; ++b) {
        const std::string s = bytes(batch, b);
        now.push_back(scored(batch, b));
        REQUIRE(now.back().size() == 32);
        if (length < 512) continue;
        REQUIRE(period(s) == c);
        REQUIRE(s.substr(512 - 32 - c, 32) == now.back());
        // A tile is a stretch of the test part, and no two windows share one.
        REQUIRE(content.find(s.substr(0, c)) >= 53700);
        REQUIRE(content.find(s.substr(0, c)) != std::string::npos);
      }
      if (targets.empty()) targets = now;
      CHECK(now == targets);
      CHECK(std::set<std::string>(now.begin(), now.end()).size() == now.size());
    }
  }
}

TEST_CASE("tiled: a tile has bytes of one document only") {
  const TextFolder folder;
  const std::string d = counting(200, "d"), e = counting(90, "e");
  folder.add("a", counting(2000, "a")), folder.add("d", d), folder.add("e", e);
  const auto task = tiled(folder.path.string(), {}, 64);
  const EvalSpec spec{.length = 256};
  REQUIRE(task->sequences(spec) == 3 + 1);
  const Batch batch = task->test(spec, 0, 4);
  for (int b = 0; b < 4; ++b) {
    const std::string tile = bytes(batch, b).substr(0, 64);
    CHECK((d.find(tile) != std::string::npos || e.find(tile) != std::string::npos));
  }
}

TEST_CASE("tiled: with tile 0, evaluation and baselines are those of plain text") {
  const TextFolder folder;
  const std::string path = folder.add("a", counting(60000));
  const auto task = tiled(path, {{"tile", "0"}}, 64), plain = text(path, 64);
  for (auto protocol : {Protocol::fixed_targets, Protocol::non_overlapping, Protocol::sliding}) {
    const EvalSpec spec{.length = 64, .longest = 256, .count = 9, .protocol = protocol};
    REQUIRE(task->sequences(spec) == plain->sequences(spec));
    CHECK(task->test(spec, 0, 9).tokens == plain->test(spec, 0, 9).tokens);
    CHECK(task->test(spec, 0, 9).targets == plain->test(spec, 0, 9).targets);
  }
  CHECK(task->chance_accuracy(64) == plain->chance_accuracy(64));
  CHECK(task->unigram_loss() == plain->unigram_loss());
}

TEST_CASE("tiled: validation is mixed like training, from bytes of its own") {
  const TextFolder folder;
  const std::string content = counting(60000);
  const auto task = tiled(folder.add("a", content), {}, 64);
  const EvalSpec spec{.length = 64, .split = Split::validation};
  const Batch batch = task->test(spec, 0, 40);
  int repeated = 0;
  for (int b = 0; b < 40; ++b) {
    const std::string s = bytes(batch, b);
    const int c = period(s);
    repeated += c < 60;
    const std::size_t at = content.find(s.substr(0, std::min(c, 60)));
    if (c > 20) CHECK((at >= 50700 && at < 54000));
  }
  CHECK(repeated == 20);
  CHECK(bytes(task->test(spec, 7, 2), 0) == bytes(batch, 7));
}

TEST_CASE("tiled: an impossible evaluation is refused with a suggestion") {
  const TextFolder folder;
  const std::string path = folder.add("a", counting(3000));
  CHECK_THROWS_WITH(tiled("", {}, 8),
                    "tiled: no text is given; name a file or folder with --tiled.path PATH");
  const auto task = tiled(path, {}, 64);
  CHECK_THROWS_WITH(task->sequences({.length = 64}),
                    "tiled: no length reaches the second copy of 64 bytes; test up to 96 or more, "
                    "or set --tiled.tile");
  CHECK_THROWS_WITH(task->sequences({.length = 128, .protocol = Protocol::sliding}),
                    "tiled: repeated text is evaluated with the protocol fixed-targets only; "
                    "remove --eval-protocol, or set --tiled.tile 0 for plain text");
  CHECK_THROWS_WITH(tiled(path, {{"tile", "8"}}, 64)->sequences({.length = 1024}),
                    "tiled: " + path + " has 305 contiguous bytes to test on, too few for a " +
                        "length of 512; give a longer text or a shorter length");
}

TEST_CASE("masked tiled text hides bytes that its other copies show") {
  const TextFolder folder;
  const auto task = masked(tiled(folder.add("a", counting(60000)), {}, 64));
  const Batch batch = task->test({.length = 256}, 0, 20);
  int hidden = 0, shown = 0;
  for (int b = 0; b < 20; ++b)
    for (int t = 64; t < 256; ++t) {
      const int* at = &batch.tokens[b * 256 + t];
      const int asked = batch.targets[b * 256 + t];
      if (asked < 0) continue;
      ++hidden, shown += *(at - 64) == asked;
    }
  CHECK(hidden > 40);
  CHECK(shown > 0.7 * hidden);  // 85 % of the previous copy's bytes are not hidden themselves
}
