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
  CHECK(refused(eval + attention + " --sharpen 1,2", 2, "--attention is of one model"));
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
  // The sweep and eval see the same.
  REQUIRE(yonder_run("eval " + (folder / "observed/cells/alibi-recall-s0") +
                     " --eval-lengths 4,16 --examples 8 --quiet --attention " + (folder / "a.csv"))
              .code == 0);
  const auto alone = read_csv(content_of(folder / "a.csv"));
  for (std::size_t i = 0; i < alone.size(); ++i)
    for (const auto& [column, cell] : alone[i]) CHECK(lines[i].at(column) == cell);
}
