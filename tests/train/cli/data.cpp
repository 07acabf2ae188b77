#include <nlohmann/json.hpp>

#include "datasets/base/dataset.h"
#include "tests/support/binary.h"
#include "tests/support/catch.h"

using namespace yonder;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::Matches;

namespace {

std::string said(const std::string& arguments) {
  const Ran ran = yonder_run("data " + arguments);
  INFO(arguments << ": " << ran.err);
  CHECK(ran.code == 0);
  CHECK(ran.err == "");
  return ran.out;
}

std::string last_line(const std::string& text) {
  return text.substr(text.rfind('\n', text.size() - 2) + 1);
}

}  // namespace

TEST_CASE("data describes every task and shows samples of the requested length") {
  const std::string readme = YONDER_SOURCE "/README.md";
  for (const TaskEntry& e : tasks()) {
    const auto task = e.make();
    std::string named = e.name + " --length 12 --show 3";
    if (task->reads_files() && !task->is_text()) continue;
    if (task->is_text()) named += (e.name == "text" ? " --text " : " --tiled.path ") + readme;
    const std::string text = said(named);
    CHECK_THAT(text, ContainsSubstring(e.name + ": " + e.title) && ContainsSubstring(e.form) &&
                         ContainsSubstring(e.paper));
    for (const Option& o : task->options())
      CHECK_THAT(text, ContainsSubstring(o.name) && ContainsSubstring(o.help));
    for (const char* more : {"", " --bidirectional"}) {
      const auto json = nlohmann::json::parse(said(named + more + " --json"));
      REQUIRE(json["samples"].size() == 3);
      for (const auto& s : json["samples"]) {
        CHECK(s["tokens"].size() == json["tokens"]);
        CHECK(s["targets"].size() == json["tokens"]);
      }
      CHECK(json["options"].size() == task->options().size());
    }
  }
}

TEST_CASE("data prints targets in brackets, and a masked token with its name") {
  CHECK(said("copy --seed 4") == said("copy --seed 4"));
  CHECK(said("copy --seed 4") != said("copy --seed 5"));
  CHECK_THAT(last_line(said("parity --length 2 --show 1")),
             Matches("<bos> [01] [01] <sep> \\[[01] <eos>\\]\n"));
  CHECK_THAT(last_line(said("parity --length 2 --show 1 --bidirectional")),
             Matches("<bos> [01] [01] <sep> \\[<mask>=[01] <mask>=<eos>\\]\n"));
  const std::string path = "text --text " YONDER_SOURCE "/LICENSE --length 20 --show 1";
  CHECK(last_line(said(path)).size() == 5 + 2 + 20 + 1);
  CHECK(said(path) != said(path + " --seed 1"));
  CHECK(said("copy --part test") == said("copy --part test --seed 1"));
  CHECK(said("copy --part test") != said("copy --part validation"));
  CHECK_THAT(said("passkey --part test --passkey.lag 9 --show 1"),
             ContainsSubstring("lags 9 9 9 9 9\n"));
  CHECK_THAT(said("addition --length 2 --show 1"),
             ContainsSubstring("  powers of ten . 0 1 . 0 1 . 0 1 2\n"));
}

TEST_CASE("data refuses what cannot be shown") {
  for (const auto& [arguments, said] : std::vector<std::pair<std::string, std::string>>{
           {"", "TASK is missing"},
           {"cpoy", "did you mean 'copy'?"},
           {"copy --length 0", "--length: '0'"},
           {"copy --part tests", "did you mean 'test'?"},
           {"copy --recall.keys 9", "the task in use is copy"},
           {"recall --length 200", "--recall.keys 200"},
           {"text", "--text PATH"}}) {
    const Ran ran = yonder_run("data " + arguments);
    INFO(arguments);
    CHECK(ran.code == 2);
    CHECK(ran.out == "");
    CHECK_THAT(ran.err, ContainsSubstring(said));
  }
}
