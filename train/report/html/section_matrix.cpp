#include <algorithm>
#include <cmath>
#include <cstdio>

#include "train/report/html/html.h"
#include "train/report/html/sections.h"
#include "train/report/table.h"
#include "train/results/format.h"
#include "train/results/orderings.h"

namespace yonder {
namespace {

std::string ratio(double x) {
  char text[32];
  std::snprintf(text, sizeof text, x < 10 ? "%.2f" : "%.0f", x);
  return std::isfinite(x) ? std::string(text) + "×" : "–";
}

std::string digits(double x) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", x);
  return text;
}

// The table's five steps; the terminal's green, yellow and red are the middle ones.
const char* heat(const Results& r, const Row& row, int length, const Measure& m) {
  const double worse = r.worse(row, length, m);
  if (std::isnan(worse) || r.unlearned(row)) return "";
  return worse < 0.98    ? " better"
         : worse <= 1.05 ? " same"
         : worse <= 1.25 ? " worse"
         : worse <= 2    ? " lost"
                         : " gone";
}

// What a cell opens to: every seed, the interval and what it is worth.
std::string seeds(const Results& r, const Row& row, int length, const Measure& m) {
  std::string text;
  std::vector<double> values;
  int examples = 0;
  for (const Score& s : r.scores) {
    if (!(s.row == row) || s.length != length) continue;
    const double value = s.*m.value;
    text += "seed " + std::to_string(s.seed) + ": " +
            (std::isnan(value) ? escaped(s.status == Status::ok ? "no number" : s.problem)
                               : shown(value, m)) +
            "<br>";
    if (!std::isnan(value)) values.push_back(value), examples = s.examples;
  }
  if (values.size() > 1) {
    const Interval i = bootstrap(values);
    text += "interval " + shown(i.low, m) + "–" + shown(i.high, m) + "<br>(" + worth(i) + ")<br>";
  }
  return text + std::to_string(examples) + " examples";
}

std::string cell(const Results& r, const Row& row, int length, const Measure& m) {
  const Spread s = r.at(row, length, m);
  if (s.empty())
    return element("td", "class=\"quiet\" data-value=\"\"", escaped(r.problem(row, length)));
  const double worse = r.worse(row, length, m);
  const std::string range =
      s.count > 1 ? shown(s.least, m) + "–" + shown(s.most, m) + " · " : std::string();
  const std::string summary = element(
      "summary", shown(s.median, m) + counted(r, s) + element("small", range + ratio(worse)));
  return element("td",
                 std::string("class=\"cell") + heat(r, row, length, m) +
                     (length == r.trained ? " here" : "") + "\" data-value=\"" + digits(s.median) +
                     "\"",
                 element("details", summary + element("div", seeds(r, row, length, m))));
}

double best_at_home(const Results& r, const Measure& m) {
  const auto rows = ranking(r, r.trained, m);
  return rows.empty() ? unknown : r.at(rows.front(), r.trained, m).median;
}

// How far a row lies behind the best at the trained length.
double price(const Results& r, const Row& row, const Measure& m) {
  const double here = r.at(row, r.trained, m).median, best = best_at_home(r, m);
  return m.percent ? best - here : here - best;
}

std::string price_cell(const Results& r, const Row& row, const Measure& m) {
  const double x = price(r, row, m);
  if (std::isnan(x)) return element("td", "class=\"quiet\" data-value=\"\"", "unknown");
  const std::string text = shown(x, m);
  const bool none = text == "0.00" || text == "0.0";
  return element("td", "data-value=\"" + digits(x) + "\"",
                 none ? "none" : (m.percent ? "−" : "+") + text + (m.percent ? " points" : ""));
}

std::string one_matrix(const Results& r, const Measure& m, const Palette& palette) {
  std::string head = element("th", "row");
  for (int length : r.lengths)
    head += element(
        "th", std::to_string(length) +
                  element("small", length == r.trained ? "trained" : r.multiple(length) + "×"));
  head += element("th",
                  "price at " + std::to_string(r.trained) + "<small>behind the best there</small>");
  std::string rows;
  for (const Row& row : r.rows) {
    std::string line = element("td", named(row, palette));
    for (int length : r.lengths) line += cell(r, row, length, m);
    line += price_cell(r, row, m);
    rows += element("tr", "data-row=\"" + escaped(row.label()) + "\"", line) + "\n";
  }
  return scrolling_table("sortable matrix", head, rows);
}

// "kerple wins at 8x and has no price at the trained length": who wins far out, and what for.
std::string winner(const Results& r, const Measure& m) {
  const int longest = *std::max_element(r.lengths.begin(), r.lengths.end());
  const auto far = ranking(r, longest, m), home = ranking(r, r.trained, m);
  if (longest <= r.trained || far.empty() || home.empty()) return "";
  const Row& first = far.front();
  const double x = price(r, first, m);
  const std::string text = shown(x, m),
                    wins = first.label() + " has the best median at " + r.multiple(longest) + "x";
  if (std::isnan(x)) return wins + "; what it costs at the trained length is not known.";
  if (text == "0.00" || text == "0.0") return wins + " and none is better at the trained length.";
  return wins + ", but lies " + text + (m.percent ? " points" : " nats") + " behind " +
         home.front().label() + " at the trained length.";
}

const char* const key =
    "<p class=\"key\">Against the same model at its trained length: <span class=\"better\">under "
    "0.98×</span><span class=\"same\">to 1.05×</span><span class=\"worse\">to 1.25×</span><span "
    "class=\"lost\">to 2×</span><span class=\"gone\">beyond</span> Losses are compared as they "
    "are, shares by the inverse ratio. Not coloured: no number, or not learned. Open a number to "
    "see its seeds.</p>\n";

}  // namespace

std::string matrix(const Study& study, const Palette& palette) {
  std::string text = key;
  for (const Results& r : study.panels) {
    if (r.rows.empty()) continue;
    const auto measures = r.measures();
    text += panel_heading(study, r);
    if (const std::string words = winner(r, measures.front()); !words.empty())
      text += element("p", escaped(words));
    for (const Measure& m : measures) {
      const std::string table = one_matrix(r, m, palette);
      text += &m == &measures.front()
                  ? element("p", "class=\"quiet\"", escaped(m.title)) + table
                  : element("details", element("summary", escaped(m.title)) + table) + "\n";
    }
  }
  return text;
}

}  // namespace yonder
