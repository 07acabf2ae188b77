#include "train/results/orderings.h"

#include <fmt/core.h>
#include <algorithm>
#include <cmath>
#include <map>

#include "train/results/format.h"

namespace yonder {
namespace {

// The seeds that have a value, each with its value.
std::vector<std::pair<int, double>> by_seed(const Results& r, const Row& row, int length,
                                            const Measure& m) {
  std::vector<std::pair<int, double>> all;
  for (const EvalScore& s : r.scores)
    if (s.row == row && s.length == length && !std::isnan(s.*m.value))
      all.emplace_back(s.seed, s.*m.value);
  return all;
}

constexpr double level = 0.05;

enum class Direction { stated, opposite };

std::string doubt(const Results& r, const Ordering& o) {
  for (const Row* row : {&o.better, &o.worse}) {
    if (!has(r.rows, *row)) return row->printed() + " was not run";
    if (r.at(*row, o.length, o.measure).empty())
      return row->printed() + " has no number here: " + r.problem(*row, o.length);
    if (o.length != r.train_length && r.unlearned(*row))
      return row->printed() + " was not learned at the training length";
  }
  if (at_chance(r, o.better, o.length, o.measure) && at_chance(r, o.worse, o.length, o.measure))
    return "both at chance level";
  return "";
}

Outcome outcome(const Ordering& o) {
  if (!o.doubt.empty()) return Outcome::open;
  if (o.p <= level) return Outcome::holds;
  return o.opposite_p <= level ? Outcome::reversed : Outcome::open;
}

// The differences of a pair, signed so that values below 0 support the direction.
std::vector<double> stated(const Ordering& o, Direction direction) {
  constexpr double most = 1e12;  // a loss may be infinite
  std::vector<double> all;
  const bool turned = o.measure.percent == (direction == Direction::stated);
  for (const double d : o.pairs.differences)
    all.push_back(std::clamp(turned ? -d : d, -most, most));
  return all;
}

std::string number(double x, const Measure& m) {
  return fmt::format("{}{:.{}f}", x < 0 ? "−" : "", std::abs(m.percent ? 100 * x : x),
                     m.percent ? 1 : 3);
}

// The largest p of the steps; 1 if a step can't be judged.
double p_of(const std::vector<Ordering>& steps) {
  double p = steps.empty() ? 1 : 0;
  for (const Ordering& o : steps) p = std::max(p, o.doubt.empty() ? o.p : 1);
  return p;
}

// The smallest opposite_p of the steps that can be judged, times their number (Bonferroni).
double opposite_p_of(const std::vector<Ordering>& steps) {
  double p = 1;
  for (const Ordering& o : steps)
    if (o.doubt.empty()) p = std::min(p, o.opposite_p * double(steps.size()));
  return p;
}

// Page's test over the seeds that all rows have, the best row first as predicted. Empty with too
// few seeds, or if a row was not learned at the training length and `length` is another one.
std::optional<Trend> trend_of(const Results& r, const std::vector<Row>& rows, int length,
                              const Measure& m) {
  for (const Row& row : rows)
    if (length != r.train_length && r.unlearned(row)) return std::nullopt;
  std::map<int, std::vector<double>> seeds;
  for (const Row& row : rows)
    for (const auto& [seed, value] : by_seed(r, row, length, m))
      seeds[seed].push_back(m.percent ? -value : value);
  std::vector<std::vector<double>> values;
  for (auto& [seed, of_rows] : seeds)
    if (of_rows.size() == rows.size()) values.push_back(std::move(of_rows));
  if (int(values.size()) < fewest_seeds) return std::nullopt;
  return trend(values);
}

Verdict verdict(const Study& study, const Claim& claim) {
  Verdict v{.claim = claim, .panel = panel_of(study, claim)};
  if (v.panel < 0) {
    v.why = "no panel has its task, test, protocol and config";
    return v;
  }
  const Results& r = study.panels[std::size_t(v.panel)];
  v.length = claim.length ? claim.length : r.longest();
  if (!has(r.lengths, v.length)) {
    v.why = fmt::format("length {} was not tested", v.length);
    return v;
  }
  const std::vector<Row> rows = parse_rows(claim.order);
  const auto all = r.measures();
  const auto m = std::ranges::find_if(all, [&claim](const Measure& one) {
    return claim.measure.empty() || claim.measure == one.name;
  });
  if (m == all.end()) {
    v.why = claim.measure + " is not a measure of " + r.task;
    return v;
  }
  for (std::size_t i = 1; i < rows.size(); ++i)
    v.steps.push_back(ordering(r, rows[i - 1], rows[i], v.length, *m));
  const bool whole = claim.judged_by == "trend";
  if (rows.size() >= 4 || whole) v.trend = trend_of(r, rows, v.length, *m);
  v.p = p_of(v.steps), v.opposite_p = opposite_p_of(v.steps);
  if (whole) {
    v.p = v.trend ? v.trend->p : 1;
    const auto reversed = trend_of(r, {rows.rbegin(), rows.rend()}, v.length, *m);
    v.opposite_p = reversed ? reversed->p : 1;
  }
  return v;
}

}  // namespace

int panel_of(const Study& study, const Claim& c) {
  for (std::size_t i = 0; i < study.panels.size(); ++i) {
    const Results& r = study.panels[i];
    if ((c.task.empty() || c.task == r.task) && (c.test.empty() || c.test == r.test) &&
        (c.protocol.empty() || c.protocol == r.protocol) &&
        (c.config.empty() || c.config == r.variant))
      return int(i);
  }
  return -1;
}

bool at_chance(const Results& r, const Row& row, int length, const Measure& m) {
  const double median = r.at(row, length, m).median;
  if (!m.percent) return median >= r.unigram_loss - 0.005;  // false if it is unknown
  if (m.value == Measure::exact_match.value) return median == 0;
  return median <= r.chance_accuracy(length) + 0.02;
}

Ordering ordering(const Results& r, const Row& better, const Row& worse, int length,
                  const Measure& m) {
  Ordering o{.better = better,
             .worse = worse,
             .length = length,
             .at = text_of(length, r.bins),
             .measure = m};
  std::vector<double> a, b;
  const auto others = by_seed(r, worse, length, m);
  for (const auto& [seed, value] : by_seed(r, better, length, m))
    for (const auto& [other_seed, other] : others)
      if (seed == other_seed) a.push_back(value), b.push_back(other);
  o.pairs = paired(a, b);
  o.agree = m.percent ? o.pairs.above : o.pairs.below;
  o.doubt = doubt(r, o);
  o.too_few_seeds = o.doubt.empty() && o.pairs.seeds < fewest_seeds;
  if (o.too_few_seeds)
    o.doubt = fmt::format("{} {}, at least {} are needed", o.pairs.seeds,
                          o.pairs.seeds == 1 ? "seed" : "seeds", fewest_seeds);
  o.outcome = outcome(o);
  if (o.pairs.seeds < 2) return o;
  o.p = sign_flip_p(stated(o, Direction::stated));
  o.opposite_p = sign_flip_p(stated(o, Direction::opposite));
  o.sign_p = sign_p(stated(o, Direction::stated));
  o.outcome = outcome(o);
  return o;
}

std::vector<Row> ranking(const Results& r, int length, const Measure& m) {
  std::vector<Row> rows;
  for (const Row& row : r.rows)
    if (!row.windowed() && !r.at(row, length, m).empty()) rows.push_back(row);
  std::ranges::stable_sort(rows, [&](const Row& a, const Row& b) {
    const double x = r.at(a, length, m).median, y = r.at(b, length, m).median;
    return m.percent ? x > y : x < y;
  });
  return rows;
}

bool is_best(const Results& r, const Row& row, int length, const Measure& m) {
  const auto all = ranking(r, length, m);
  return !all.empty() && !row.windowed() &&
         shown(r.at(all.front(), length, m).median, m) == shown(r.at(row, length, m).median, m);
}

std::vector<Ordering> orderings(const Results& r, int length, const Measure& m) {
  const std::vector<Row> rows = ranking(r, length, m);
  std::vector<Ordering> all;
  for (std::size_t i = 1; i < rows.size(); ++i)
    all.push_back(ordering(r, rows[i - 1], rows[i], length, m));
  return all;
}

std::string said(const Ordering& o) {
  return fmt::format("{} {} {} at {}: {} of {} {}", o.better.printed(),
                     o.measure.percent ? ">" : "<", o.worse.printed(), o.at, o.agree, o.pairs.seeds,
                     o.pairs.seeds == 1 ? "seed" : "seeds");
}

std::string evidence(const Ordering& o) {
  if (o.pairs.seeds == 0) return o.doubt;
  if (o.pairs.seeds == 1)
    return fmt::format("difference {} {}; one seed has no interval and no p",
                       number(o.pairs.difference.median, o.measure),
                       o.measure.percent ? "points" : "nats");
  const Interval& i = o.pairs.interval;
  return fmt::format("median difference {} {}, interval {} to {}, p = {:.2g} (sign test {:.2g}){}",
                     number(o.pairs.difference.median, o.measure),
                     o.measure.percent ? "points" : "nats", number(i.low, o.measure),
                     number(i.high, o.measure), o.p, o.sign_p,
                     o.doubt.empty() ? "" : "; " + o.doubt);
}

std::string seeds_to_decide(const Ordering& o, int claims) {
  constexpr int feasible = 50;
  if (o.outcome == Outcome::holds || o.pairs.seeds < 2 || o.opposite_p * claims <= level) return "";
  if (!o.doubt.empty() && !o.too_few_seeds) return "";
  if (std::ranges::count(o.pairs.differences, 0) == o.pairs.seeds)
    return "they are equal in every seed";
  int needed = seeds_needed(stated(o, Direction::stated), claims);
  const bool other_way = needed == 0;
  if (other_way) needed = seeds_needed(stated(o, Direction::opposite), claims);
  if (needed == 0 || needed > feasible) return "no difference that seeds can show";
  return fmt::format("{}{} seeds would decide, if the observed difference is real",
                     other_way && o.outcome == Outcome::open ? "it leans the other way; " : "",
                     std::max(needed, seeds_for(claims)));
}

std::vector<Verdict> verdicts(const Study& study) {
  std::vector<Verdict> all;
  std::vector<double> p, opposite;
  for (const Claim& claim : study.claims) {
    all.push_back(verdict(study, claim));
    p.push_back(all.back().p);
    opposite.push_back(all.back().opposite_p);
  }
  p = holm(p), opposite = holm(opposite);
  for (std::size_t i = 0; i < all.size(); ++i) {
    Verdict& v = all[i];
    v.adjusted_p = p[i];
    const bool some =
        std::ranges::any_of(v.steps, [](const Ordering& o) { return o.outcome == Outcome::holds; });
    // An order may hold as a whole even if a step holds on no seed, or between rows at chance.
    const bool broken = std::ranges::any_of(v.steps, [](const Ordering& o) {
      return o.agree == 0 || o.opposite_p <= level || !o.doubt.empty();
    });
    v.result = p[i] <= level && !broken ? Verdict::reproduced
               : some || p[i] <= level  ? Verdict::partly
               : opposite[i] <= level   ? Verdict::not_reproduced
                                        : Verdict::inconclusive;
  }
  return all;
}

const char* name_of(Verdict::Result result) {
  constexpr const char* names[] = {"reproduced", "partly reproduced", "not reproduced",
                                   "inconclusive"};
  return names[result];
}

}  // namespace yonder
