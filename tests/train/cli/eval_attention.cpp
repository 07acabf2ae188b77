#include "tests/support/binary.h"
#include "tests/support/catch.h"
#include "tests/support/csv.h"
#include "tests/support/refused.h"

using namespace yonder;
using Catch::Approx;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("eval --attention writes a line for each length, layer and head, and changes no score") {
  const Folder folder;
  REQUIRE(yonder_run("train --task recall --encoding alibi --train-length 4 --width 16 --heads 2 "
                     "--layers 2 --batch 4 --steps 3 --quiet --out " +
                     (folder / "run"))
              .code == 0);
  const std::string eval =
                        "eval " + (folder / "run") + " --eval-lengths 4,16 --examples 8 --quiet ",
                    attention = "--attention " + (folder / "a.csv");
  const Ran plain = yonder_run(eval), observed = yonder_run(eval + attention);
  REQUIRE(observed.code == 0);
  CHECK(observed.out.starts_with(plain.out));
  CHECK_THAT(observed.out, ContainsSubstring("within N"));
  const auto lines = read_csv(content_of(folder / "a.csv"));
  REQUIRE(lines.size() == 2 * 2 * 2);
  for (const auto& line : lines) {
    const double told = std::stod(line.at("told")), within = std::stod(line.at("within"));
    CHECK(std::stod(line.at("spent")) == Approx(1).margin(1e-5));
    CHECK((told >= 0 && told <= 1));
    if (line.at("eval_length") == "4") CHECK(within == Approx(1));
    else CHECK(within < 1);
    double mass = 0;
    for (const auto& [column, cell] : line)
      if (column[0] == 'd' && column != "distance") mass += std::stod(cell);
    CHECK(mass == Approx(1).margin(1e-5));
  }
}

TEST_CASE("eval --attention of several rows has the values of each override alone") {
  const Folder folder;
  REQUIRE(yonder_run("train --task recall --encoding rope --train-length 4 --width 16 --heads 2 "
                     "--layers 1 --batch 4 --steps 3 --quiet --out " +
                     (folder / "run"))
              .code == 0);
  const std::string eval =
      "eval " + (folder / "run") + " --eval-lengths 4,16 --examples 8 --quiet --attention-map 8 ";
  using Lines = std::vector<std::map<std::string, std::string>>;
  const auto observed = [&](const std::string& flags, Lines& looks, Lines& maps) {
    const Ran ran = yonder_run(eval + flags + " --attention " + (folder / "a.csv"));
    REQUIRE(ran.code == 0);
    for (const auto& line : read_csv(content_of(folder / "a.csv"))) looks.push_back(line);
    for (const auto& line : read_csv(content_of(folder / "a.map.csv"))) maps.push_back(line);
    return ran.out;
  };
  Lines looks, maps, alone, maps_alone;
  const std::string out =
      observed("--extensions rope.scaling=yarn,window.size=8 --sharpen 1,2", looks, maps);
  CHECK_THAT(out, ContainsSubstring("attention of RoPE\n") &&
                      ContainsSubstring("attention of RoPE + YaRN, sharpen 2\n"));
  for (const char* flags : {"", "--sharpen.by 2", "--rope.scaling yarn",
                            "--rope.scaling yarn --sharpen.by 2", "--window.size 8"})
    observed(flags, alone, maps_alone);
  CHECK(alone.size() == 5 * 2 * 2);
  // The last row, with both overrides, comes after these.
  REQUIRE(looks.size() == 6 * 2 * 2);
  for (std::size_t i = 0; i < alone.size(); ++i) CHECK((looks[i] == alone[i]));
  REQUIRE(maps.size() > maps_alone.size());
  for (std::size_t i = 0; i < maps_alone.size(); ++i) CHECK((maps[i] == maps_alone[i]));
}

TEST_CASE("eval --attention-map is the same with 1, 2 and 3 threads, and its rows sum to 1") {
  const Folder folder;
  REQUIRE(yonder_run("train --task recall --encoding fire --train-length 4 --width 16 --heads 2 "
                     "--layers 2 --batch 4 --steps 3 --quiet --out " +
                     (folder / "run"))
              .code == 0);
  const std::string eval =
      "eval " + (folder / "run") + " --eval-lengths 4,64 --examples 3 --quiet --attention-map 16";
  std::string first;
  for (const char* threads : {"1", "2", "3"}) {
    REQUIRE(
        yonder_run(eval + " --threads " + threads + " --attention " + (folder / "a.csv")).code ==
        0);
    const std::string map = content_of(folder / "a.map.csv");
    if (first.empty()) first = map;
    CHECK(map == first);
  }
  const auto lines = read_csv(first);
  for (const auto& line : lines) {
    double mass = 0;
    for (const auto& [column, cell] : line)
      if (column[0] == 'k' && !cell.empty()) mass += std::stod(cell);
    CHECK(mass == Approx(1).margin(1e-5));
  }
  CHECK(lines.size() > 2 * 2 * 16);
  CHECK(lines.back().at("query") == "15");
  CHECK(refused(eval, 2, "--attention-map needs --attention FILE"));
}

TEST_CASE("sweep --attention adds attention.csv and a section, and changes no score") {
  const Folder folder;
  const auto swept = [&](const std::string& out, const std::string& more) {
    REQUIRE(yonder_run("sweep --task recall --encodings alibi,rope,rope:rope.scaling=yarn "
                       "--train-length 4 --eval-lengths 4,16 --width 16 --heads 2 --layers 2 "
                       "--batch 4 --steps 3 "
                       "--seeds 2 --examples 8 --quiet --out " +
                       (folder / out) + more)
                .code == 0);
  };
  swept("plain", "");
  swept("observed", " --attention");
  CHECK(content_of(folder / "plain/results.csv") == content_of(folder / "observed/results.csv"));
  CHECK(content_of(folder / "plain/report.html").find("Where it looks") == std::string::npos);
  CHECK_THAT(content_of(folder / "observed/report.html"), ContainsSubstring("Where it looks"));
  const auto lines = read_csv(content_of(folder / "observed/attention.csv"));
  // alibi, rope and rope + yarn, of two seeds at two lengths: two layers of two heads.
  CHECK(lines.size() == 3 * 2 * 2 * 2 * 2);
  CHECK(lines[0].at("encoding") == "alibi");
  // Maps are of the first seed at the longest length: three rows of two layers of two heads.
  const std::string results = content_of(folder / "observed/results.json");
  int maps = 0;
  for (std::size_t at = 0; (at = results.find("\"map\": [", at)) != results.npos; ++at) ++maps;
  CHECK(maps == 3 * 2 * 2);
  CHECK_THAT(content_of(folder / "observed/report.html"), ContainsSubstring("Attention maps"));
  // The sweep and eval find the same values.
  REQUIRE(yonder_run("eval " + (folder / "observed/cells/alibi-recall-s0") +
                     " --eval-lengths 4,16 --examples 8 --quiet --attention " + (folder / "a.csv"))
              .code == 0);
  const auto alone = read_csv(content_of(folder / "a.csv"));
  for (std::size_t i = 0; i < alone.size(); ++i)
    for (const auto& [column, cell] : alone[i]) CHECK(lines[i].at(column) == cell);
}
