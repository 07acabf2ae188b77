#include <cmath>
#include <functional>

#include "train/report/html/sections.h"
#include "train/report/markdown_latex.h"
#include "train/results/across_tasks.h"
#include "train/results/format.h"
#include "train/results/orderings.h"

namespace yonder {
namespace {

// A measure and its unit: a loss can be shown in nats, as bits per byte or as perplexity.
struct Scale {
  Measure measure;
  std::string title;
  std::function<double(double)> of;

  std::string shown(double x) const { return yonder::shown(of(x), measure); }
};

std::vector<Scale> scales_of(const Results& r) {
  std::vector<Scale> all;
  for (const Measure& m : r.measures()) all.push_back({m, m.title, [](double x) { return x; }});
  if (const double bytes = r.bytes_per_token; !std::isnan(bytes))
    all.push_back(
        {Measure::loss, "Bits per byte", [bytes](double x) { return bits_per_byte(x, bytes); }});
  if (!r.text) return all;
  all.push_back({Measure::loss, "Perplexity per byte", [](double x) { return std::exp(x); }});
  return all;
}

// The table's five classes; the terminal's green covers the first two, its red the last two.
const char* heat(const Results& r, const Row& row, int length, const Measure& m) {
  const double worse = r.degradation(row, length, m);
  if (std::isnan(worse) || r.unlearned(row)) return "";
  return worse < 0.98    ? " better"
         : worse <= 1.05 ? " same"
         : worse <= 1.25 ? " worse"
         : worse <= 2    ? " lost"
                         : " gone";
}

// ", 16,000 bytes scored"
std::string targets_of(const EvalScore& s, const Results& r) {
  if (s.targets == 0) return "";
  return ", " + grouped(s.targets) + (r.text ? " bytes" : " tokens") + " scored";
}

// The details of a cell: every seed, the interval, and what was scored.
Json seeds_of(const Results& r, const Row& row, int length, const Scale& scale) {
  Json said = Json::array();
  std::vector<double> values;
  const EvalScore* last = nullptr;
  for (const EvalScore& s : r.scores) {
    if (!(s.row == row) || s.length != length) continue;
    const double x = s.*scale.measure.value;
    const std::string why = s.status == Status::ok ? "no number" : s.problem;
    said.push_back(fmt::format("seed {}: {}", s.seed, std::isnan(x) ? why : scale.shown(x)));
    if (!std::isnan(x)) values.push_back(x), last = &s;
  }
  if (values.size() > 1) {
    const Interval i = bootstrap(values);
    said.push_back(fmt::format("interval {}–{}", scale.shown(i.low), scale.shown(i.high)));
  }
  if (last) said.push_back(fmt::format("{} sequences{}", last->examples, targets_of(*last, r)));
  if (last && scale.measure.value == &EvalScore::loss && !std::isnan(last->loss_low))
    said.push_back(fmt::format("seed {} on other test sequences: {}–{}", last->seed,
                               scale.shown(last->loss_low), scale.shown(last->loss_high)));
  return said;
}

Json score_cell(const Results& r, const Row& row, int length, const Scale& scale) {
  const Measure& m = scale.measure;
  const Spread s = r.at(row, length, m);
  if (s.empty()) return cell(r.problem(row, length), "quiet");
  const double worse = r.degradation(row, length, m);
  std::string small =
      s.count > 1 ? fmt::format("{}–{} · ", scale.shown(s.least), scale.shown(s.most)) : "";
  small += std::isfinite(worse) ? fmt::format("{:.{}f}×", worse, worse < 10 ? 2 : 0) : "–";
  Json one = cell(
      scale.shown(s.median) + counted(r, s),
      fmt::format("score{}{}{}", heat(r, row, length, m), length == r.train_length ? " here" : "",
                  is_best(r, row, length, m) ? " best" : ""));
  one["small"] = small;
  one["seeds"] = {{"each", seeds_of(r, row, length, scale)}};
  return one;
}

// A row's difference to the best at the training length.
double cost(const Results& r, const Row& row, const Scale& scale) {
  const auto rows = ranking(r, r.train_length, scale.measure);
  if (rows.empty()) return unknown;
  return scale.of(r.at(row, r.train_length, scale.measure).median) -
         scale.of(r.at(rows.front(), r.train_length, scale.measure).median);
}

std::string cost_text(double x, const Measure& m) {
  if (std::isnan(x)) return "–";
  return m.percent ? with_sign(100 * x, 1) : with_sign(x, 2);
}

// The mean over lengths beyond the training length; NaN if any of them has no value.
double mean_beyond(const Results& r, const Row& row, const Scale& scale) {
  double sum = 0;
  int count = 0;
  for (int length : r.lengths)
    if (length > r.train_length) sum += scale.of(r.at(row, length, scale.measure).median), ++count;
  return count ? sum / count : unknown;
}

Json one_matrix(const Results& r, const Scale& scale, const Palette& palette) {
  Json heads = length_heads(r, "encoding"), lines = Json::array();
  const bool beyond = r.longest() > r.train_length;
  if (beyond) heads.push_back(head("mean", "unseen lengths"));
  heads.push_back(head("cost at " + std::to_string(r.train_length), "difference to best"));
  for (const Row& row : r.rows) {
    Json cells = Json::array();
    for (int length : r.lengths) cells.push_back(score_cell(r, row, length, scale));
    const double mean = mean_beyond(r, row, scale);
    if (beyond) cells.push_back(cell(std::isnan(mean) ? "–" : shown(mean, scale.measure)));
    cells.push_back(cell(cost_text(cost(r, row, scale), scale.measure)));
    lines.push_back(line_of(row, palette, cells));
  }
  const std::string seeds =
      r.seeds > 1 ? fmt::format("; median, range and loss ratio of {} seeds", r.seeds) : "";
  return tables_of(r.title() + ": " + scale.title + (scale.measure.percent ? "" : seeds),
                   "sortable matrix", heads, lines);
}

// "KERPLE is best at 8×, and no encoding is better at 64": the best row there, and its cost.
std::string winner(const Results& r, const Scale& scale) {
  const Measure& m = scale.measure;
  const auto far = ranking(r, r.longest(), m), home = ranking(r, r.train_length, m);
  if (r.longest() <= r.train_length || far.empty() || home.empty()) return "";
  const Row& first = far.front();
  const std::string where = r.multiple(r.longest()) + "×",
                    at = "at " + std::to_string(r.train_length);
  if (at_chance(r, first, r.longest(), m))
    return "No encoding is better than chance at " + where + ".";
  const std::string best = first.printed() + " is best at " + where,
                    behind = cost_text(cost(r, first, scale), m);
  if (behind == "–") return best + "; it has no result " + at + ".";
  if (behind == "0.00" || behind == "0.0") return best + ", and no encoding is better " + at + ".";
  return fmt::format("{}; {} its difference to {} is {} {}.", best, at, home.front().printed(),
                     behind, m.percent ? "points" : "nats");
}

// "4 of 5 (38–96 %)".
std::string solve_rate(const Results::Solved& s) {
  const auto [low, high] = wilson(s.seeds, s.of);
  return fmt::format("{} of {} ({:.0f}–{:.0f} %)", s.seeds, s.of, 100 * low, 100 * high);
}

}  // namespace

Json matrix_section(const Study& study, const Palette& palette) {
  Json json = panels_of(study, [&](const Results& r, Json& panel) {
    if (r.rows.empty()) return false;
    Json more = Json::array();
    for (const Scale& scale : scales_of(r))
      if (Json tables = one_matrix(r, scale, palette); panel["tables"].is_null())
        panel["tables"] = tables;
      else more.push_back({{"summary", scale.title}, {"tables", tables}});
    panel["more"] = more;
    panel["winner"] = winner(r, scales_of(r).front());
    std::vector<double> seeds;
    for (int i = 0; i < r.seeds; ++i) seeds.push_back(i);
    if (seeds.size() > 1)
      panel["worth"] = "Interval: " + worth(bootstrap(seeds)) + " of the median.";
    return true;
  });
  if (!json.is_null()) json["latex"] = as_latex(study);
  return json;
}

Json solved_section(const Study& study, const Palette& palette) {
  Json json = panels_of(study, [&](const Results& r, Json& panel) {
    if (r.text || r.seeds < 2) return false;
    Json lines = Json::array();
    for (const Row& row : r.rows) {
      Json cells = Json::array();
      for (int length : r.lengths) {
        const Results::Solved s = r.solved(row, length);
        cells.push_back(s.of == 0 ? cell(r.problem(row, length), "quiet") : cell(solve_rate(s)));
      }
      lines.push_back(line_of(row, palette, cells));
    }
    panel["tables"] = tables_of(r.title() + ": seeds that solve it", "sortable",
                                length_heads(r, "encoding"), lines);
    return true;
  });
  if (!json.is_null()) json["solving"] = fmt::format("{:.0f} %", 100 * Results::solving);
  return json;
}

}  // namespace yonder
