#include <algorithm>
#include <nlohmann/json.hpp>

#include "encodings/base/encoding.h"
#include "tests/support/binary.h"
#include "tests/support/catch.h"

using namespace yonder;

TEST_CASE("list prints every encoding and task in one terminal line, or as JSON") {
  const Ran text = yonder_run("list encodings"), json = yonder_run("list encodings --json");
  const auto all = nlohmann::json::parse(json.out);
  CHECK(all.size() == registry().size());
  for (const std::string& line : lines_of(text.out)) CHECK(line.size() <= 80);
  for (const auto& one : all) {
    CHECK_FALSE(one["title"].get<std::string>().empty());
    CHECK_FALSE(one["paper"].get<std::string>().empty());
    CHECK(contains(text.out, "\n  " + one["name"].get<std::string>() + " "));
    CHECK(contains(text.out, one["title"].get<std::string>().substr(0, 40)));
  }
  CHECK(contains(yonder_run("list tasks").out, "copy"));
  CHECK(yonder_run("list encoding").code == 2);
}

TEST_CASE("each room's README.md has exactly the table that the program prints") {
  for (const auto& [what, room] : std::vector<std::pair<std::string, std::string>>{
           {"encodings", "encodings"}, {"tasks", "datasets"}, {"presets", "train"}}) {
    INFO(room << "/README.md: yonder list " << what << " --markdown");
    const std::string readme = content_of(YONDER_SOURCE "/" + room + "/README.md");
    CHECK(contains(readme, yonder_run("list " + what + " --markdown").out));
  }
}

TEST_CASE("README.md says how many encodings, tasks and presets there are") {
  const auto count = [](const std::string& what) {
    const auto all = nlohmann::json::parse(yonder_run("list " + what + " --json").out);
    return std::to_string(all.size()) + " " + what;
  };
  std::string readme = content_of(YONDER_SOURCE "/README.md");
  std::replace(readme.begin(), readme.end(), '\n', ' ');
  for (const std::string what : {"encodings", "tasks", "presets"})
    CHECK(contains(readme, count(what)));
}

TEST_CASE("show explains every encoding: formula, options, parameters") {
  for (const auto& one : nlohmann::json::parse(yonder_run("list encodings --json").out)) {
    const std::string name = one["name"];
    const Ran ran = yonder_run("show encoding " + name);
    INFO(name << ran.err);
    CHECK(ran.code == 0);
    CHECK(contains(ran.out, one["formula"].get<std::string>()));
    CHECK(contains(ran.out, "ptions"));
    CHECK(contains(ran.out, "arameters"));
  }
  CHECK(contains(yonder_run("show encoding learned").out, "encoding.learned.table"));
  CHECK(contains(yonder_run("show encoding ropee").err, "did you mean 'rope'"));
  CHECK(contains(yonder_run("show encoding yarn").err,
                 "'yarn' is an extension of rope, as in rope:rope.scaling=yarn"));
  CHECK(contains(yonder_run("show encoding rope").out, "--rope.beta-fast"));
  CHECK(contains(yonder_run("show /nowhere").err, "there is no run here"));
}
