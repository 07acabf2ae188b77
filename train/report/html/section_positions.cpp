#include <algorithm>
#include <cmath>

#include "train/report/html/html.h"
#include "train/report/html/sections.h"
#include "train/results/statistics.h"

namespace yonder {
namespace {

const Curve* curve_of(const Results& r, const Row& row, int seed) {
  for (const Curve& c : r.curves)
    if (c.row == row && c.seed == seed) return &c;
  return nullptr;
}

// Mean over the stretches that lie beyond the trained length.
double beyond(const Curve& c, double trained_share) {
  double sum = 0;
  int count = 0;
  for (std::size_t i = 0; i < c.loss.size(); ++i)
    if (double(i) >= trained_share * double(c.loss.size()) && std::isfinite(c.loss[i]))
      sum += c.loss[i], ++count;
  return count ? sum / count : unknown;
}

// A row against its own windowed model beyond the trained length, seed by seed.
std::string against_window(const Results& r, const Row& row, const Row& window,
                           const Palette& palette) {
  int longest = 1;
  for (const Score& s : r.scores) longest = std::max(longest, s.tokens);
  std::vector<double> plain, windowed;
  for (const Curve& c : r.curves) {
    const Curve* other = curve_of(r, window, c.seed);
    if (!(c.row == row) || !other) continue;
    const double share = double(r.trained) / longest;
    const double a = beyond(c, share), b = beyond(*other, share);
    if (!std::isnan(a) && !std::isnan(b)) plain.push_back(a), windowed.push_back(b);
  }
  if (plain.empty()) return "";
  const Paired p = paired(plain, windowed);
  const bool judged = p.seeds >= 3;
  const bool lost = spread(plain).median >= r.letters;  // false where it is unknown
  const std::string verdict = lost                  ? "worse than letter frequencies either way"
                              : !judged             ? "too few seeds to tell"
                              : p.interval.high < 0 ? "far context is used"
                              : p.interval.low > 0  ? "the window is better"
                                                    : "no difference to be seen";
  return element(
             "tr", "data-row=\"" + escaped(row.label()) + "\"",
             element("td", named(row, palette)) + element("td", with_sign(p.difference.median, 3)) +
                 element("td",
                         with_sign(p.interval.low, 3) + " to " + with_sign(p.interval.high, 3)) +
                 element("td", std::to_string(p.below) + " of " + std::to_string(p.seeds)) +
                 element("td", "class=\"words\"", verdict)) +
         "\n";
}

std::string windows(const Results& r, const Palette& palette) {
  std::string rows;
  for (const Row& window : r.rows) {
    if (!window.windowed()) continue;
    for (const Row& row : r.rows)
      if (row.encoding == window.encoding && !row.windowed())
        rows += against_window(r, row, window, palette);
  }
  if (rows.empty()) return "";
  return scrolling_table("sortable",
                         element("th", "row") + element("th", "less its window, nats") +
                             element("th", "interval") + element("th", "seeds below") +
                             element("th", "style=\"text-align:left\"", "so"),
                         rows);
}

}  // namespace

std::string positions(const Study& study, const Palette& palette, Pictures& pictures) {
  std::string text;
  for (const Results& r : study.panels) {
    if (r.curves.empty()) continue;
    text += panel_heading(study, r);
    std::vector<Row> plain;
    for (const Row& row : r.rows)
      if (row.extension.empty()) plain.push_back(row);
    text += pictures.figure(over_positions(r, plain, palette)) + windows(r, palette);
    std::string families;
    for (const Row& one : plain) {
      std::vector<Row> family;
      for (const Row& row : r.rows)
        if (row.encoding == one.encoding) family.push_back(row);
      if (family.size() < 2) continue;
      Chart chart = over_positions(r, family, palette);
      chart.name += "-" + one.encoding;
      chart.title = one.label() + " against its window: loss by position";
      families += pictures.figure(chart);
    }
    if (!families.empty())
      text +=
          element("details", element("summary", "Each model against its own window") + families) +
          "\n";
  }
  if (text.empty()) return "";
  return element(
             "p",
             "The same model that sees only as many tokens as it was trained on is the baseline "
             "to beat: a loss below it means that far context is really used. The numbers are "
             "means over all positions beyond the trained length.") +
         "\n" + text;
}

}  // namespace yonder
