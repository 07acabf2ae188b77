#include "train/report/table.h"

#include <algorithm>
#include <sstream>

#include "tests/support/binary.h"
#include "tests/support/catch.h"
#include "tests/support/results_fixture.h"
#include "train/results/format.h"
#include "train/results/orderings.h"
#include "train/results/summary.h"

using namespace yonder;
using Catch::Approx;

namespace {

int columns(const std::string& line) {
  return int(std::count_if(line.begin(), line.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

}  // namespace

TEST_CASE("a wide table has median and range of each cell in one line") {
  CHECK(table(found_text(), Measure::loss, {.columns = 100}) ==
        "                           64               128               512\n"
        "                      trained                2×                8×\n"
        "KERPLE       1.61 [1.60–1.62]  1.62 [1.61–1.63]  1.64 [1.63–1.65]\n"
        "RoPE         1.61 [1.60–1.62]  2.01 [2.00–2.02]  4.97 [4.96–4.98]\n"
        "RoPE + YaRN  1.61 [1.60–1.62]  1.71 [1.70–1.72]  1.93 [1.92–1.94]\n"
        "learned      1.71 [1.70–1.72]        table ends        table ends\n");
}

TEST_CASE("in a narrow terminal, the range is below the median and aligned with it") {
  CHECK(table(found_text(), Measure::loss, {.columns = 60}) ==
        "                    64         128         512\n"
        "               trained          2×          8×\n"
        "KERPLE            1.61        1.62        1.64\n"
        "             1.60–1.62   1.61–1.63   1.63–1.65\n"
        "RoPE              1.61        2.01        4.97\n"
        "             1.60–1.62   2.00–2.02   4.96–4.98\n"
        "RoPE + YaRN       1.61        1.71        1.93\n"
        "             1.60–1.62   1.70–1.72   1.92–1.94\n"
        "learned           1.71  table ends  table ends\n"
        "             1.70–1.72\n");
}

TEST_CASE("a table of one seed has no ranges, and shares are in percent") {
  CHECK(table(found_task(), Measure::token_accuracy, {.columns = 80}) ==
        "            20    40\n"
        "       trained    2×\n"
        "RoPE     100.0  26.0\n"
        "ALiBi     99.9  99.0\n"
        "T5        50.0  40.0\n");
}

TEST_CASE("a value of fewer seeds than the heading names says how many") {
  Results r = found_text();
  std::erase_if(r.scores, [](const EvalScore& s) {
    return s.length == 512 && s.seed > (s.row.encoding == "kerple" ? 1 : 0);
  });
  const std::string text = table(r, Measure::loss, {.columns = 120});
  CHECK(contains(text, " (2 of 3) [1.63–1.64]\n"));
  CHECK(contains(text, "4.96 (1 of 3)\n"));
  CHECK_FALSE(contains(table(found_text(), Measure::loss, {.columns = 120}), " of 3"));
}

TEST_CASE("a cell is green within 5 % of its value at N, yellow within 25 %, else red") {
  const auto lines = lines_of(
      table(found_text(1), Measure::loss, {.columns = 80, .colour = TerminalStyle::coloured}));
  auto colour_before = [](const std::string& line, const std::string& value) {
    const auto at = line.rfind(value), escape = line.rfind("\033[", at);
    return line.substr(escape + 2, line.find('m', escape) - escape - 2);
  };
  CHECK(colour_before(lines[2], "1.63") == "32");
  CHECK(colour_before(lines[3], "2.00") == "33");
  CHECK(colour_before(lines[3], "4.96") == "31");
  CHECK(colour_before(lines[4], "1.92") == "33");
  CHECK(colour_before(lines[5], "table ends") == "2");
}

TEST_CASE("a row that has not learned its task, or has nothing to lose, gets no colour") {
  const TerminalStyle style{.columns = 80, .colour = TerminalStyle::coloured};
  const auto accuracy = lines_of(table(found_task(), Measure::token_accuracy, style));
  CHECK(contains(accuracy[2], "\033[31m"));
  CHECK_FALSE(contains(accuracy[4], "\033[3"));
  const auto exact = lines_of(table(found_task(), Measure::exact_match, style));
  CHECK_FALSE(contains(exact[2], "\033[3"));
}

TEST_CASE("without colour, a table has no escape codes and fits the given columns") {
  for (int width : {60, 80, 120}) {
    const std::string text = table(found_text(), Measure::loss, {.columns = width});
    CHECK_FALSE(contains(text, "\033"));
    for (const std::string& line : lines_of(text)) CHECK(columns(line) <= width);
  }
}

TEST_CASE("an extension is compared with the unextended model, so a cost at N shows") {
  Results r = found_text();
  for (EvalScore& s : r.scores)
    if (!s.row.extension.empty()) s.loss = 2.4;
  const Row yarn = r.rows[2];
  CHECK(r.degradation(yarn, 64, Measure::loss) == Approx(2.4 / 1.61));
}

TEST_CASE("sentences give the loss relative to the training length, and undefined encodings") {
  const auto said = summarize(found_text());
  CHECK(said[0] ==
        "Loss at 8× relative to length 64: KERPLE 1.02×, RoPE + YaRN 1.20×, RoPE 3.09×; learned is "
        "undefined.");
  CHECK(
      said[1] ==
      "Largest length with at most 5 % degradation: KERPLE 8×; RoPE, RoPE + YaRN and learned 1×.");
  CHECK(said[2] == "Same checkpoints at 8×: RoPE + YaRN 1.93 nats against 4.97 without.");
  CHECK(said[3] == "No better than a unigram byte model (3.19 nats) at 8×: RoPE.");
  CHECK(
      said[4] ==
      "At the training length KERPLE and RoPE (1.61 nats) are best and learned (1.71 nats) worst.");
}

TEST_CASE("an encoding is called best alone only if its printed value is") {
  Results r = found_text();
  for (EvalScore& s : r.scores)
    if (s.length == 64 && s.row.encoding == "kerple") s.loss = 1.5;
  CHECK(contains(summarize(r)[4], "KERPLE (1.50 nats) is best and learned (1.71 nats) worst."));
}

TEST_CASE("no encoding is called best if all printed values are equal") {
  Results r = found_text();
  for (EvalScore& s : r.scores)
    if (s.length == 64) s.loss = 1.7 + 0.0001 * double(s.row.encoding.size());
  CHECK(contains(summarize(r).back(), "At the training length all encodings have 1.70 nats."));
}

TEST_CASE("sentences follow the values") {
  Results r = found_text();
  for (EvalScore& s : r.scores)
    if (s.row.encoding == "kerple") s.loss *= s.length == 512 ? 3 : 1;
  CHECK(contains(summarize(r)[0], "KERPLE 3.06×"));
}

TEST_CASE("sentences say which encodings have not learned the task at the training length") {
  const auto said = summarize(found_task());
  CHECK(said[0] == "Token accuracy at 2×: ALiBi 99.0 %, T5 40.0 %, RoPE 26.0 %, chance 6.2 %.");
  CHECK(said[1] == "Largest length with at most 5 % degradation: ALiBi 2×; RoPE 1×.");
  CHECK(contains(said.back(), "Not learned at the training length"));
  CHECK(contains(said.back(), ": T5."));
}

TEST_CASE("sliding windows have their own sentence: what they give, and who is better without") {
  Results r = found_text();
  for (const char* encoding : {"rope", "kerple"}) {
    const Row row{encoding, {{"window.size", "0"}}};
    r.rows.push_back(row);
    r.scores.push_back({.row = row, .length = 512, .loss = row.encoding == "rope" ? 1.65 : 1.9});
  }
  const auto said = summarize(r);
  CHECK(said[3] ==
        "Same checkpoints with sliding-window attention (window = training length) at 8×: RoPE "
        "1.65 and KERPLE 1.90 nats. KERPLE beats its windowed baseline by more than 1 %.");
  for (const std::string& sentence : said) CHECK_FALSE(contains(sentence, "RoPE + window"));
  const Row narrow = parse_rows("rope:window.size=5")[0];
  r.rows.push_back(narrow);
  r.scores.push_back({.row = narrow, .length = 512, .loss = 2.9});
  CHECK(summarize(r)[3] == said[3]);
  CHECK(contains(summarize(r)[0], "RoPE + window 5 1.80×"));
}

TEST_CASE("a sentence names both ends of many rows, and each encoding's best of many extensions") {
  Results r = found_text(1);
  const EvalScore like = r.scores.front();
  for (int i = 0; i < 12; ++i)
    for (int length : r.lengths) {
      EvalScore s = like;
      s.row = parse_rows("rope:rope.scaling=ntk:rope.factor=" + std::to_string(i + 2))[0];
      s.length = length;
      s.loss = length == 64 ? 1.6 : 2.5 + 0.01 * i;
      r.scores.push_back(s);
      if (length == 64) r.rows.push_back(s.row);
    }
  const auto all = summarize(r);
  CHECK(all[0].find("more between") != std::string::npos);
  CHECK(all[0].size() < 320);
  CHECK(all[2] ==
        "Same checkpoints at 8×, the best override of each encoding, chosen on this very test: "
        "RoPE + YaRN 1.92 nats against 4.96 without (13 tried).");
  EvalScore other = *std::find_if(r.scores.begin(), r.scores.end(), [](const EvalScore& s) {
    return s.row.label() == "rope + yarn" && s.length == 512;
  });
  other.seed = 1, other.loss = 2;
  r.scores.push_back(other);
  CHECK(contains(summarize(r)[2], "RoPE + YaRN 1.96 (1.92–2.00) nats against"));
}

TEST_CASE("a model at chance, or degraded at a length, is not praised for beating its window") {
  Results r = found_text(1);
  r.rows = parse_rows("rope,rope:window.size=0");
  for (EvalScore& s : r.scores)
    if (s.row == parse_rows("rope:rope.scaling=yarn")[0]) s.row = r.rows[1], s.loss = 5.5;
  const auto last = [&r] {
    for (const std::string& sentence : summarize(r))
      if (contains(sentence, "sliding-window")) return sentence;
    return std::string();
  };
  CHECK(last().ends_with("Without it every model is at chance or degraded by over 25 %."));  // 4.96
  r.unigram_loss = 6;  // no longer at chance, yet three times its loss at the training length
  CHECK(last().ends_with("Without it every model is at chance or degraded by over 25 %."));
  for (EvalScore& s : r.scores)
    if (s.row.extension.empty() && s.length == 512) s.loss = 1.7;
  CHECK(last().ends_with("RoPE beats its windowed baseline by more than 1 %."));
  for (EvalScore& s : r.scores)
    if (s.row == r.rows[1]) s.loss = 1.7;
  CHECK(last().ends_with("No model beats its windowed baseline by more than 1 %."));
}

TEST_CASE("if every model is at chance, no sentence praises one") {
  Results r = found_text(1);
  r.unigram_loss = 1.4;
  for (const std::string& sentence : summarize(r))
    for (const char* praise : {"best", "at most 5 %", "against"}) {
      INFO(sentence);
      CHECK_FALSE(contains(sentence, praise));
    }
  CHECK(contains(summarize(r).back(), "no model is better than chance"));
}

TEST_CASE("a loss that is printed like the unigram model's counts as no better") {
  Results r = found_text(1);
  r.unigram_loss = 4.964;  // both are printed as 4.96
  CHECK(at_chance(r, r.rows[1], 512, Measure::loss));
  r.unigram_loss = 4.98;
  CHECK_FALSE(at_chance(r, r.rows[1], 512, Measure::loss));
}

TEST_CASE("terminal output has no control characters, and invalid UTF-8 is marked") {
  CHECK(printable("a\x1b[31mb\n\x7f") == "a?[31mb??");
  CHECK(printable("ε × − 漢 😀") == "ε × − 漢 😀");
  CHECK(printable("\xc2\x9b"
                  "31m\xff\xe2\x82\xc0\xaf\xed\xa0\x80") ==
        "??31m?????"
        "???");
  Results r = found_text(1);
  r.scores.back().reason = "\x1b]0;title\x07";
  CHECK_FALSE(contains(table(r, Measure::loss, {.columns = 80}), "\x1b"));
}
