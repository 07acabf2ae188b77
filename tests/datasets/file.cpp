#include <cmath>
#include <map>
#include <set>

#include "core/io/npy.h"
#include "tests/support/texts.h"

using namespace yonder;
using Catch::Matchers::ContainsSubstring;

namespace {

// n lines whose answer is the prompt's last character: 1 to 8 letters and the line's index.
std::string json_lines(int n) {
  std::string all;
  for (int i = 0; i < n; ++i) {
    std::string prompt;
    for (int k = 0, x = i * 7919; k < 1 + i % 8; ++k, x /= 26) prompt += char('a' + x % 26);
    prompt += std::to_string(i);
    all += R"({"prompt": ")" + prompt + R"(", "answer": ")" + prompt.back() + R"(", "told": [)" +
           std::to_string(prompt.size() - 1) + R"(], "length": )" + std::to_string(1 + i % 8) +
           "}\n";
  }
  return all;
}

std::unique_ptr<Task> of_file(const std::string& path, TaskSettings settings = {}, int length = 4) {
  settings.push_back({"path", path});
  return prepared("file", settings, length);
}

std::set<std::vector<int>> prompts(const Batch& batch) {
  std::set<std::vector<int>> all;
  for (int b = 0; b < batch.size; ++b) all.insert(row(batch, b).question());
  return all;
}

}  // namespace

TEST_CASE("file: lines of JSON are sequences, and their told indices become lags") {
  const TextFolder folder;
  const auto task = of_file(folder.add("a.jsonl", json_lines(400)));
  CHECK(task->vocabulary() == 3 + 256);
  const Batch batch = task->train(1, 0, 32);
  CHECK(batch.lengths.size() == 32);
  for (int b = 0; b < batch.size; ++b) {
    const TaskSequence r = row(batch, b);
    const auto q = r.question();
    REQUIRE(r.answer() == std::vector<int>{q.back(), EOS});
    REQUIRE(batch.lag[std::size_t(b) * batch.extent + r.end_of_question()] == 1);
    REQUIRE(task->spelled(q[0])[0] >= 'a');
  }
  const Batch again = task->train(1, 0, 64);
  for (int b = 0; b < 32; ++b) CHECK(row(again, b).question() == row(batch, b).question());
}

TEST_CASE("file: splits share no prompt, and adding lines moves none to another split") {
  const TextFolder folder;
  const auto few = of_file(folder.add("a.jsonl", json_lines(400)), {}, 8),
             more = of_file(folder.add("b.jsonl", json_lines(800)), {}, 8);
  const auto part = [](const Task& task, Split p) {
    const EvalSpec spec{.length = 8, .split = p};
    return prompts(task.test(spec, 0, task.sequences(spec)));
  };
  const auto tested = part(*few, Split::test), validated = part(*few, Split::validation);
  CHECK(tested.size() > 8);
  CHECK(tested.size() < 40);
  CHECK(validated.size() > 8);
  const auto later = part(*more, Split::test);
  for (const auto& p : tested) CHECK(later.count(p) == 1);
  for (const auto& p : validated) CHECK(!tested.count(p));
  for (int step = 0; step < 100; ++step)
    for (const auto& p : prompts(few->train(0, step, 16)))
      CHECK((!tested.count(p) && !validated.count(p)));
}

TEST_CASE("file: training has the short lines, and a longer evaluation only longer lines") {
  const TextFolder folder;
  const auto task = of_file(folder.add("a.jsonl", json_lines(800)), {}, 4);
  for (const int length : {4, 8}) {
    const EvalSpec spec{.length = length};
    const Batch batch = task->test(spec, 0, task->sequences(spec));
    for (int b = 0; b < batch.size; ++b) {
      int letters = 0;
      for (const int t : row(batch, b).question()) letters += task->spelled(t)[0] >= 'a';
      CHECK((length == 4 ? letters <= 4 : letters > 4));
    }
  }
}

TEST_CASE("file: lines may hold ids, and each split may have its own file") {
  const TextFolder folder;
  const std::string train = R"({"prompt": [5, 6], "answer": [7]})"
                            "\n"
                            R"({"prompt": [1], "answer": [9, 2]})"
                            "\n",
                    test = R"({"prompt": [6], "answer": [6]})"
                           "\n";
  const auto task =
      of_file(folder.add("a.jsonl", train),
              {{"test", folder.add("t.jsonl", test)},
               {"validation", folder.add("v.jsonl", R"({"prompt": [0], "answer": [0]})")}});
  CHECK(task->vocabulary() == 3 + 10);
  CHECK(task->spelled(3 + 9) == "9");
  CHECK(task->sequences({.length = 4}) == 1);
  CHECK(row(task->test({.length = 4}, 0, 1), 0).tokens == std::vector<int>{BOS, 9, SEP, 9});
  CHECK(task->chance_accuracy(4) == 1);
  CHECK(task->checksum() != of_file(folder.add("b.jsonl", train + "\n" + test))->checksum());
}

TEST_CASE("file: the targets of an array are its next tokens, or those in its targets file") {
  const TextFolder folder;
  // Two rows [4, 5, 6] and [7, 8, −1], by hand: npy 1.0, int32.
  const auto npy = [&](const std::string& name, const std::vector<int>& values) {
    std::string header = "{'descr': '<i4', 'fortran_order': False, 'shape': (2, 3), }";
    header.resize(117, ' ');
    std::string file = "\x93NUMPY";
    file += '\x01', file += '\0', file += char(118), file += '\0', file += header + "\n";
    for (int v : values) file.append(reinterpret_cast<const char*>(&v), 4);
    return folder.add(name, file);
  };
  const std::string path = npy("a.npy", {4, 5, 6, 7, 8, -1});
  const TaskSettings own{{"test", npy("t.npy", {1, 2, 3, 3, 2, 1})},
                         {"validation", npy("v.npy", {2, 2, 2, 3, 3, 3})}};
  const auto task = of_file(path, own);
  const Batch test = task->test({.length = 4}, 0, 2);
  CHECK(row(test, 0).tokens == std::vector<int>{BOS, 4, 5});
  CHECK(row(test, 0).targets == std::vector<int>{4, 5, 6});
  npy("t.targets.npy", {-1, 0, 1, 1, 1, 0}), npy("v.targets.npy", {0, 0, 0, 0, 0, 0}),
      npy("a.targets.npy", {0, 1, 0, 1, 0, -1});
  const auto labelled = of_file(path, own);
  CHECK(labelled->labels());
  const Batch labels = labelled->test({.length = 4}, 0, 2);
  CHECK(row(labels, 0).tokens == std::vector<int>{BOS, 4, 5, 6});
  CHECK(row(labels, 0).targets == std::vector<int>{-1, -1, 3, 4});
}

TEST_CASE("file: errors name the file, line and field") {
  const TextFolder folder;
  const auto refused = [&](const std::string& content, const std::string& why) {
    const std::string path = folder.add("bad.jsonl", content);
    try {
      of_file(path);
    } catch (const FileError& e) {
      const std::string said = e.what();
      INFO(said);
      CHECK(said.starts_with(path));
      CHECK(contains(said, why));
      return;
    }
    FAIL("accepted: " << content);
  };
  const std::string good = R"({"prompt": "a", "answer": "b"})"
                           "\n";
  refused(good + "{\"prompt\": \n", ":2");
  refused(good + R"({"prompt": "a"})", ":2: \"answer\" is missing");
  refused(R"({"prompt": "a", "answer": ""})", ":1: \"answer\" is empty");
  refused(R"({"prompt": "a", "answer": "b", "x": 1})", ":1: \"x\" is not a key");
  refused(R"({"prompt": "a", "answer": [1]})", "mixes texts with ids");
  refused(R"({"prompt": [1.5], "answer": [1]})", "1.5");
  refused(R"({"prompt": [-1], "answer": [1]})", "-1");
  refused(R"({"prompt": [1], "answer": [1], "told": [1]})", "told");
  refused(R"({"prompt": [1], "answer": [1], "length": 0})", "length");
  refused("\n\n", "no sequence");
  refused("{\"prompt\": \"\xff\", \"answer\": \"b\"}", ":1");
  CHECK_THROWS_WITH(
      of_file(""),
      "file: no file is given; name a .jsonl, .npy or .bin file with --file.path PATH");
  CHECK_THROWS_AS(of_file(folder.add("a.txt", good)), UsageError);
  const std::string path = folder.add("c.jsonl", good), same = folder.add("d.jsonl", good);
  CHECK_THROWS_WITH(
      of_file(path, {{"test", same}}),
      same + ":1: the same prompt is in another part, " + path + ":1; remove one of them");
}

namespace {

// n ids of two bytes each; the k-th is k mod 50.
std::string stream(int n) {
  std::string bytes;
  for (int k = 0; k < n; ++k) bytes += {char(k % 50), char(0)};
  return bytes;
}

}  // namespace

TEST_CASE("file: windows of nanoGPT's .bin end at the same tokens at every length") {
  const TextFolder folder;
  const auto task = of_file(folder.add("a.bin", stream(4000)), {}, 16);
  CHECK(task->vocabulary() == 3 + 50);
  const Batch batch = task->train(1, 0, 8);
  REQUIRE(batch.extent == 16);
  for (int b = 0; b < 8; ++b) {
    REQUIRE(batch.tokens[b * 16] == BOS);
    for (int t = 0; t < 16; ++t) {
      if (t > 0) REQUIRE(batch.tokens[b * 16 + t] == batch.targets[b * 16 + t - 1]);
      if (t > 1) REQUIRE((batch.tokens[b * 16 + t] - batch.tokens[b * 16 + t - 1] + 50) % 50 == 1);
    }
  }
  const auto asked = [&](int length) {
    const EvalSpec trial{.length = length, .longest = 64, .scored = 8};
    const int n = task->sequences(trial);
    const Batch all = task->test(trial, 0, n);
    REQUIRE(all.extent == length);
    std::vector<int> targets;
    for (int y : all.targets)
      if (y >= 0) targets.push_back(y);
    REQUIRE(int(targets.size()) == 8 * n);
    return targets;
  };
  CHECK(asked(16) == asked(64));
  CHECK(task->chance_accuracy(16) == Catch::Approx(0.02));
}

TEST_CASE("file: a folder's train.bin and val.bin are splits, and meta.json has its vocabulary") {
  const TextFolder folder;
  folder.add("f/train.bin", stream(200));
  folder.add("f/val.bin", stream(400));
  folder.add("f/meta.json", "{\"vocabulary\": 60}");
  const std::string path = folder.path / "f";
  const auto task = of_file(path, {}, 16);
  CHECK(task->vocabulary() == 3 + 60);
  CHECK(task->sequences({.length = 16, .scored = 8}) ==
        task->sequences({.length = 16, .scored = 8, .split = Split::validation}));
  CHECK(of_file(path, {{"vocabulary", "70"}}, 16)->vocabulary() == 73);
  CHECK(std::isnan(task->bytes_per_token()));
  folder.add("f/meta.json", "{\"bytes\": 1500}");
  CHECK(of_file(path, {}, 16)->bytes_per_token() == 1500 / 600.0);
  CHECK(std::isnan(of_file(path + "/val.bin", {}, 16)->bytes_per_token()));
}

TEST_CASE("file: an invalid stream is refused in a message that says what is allowed") {
  const TextFolder folder;
  const auto refused = [&](const std::string& name, const std::string& content,
                           const std::string& why, TaskSettings settings = {}) {
    const std::string path = folder.add(name, content);
    CHECK_THROWS_WITH(of_file(path, settings, 16),
                      ContainsSubstring(path) && ContainsSubstring(why));
  };
  refused("odd.bin", "abc", "3 bytes, an odd number");
  refused("short.bin", stream(10), "too few for a length of 16");
  refused("none.bin", "", "too few");
  refused("large.bin", stream(400), "10, which is not in 0..9", {{"vocabulary", "10"}});
  const std::string good = folder.add("good.bin", stream(400));
  CHECK_THROWS_WITH(of_file(good, {{"test", good}}, 16), ContainsSubstring("folder"));
  const auto task = of_file(good, {}, 16);
  CHECK_THROWS_WITH(task->sequences({.length = 100, .scored = 8}),
                    ContainsSubstring("40 tokens to test on"));
  CHECK_THROWS_WITH(task->sequences({.length = 4, .scored = 8}), ContainsSubstring("8 or more"));
  folder.add("g/train.bin", stream(400));
  CHECK_THROWS_WITH(of_file(folder.path / "g", {}, 16), ContainsSubstring("val.bin"));
  for (const char* meta : {"[]", "{\"vocab\": 3}", "{\"bytes\": -1}", "{\"bytes\": \"many\"}",
                           "{\"vocabulary\": 0}", "{\"vocabulary\": 1.5}"}) {
    folder.add("meta.json", meta);
    CHECK_THROWS_WITH(of_file(good, {}, 16), ContainsSubstring("meta.json"));
  }
}
