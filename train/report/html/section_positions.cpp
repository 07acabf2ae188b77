#include <algorithm>
#include <cmath>

#include "train/report/html/sections.h"
#include "train/results/orderings.h"

namespace yonder {
namespace {

const Curve* curve_of(const Results& r, const Row& row, int seed) {
  for (const Curve& c : r.curves)
    if (c.row == row && c.seed == seed) return &c;
  return nullptr;
}

// Mean over the segments beyond the training length.
double beyond(const Curve& c, double trained_share) {
  double sum = 0;
  int count = 0;
  for (std::size_t i = 0; i < c.loss.size(); ++i)
    if (double(i) >= trained_share * double(c.loss.size()) && std::isfinite(c.loss[i]))
      sum += c.loss[i], ++count;
  return count ? sum / count : unknown;
}

// A row against its own windowed model beyond the training length, paired by seed; null if no seed
// has both.
Json against_window(const Results& r, const Row& row, const Row& window, const Palette& palette) {
  int longest = 1;
  for (const EvalScore& s : r.scores) longest = std::max(longest, s.tokens);
  std::vector<double> plain, windowed;
  for (const Curve& c : r.curves) {
    const Curve* other = curve_of(r, window, c.seed);
    if (!(c.row == row) || !other) continue;
    const double share = double(r.train_length) / longest;
    const double a = beyond(c, share), b = beyond(*other, share);
    if (!std::isnan(a) && !std::isnan(b)) plain.push_back(a), windowed.push_back(b);
  }
  if (plain.empty()) return nullptr;
  const Paired p = paired(plain, windowed);
  const bool lost = spread(plain).median >= r.unigram_loss;  // false if it is unknown
  const bool broken = r.degradation(row, r.longest(), Measure::loss) > 1.25;
  const std::string verdict = lost                     ? "no better than a unigram model"
                              : broken                 ? "degraded either way"
                              : p.seeds < fewest_seeds ? "too few seeds"
                              : p.interval.high < 0    ? "far context is used"
                              : p.interval.low > 0     ? "the window is better"
                                                       : "no difference";
  return line_of(
      row, palette,
      {cell(with_sign(p.difference.median, 3)),
       cell(p.seeds < 2 ? "–"
                        : with_sign(p.interval.low, 3) + " to " + with_sign(p.interval.high, 3)),
       cell(fmt::format("{} of {}", p.below, p.seeds)), cell(verdict, "words")});
}

Json windows(const Results& r, const Palette& palette) {
  Json lines = Json::array();
  for (const Row& window : r.rows) {
    if (!window.windowed()) continue;
    for (const Row& row : r.rows)
      if (row.encoding == window.encoding && !row.windowed())
        if (Json line = against_window(r, row, window, palette); !line.is_null())
          lines.push_back(line);
  }
  return tables_of(
      r.title() + ": loss beyond the training length, difference to the windowed baseline",
      "sortable concludes",
      {head("encoding"), head("difference", "nats"), head("interval"), head("seeds below"),
       head("conclusion")},
      lines);
}

}  // namespace

Json positions_section(const Study& study, const Palette& palette, Pictures& pictures) {
  return panels_of(study, [&](const Results& r, Json& panel) {
    if (r.curves.empty()) return false;
    Json figures = Json::array(), families = Json::array();
    std::vector<Row> plain;
    for (const Row& row : r.rows)
      if (row.extension.empty()) plain.push_back(row);
    pictures.add(figures, over_positions(r, plain, palette));
    for (const Row& one : plain) {
      std::vector<Row> family;
      for (const Row& row : r.rows)
        if (row.encoding == one.encoding) family.push_back(row);
      if (family.size() < 2) continue;
      Chart chart = over_positions(r, family, palette);
      chart.name += "-" + one.encoding;
      chart.title = one.printed() + " and its overrides: " + chart.title;
      pictures.add(families, chart);
    }
    panel["figures"] = figures;
    panel["tables"] = windows(r, palette);
    panel["families"] = families.empty() ? Json() : Json{{"figures", families}};
    return true;
  });
}

}  // namespace yonder
