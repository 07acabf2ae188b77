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

std::string outcome(const Ordering& o) {
  if (!o.doubt.empty()) return "open: " + o.doubt;
  return o.outcome == Outcome::holds      ? "holds"
         : o.outcome == Outcome::reversed ? "the other way round"
                                          : "open";
}

std::string number(double x, const Measure& m) {
  return m.percent ? with_sign(100 * x, 1) : with_sign(x, 3);
}

std::string steps(const std::vector<Ordering>& all, const Palette& palette) {
  if (all.empty()) return "";
  const Measure& m = all.front().measure;
  std::string rows;
  for (const Ordering& o : all) {
    char p[32];
    std::snprintf(p, sizeof p, "%.2g", o.pairs.p);
    const Interval& i = o.pairs.interval;
    const bool any = o.pairs.seeds > 0;
    rows +=
        element("tr", element("td", named(o.better, palette) + (m.percent ? " &gt; " : " &lt; ") +
                                        named(o.worse, palette)) +
                          element("td", std::to_string(o.agree) + " of " +
                                            std::to_string(o.pairs.seeds)) +
                          element("td", any ? number(o.pairs.difference.median, m) : "") +
                          element("td", any ? number(i.low, m) + " to " + number(i.high, m) : "") +
                          element("td", any ? p : "") +
                          element("td", "class=\"words\"", escaped(outcome(o)))) +
        "\n";
  }
  return scrolling_table("steps",
                         element("th", "at " + std::to_string(all.front().length)) +
                             element("th", "seeds") +
                             element("th", std::string("median difference<small>") +
                                               (m.percent ? "points" : "nats") + "</small>") +
                             element("th", "interval") + element("th", "sign test p") +
                             element("th", "style=\"text-align:left\"", "so"),
                         rows);
}

std::string claim(const Study& study, const Verdict& v, const Palette& palette) {
  const char* kind = v.result == Verdict::reproduced       ? "reproduced"
                     : v.result == Verdict::partly         ? "partly"
                     : v.result == Verdict::not_reproduced ? "not"
                                                           : "open";
  std::string text =
      element("p", element("strong", name_of(v.result)) + "<br>" + escaped(v.claim.text)) +
      element("p", "class=\"quiet\"", escaped(v.claim.source));
  if (!v.why.empty()) text += element("p", escaped("Not held against anything: " + v.why + "."));
  if (v.panel >= 0 && study.panels.size() > 1)
    text += element("p", "class=\"quiet\"",
                    "on " + escaped(study.panels[std::size_t(v.panel)].title()));
  return element("div", std::string("class=\"verdict ") + kind + "\"",
                 text + steps(v.steps, palette)) +
         "\n";
}

// What a table of orders is worth, for the seeds that it has.
std::string note(const std::vector<Ordering>& all) {
  int seeds = 0;
  for (const Ordering& o : all) seeds = std::max(seeds, o.pairs.seeds);
  std::vector<double> made_up;
  for (int i = 0; i < seeds; ++i) made_up.push_back(i);
  if (seeds < 2) return "One seed can't tell: no order is judged with fewer than three.";
  char p[32];
  std::snprintf(p, sizeof p, "%.2g", std::pow(2.0, 1 - seeds));
  return "Differences are paired by seed, better less worse. Intervals are bootstraps of the "
         "median "
         "difference; " +
         worth(bootstrap(made_up)) + ", and the sign test's p can't fall below " + p + ".";
}

std::string neighbours(const Study& study, const Palette& palette) {
  std::string text;
  for (const Results& r : study.panels) {
    if (r.rows.empty() || r.lengths.empty()) continue;
    const auto all =
        orderings(r, *std::max_element(r.lengths.begin(), r.lengths.end()), r.measures().front());
    if (all.empty()) continue;
    text +=
        panel_heading(study, r) + element("p", "class=\"quiet\"", note(all)) + steps(all, palette);
  }
  return text.empty()
             ? ""
             : element("h3", "From the best to the worst, each against the next") + "\n" + text;
}

// How far a row's scores at the longest length jump between the checkpoints of the last tenth.
std::string jumps(const Results& r, const Palette& palette) {
  const Measure m = r.measures().front();
  const int longest = *std::max_element(r.lengths.begin(), r.lengths.end());
  std::string rows;
  for (const Row& row : r.rows) {
    std::vector<double> widths, all;
    for (const Score& last : r.scores) {
      std::vector<double> found;
      if (!(last.row == row) || last.length != longest || std::isnan(last.*m.value)) continue;
      for (const Score& s : r.earlier)
        if (s.row == row && s.length == longest && s.seed == last.seed && !std::isnan(s.*m.value))
          found.push_back(s.*m.value);
      if (found.empty()) continue;
      found.push_back(last.*m.value);
      const Spread s = spread(found);
      widths.push_back(s.most - s.least);
      all.insert(all.end(), found.begin(), found.end());
    }
    if (all.empty()) continue;
    const Spread s = spread(all);
    rows += element("tr", element("td", named(row, palette)) +
                              element("td", shown(r.at(row, longest, m).median, m)) +
                              element("td", shown(s.least, m) + "–" + shown(s.most, m)) +
                              element("td", shown(spread(widths).most, m))) +
            "\n";
  }
  if (rows.empty()) return "";
  return scrolling_table("sortable",
                         element("th", "at " + std::to_string(longest)) +
                             element("th", "end of training<small>median</small>") +
                             element("th", "all checkpoints, all seeds") +
                             element("th", "widest within a seed"),
                         rows);
}

}  // namespace

std::string judged(const Study& study, const Palette& palette) {
  std::string text;
  for (const Verdict& v : verdicts(study)) text += claim(study, v, palette);
  const std::string orders = neighbours(study, palette);
  text += study.claims.empty()
              ? orders
              : element("details", element("summary", "All rows in order") + orders) + "\n";
  std::string tables;
  for (const Results& r : study.panels)
    if (!r.earlier.empty())
      if (const std::string table = jumps(r, palette); !table.empty())
        tables += panel_heading(study, r) + table;
  if (!tables.empty())
    text += element("h3", "How much chance is in the last checkpoint") + "\n" +
            element("p",
                    "Beyond the trained length scores jump between checkpoints whose loss is "
                    "the same. Everywhere else the end of training counts, never the best "
                    "checkpoint; this is how far those of its last tenth lie apart.") +
            "\n" + tables;
  return text;
}

}  // namespace yonder
