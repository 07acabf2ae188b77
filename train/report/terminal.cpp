#include "train/report/terminal.h"

#include <fmt/core.h>
#include <algorithm>
#include <filesystem>

#include "encodings/base/encoding.h"
#include "train/results/format.h"
#include "train/results/orderings.h"
#include "train/results/predictions.h"
#include "train/results/summary.h"

namespace yonder {
namespace {

namespace fs = std::filesystem;

// How to call this program from the current folder.
std::string program() {
  std::error_code error;
  const fs::path path = fs::read_symlink("/proc/self/exe", error);
  if (error) return "yonder";
  const std::string near = fs::relative(path, error).string();
  return error || near.starts_with("../..")    ? path.string()
         : near.find('/') == std::string::npos ? "./" + near
                                               : near;
}

std::string wrapped(const std::string& unsafe, int columns) {
  const std::string text = printable(unsafe);
  std::string out, line;
  for (std::size_t i = 0; i < text.size();) {
    std::size_t end = std::min(text.find(' ', i), text.size());
    if (text.compare(end, 2, " %") == 0) end = std::min(text.find(' ', end + 1), text.size());
    const std::string next = text.substr(i, end - i);
    if (!line.empty() && int(line.size() + 1 + next.size()) > columns)
      out += line + "\n", line = "";
    line += (line.empty() ? "" : " ") + next;
    i = end + 1;
  }
  return out + line + "\n";
}

std::string title(const Study& study, const Results& r, const Measure& m) {
  std::string text = (study.panels.size() > 1 ? r.title() + ": " : "") + m.title;
  if (r.text && r.protocol == "fixed-targets") text += ", same target bytes at every length";
  if (r.seeds > 1) text += fmt::format("; median and range of {} seeds", r.seeds);
  return text;
}

// "Ranking at 512 (seeds in which each order holds): KERPLE < RoPE + YaRN (3 of 3) < RoPE (3 of
// 3)."
std::string order(const Results& r) {
  const int longest = r.longest();
  std::string text;
  for (const Ordering& o : orderings(r, longest, r.measures().front())) {
    if (at_chance(r, o.better, o.length, o.measure)) break;  // order at chance level means nothing
    if (text.empty())
      text = fmt::format("Ranking at {} (seeds in which each order holds): {}", longest,
                         o.better.printed());
    const bool equal = o.pairs.below == 0 && o.pairs.above == 0;  // in every seed
    text += equal ? " = " + o.worse.printed()
                  : fmt::format(" {} {} ({} of {})", o.measure.percent ? ">" : "<",
                                o.worse.printed(), o.agree, o.pairs.seeds);
  }
  return text.empty() ? "" : text + ".";
}

// The test of a claim's order as a whole, in addition to its steps.
std::string whole_order(const Verdict& v) {
  if (!v.trend) return "";
  return fmt::format("; order as a whole: mean Kendall tau {:.2f}, Page's p = {:.2g}", v.trend->tau,
                     v.trend->p);
}

// A published claim and its result, step by step.
std::string claim(const Verdict& v, int claims, const TerminalStyle& style) {
  std::string text =
      wrapped(fmt::format("Claim: {} ({})", v.claim.text, v.claim.source), style.columns) +
      wrapped(fmt::format("Result: {}{}{}.", name_of(v.result), v.why.empty() ? "" : "; " + v.why,
                          whole_order(v)),
              style.columns);
  for (const Ordering& o : v.steps)
    text += printable("  " + said(o)) + "\n" + printable("    " + evidence(o)) + "\n" +
            (seeds_to_decide(o, claims).empty() ? "" : "    " + seeds_to_decide(o, claims) + "\n");
  return text;
}

// The encoding that degrades most with length: the one worth extending.
std::string most_degraded(const Results& r) {
  std::string name = r.rows.front().encoding;
  double worst = 0;
  for (const Row& row : r.rows)
    if (const double worse = r.degradation(row, r.longest(), r.measures().front());
        row.extension.empty() && worse > worst)
      worst = worse, name = row.encoding;
  return name;
}

std::string best_encoding(const Results& r) {
  for (const Row& row : ranking(r, r.longest(), r.measures().front()))
    if (row.extension.empty()) return row.encoding;
  return r.rows.front().encoding;
}

// Up to three commands to try next, ready to paste.
std::vector<std::string> next_commands(const Study& study, const std::string& folder) {
  const Results& r = study.panels.front();
  const std::string extended = most_degraded(r);
  std::vector<std::string> all;
  for (const Training& t : study.trainings)  // a failed run has no model
    if (t.encoding == extended && !t.trial && all.empty())
      all.push_back(fmt::format("{} eval {} --eval-lengths {} --extensions all", program(),
                                shell_word(folder + "/cells/" + t.cell), lengths_of(r, ",")));
  const std::string other = r.task == "copy" ? "reverse" : "copy";
  const std::string one = best_encoding(r),
                    two = one == usual_encoding() ? compared_encodings().front() : usual_encoding();
  all.push_back(program() + " show encoding " + shell_word(parse_encoding(one).names().front()));
  all.push_back(
      fmt::format("{} sweep --task {} --encodings {} --train-length 20 --seeds 1 "
                  "--width 64 --layers 2 --batch 64 --steps 1500 --lr 2e-3 --out {}",
                  program(), other, shell_word(two + "," + one), shell_word(folder + "-" + other)));
  return all;
}

}  // namespace

std::string shell_word(const std::string& text) {
  const bool plain = std::ranges::all_of(text, [](unsigned char c) {
    return std::isalnum(c) || std::string_view("/._-+=,:@").find(char(c)) != std::string_view::npos;
  });
  if (plain && !text.empty()) return text;
  // Control characters must not reach the terminal.
  const bool shows = printable(text) == text;
  std::string out = "'";
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    out += c == '\''                                ? "'\\''"
           : !shows && (byte < ' ' || byte >= 0x7f) ? fmt::format("'$'\\{:03o}''", byte)
                                                    : std::string(1, c);
  }
  return out + "'";
}

std::string report(const Study& study, const std::string& folder, const TerminalStyle& style) {
  std::string text;
  for (const Results& r : study.panels) {
    for (const Measure& m : r.measures())
      text += wrapped(title(study, r, m), style.columns) + "\n" + table(r, m, style) + "\n";
    for (const std::string& sentence : summarize(r)) text += wrapped(sentence, style.columns);
    if (const std::string chain = order(r); !chain.empty()) text += wrapped(chain, style.columns);
    text += "\n";
  }
  for (const Verdict& v : verdicts(study)) text += claim(v, int(study.claims.size()), style) + "\n";
  if (const std::vector<Predicted> all = predictions(study); !all.empty()) {
    text += wrapped(summary(study, all), style.columns);
    for (const Predicted& p : all) text += printable("  " + said(study, p)) + "\n";
    text += "\n";
  }
  for (const Failure& f : study.failures)
    text += printable("Failed: " + f.cell + ": " + f.reason) + "\n";
  if (const std::string page = folder + "/report.html"; fs::exists(page))
    text += printable("Report   " + page) + "\n";
  text += printable("Data     " + folder + "/results.csv") + "\n\nNext\n";
  for (const std::string& command : next_commands(study, folder)) text += "  " + command + "\n";
  return text;
}

}  // namespace yonder
