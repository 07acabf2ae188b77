#include <algorithm>
#include <map>

#include "tests/support/binary.h"
#include "tests/support/catch.h"
#include "tests/support/refused.h"

using namespace yonder;
using Catch::Matchers::ContainsSubstring;

namespace {

const std::string& sampled_run(const std::string& task, const std::string& arguments) {
  static const Folder folder;
  static std::map<std::string, std::string> runs;
  if (const auto known = runs.find(task); known != runs.end()) return known->second;
  const std::string path = folder / task;
  const Ran ran =
      yonder_run("train --task " + task + arguments +
                 " --width 16 --heads 2 --layers 1 --batch 4 --steps 3 --quiet --out " + path);
  REQUIRE(ran.err == "");
  return runs[task] = path;
}

const std::string& text_run() {
  return sampled_run("text",
                     " --encoding learned --train-length 32 --text " YONDER_SOURCE "/README.md");
}

}  // namespace

TEST_CASE("sample continues a prompt the same way for a seed and any number of threads") {
  const std::string sample = "sample " + text_run() + " --prompt abc --tokens 20 --seed ";
  const Ran one = yonder_run(sample + "1 --threads 1"), two = yonder_run(sample + "1 --threads 2");
  REQUIRE(one.code == 0);
  CHECK(one.out.starts_with("abc"));
  CHECK(one.out.size() >= 24);  // the prompt, 20 tokens and a newline
  CHECK(one.out == two.out);
  CHECK(one.out != yonder_run(sample + "2").out);
  const std::string greedy = sample + "1 --temperature 0";
  CHECK(yonder_run(greedy).out == yonder_run(sample + "9 --temperature 3 --top-k 1").out);
}

TEST_CASE("sample shows a task's sequences, the correct answer and the model's") {
  const std::string& run = sampled_run("copy", " --encoding rope --train-length 4");
  const Ran ran = yonder_run("sample " + run + " --length 3 --count 2");
  REQUIRE(ran.code == 0);
  CHECK_THAT(ran.out, ContainsSubstring("<bos>") && ContainsSubstring("answer") &&
                          ContainsSubstring("model"));
  CHECK(std::count(ran.out.begin(), ran.out.end(), '\n') == 6);
}

TEST_CASE("sample accepts and answers a prompt in token names") {
  const std::string& run = sampled_run("copy", " --encoding rope --train-length 4");
  const Ran ran = yonder_run("sample " + run + " --prompt 'a b <sep>' --tokens 5 --temperature 0");
  REQUIRE(ran.code == 0);
  CHECK(ran.out.starts_with("<bos> a b <sep> "));
  CHECK(ran.out ==
        yonder_run("sample " + run + " --prompt '<bos>ab<sep>' --tokens 5 --temperature 0").out);
  CHECK(ran.out == yonder_run("sample " + run + " --prompt ab --tokens 5 --temperature 0").out);
}

TEST_CASE("sample prints UTF-8 characters whole, and escapes control characters") {
  const std::string sample = "sample " + text_run() + " --tokens 1 --temperature 0 --prompt ";
  const auto starts = [&](const std::string& prompt, const std::string& printed) {
    const Ran ran = yonder_run(sample + prompt);
    INFO(ran.out);
    CHECK(ran.out.starts_with(printed));
  };
  starts("'aé€x'", "aé€x");
  starts(R"sh("$(printf '\033[31m')")sh", R"(\x1b[31m)");
}

TEST_CASE("sample refuses in a sentence what it cannot do") {
  CHECK(refused("sample " + text_run() + " --prompt abc --tokens 200", 2, "learned"));
  const std::string& recall = sampled_run("recall", " --encoding rope --train-length 4");
  CHECK(refused("sample " + recall, 2, "has its targets among given tokens"));
  CHECK(refused("sample " + recall + " --prompt '<bos> ~'", 2, "not in the vocabulary"));
  const std::string& copy = sampled_run("copy", " --encoding rope --train-length 4");
  CHECK(refused("sample " + copy + " --prompt 'a b zz'", 2, "'zz' in the prompt"));
  CHECK(refused("sample /nowhere", 3, "/nowhere"));
}
