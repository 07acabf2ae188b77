#include <algorithm>
#include <cmath>

#include "train/report/html/sections.h"
#include "train/results/format.h"
#include "train/results/orderings.h"
#include "train/results/predictions.h"

namespace yonder {
namespace {

std::string outcome_of(const Ordering& o, int claims) {
  const std::string more = seeds_to_decide(o, claims),
                    why = o.doubt.empty() ? "inconclusive" : "inconclusive: " + o.doubt;
  const std::string found = o.outcome == Outcome::open    ? why
                            : o.outcome == Outcome::holds ? "holds"
                                                          : "reversed";
  return found + (more.empty() ? "" : "; " + more);
}

std::string signed_number(double x, const Measure& m) {
  return m.percent ? with_sign(100 * x, 1) : with_sign(x, 3);
}

Json steps(const std::string& name, const std::vector<Ordering>& all, int claims,
           const Palette& palette) {
  if (all.empty()) return Json::array();
  const Measure& m = all.front().measure;
  Json lines = Json::array();
  for (const Ordering& o : all) {
    const Interval& i = o.pairs.interval;
    const bool any = o.pairs.seeds > 0, several = o.pairs.seeds > 1;
    lines.push_back(
        {{"rows", {named(o.better, palette, m.percent ? " > " : " < "), named(o.worse, palette)}},
         {"cells",
          {cell(fmt::format("{} of {}", o.agree, o.pairs.seeds)),
           cell(any ? signed_number(o.pairs.difference.median, m) : ""),
           cell(several ? signed_number(i.low, m) + " to " + signed_number(i.high, m) : ""),
           cell(several ? number(o.p, "{:.2g}") : ""), cell(outcome_of(o, claims), "words")}}});
  }
  const std::string at = " at " + all.front().at;
  return tables_of(
      name + at, "steps concludes",
      {head("order" + at), head("seeds"), head("median difference", m.percent ? "points" : "nats"),
       head("interval"), head("p", "one-sided"), head("conclusion")},
      lines);
}

Json claim_of(const Study& study, const Verdict& v, const Palette& palette) {
  const char* kind = v.result == Verdict::reproduced       ? "reproduced"
                     : v.result == Verdict::partly         ? "partly"
                     : v.result == Verdict::not_reproduced ? "not"
                                                           : "open";
  const bool several = v.panel >= 0 && study.panels.size() > 1;
  return {
      {"kind", kind},
      {"verdict", name_of(v.result) +
                      (v.why.empty() ? fmt::format(" (p = {:.2g} by Holm)", v.adjusted_p) : "") +
                      (v.trend ? fmt::format("; order as a whole τ = {:.2f}, p = {:.2g}",
                                             v.trend->tau, v.trend->p)
                               : "")},
      {"claim", v.claim.text},
      {"parts", linked(v.claim.source)},
      {"why", v.why},
      {"on", several ? study.panels[std::size_t(v.panel)].title() : ""},
      {"tables", steps("Steps of the claim", v.steps, int(study.claims.size()), palette)}};
}

// How reliable a table of orders is, given its number of seeds.
std::string note(const std::vector<Ordering>& all) {
  int seeds = 0;
  for (const Ordering& o : all) seeds = std::max(seeds, o.pairs.seeds);
  std::vector<double> made_up;
  for (int i = 0; i < seeds; ++i) made_up.push_back(i);
  if (seeds < fewest_seeds)
    return fmt::format("No order is judged with fewer than {} seeds.", fewest_seeds);
  return fmt::format(
      "Differences are paired by seed. Interval: {} of the median difference, by bootstrap; p is "
      "of the one-sided sign-flip test, at least {:.2g} for so many seeds.",
      worth(bootstrap(made_up)), std::pow(2.0, -seeds));
}

Json rankings(const Study& study, const Palette& palette) {
  return panels_of(study, [&](const Results& r, Json& panel) {
    if (r.rows.empty() || r.lengths.empty()) return false;
    const int longest = r.longest();
    const auto all = orderings(r, longest, r.measures().front());
    if (all.empty()) return false;
    panel["worth"] = note(all);
    panel["tables"] = steps(r.title() + ": ranking", all, 1, palette);
    return true;
  });
}

// The spread of a row's scores at the longest length over the checkpoints of the last tenth of
// training; null if only the final ones were evaluated.
Json spread_of(const Results& r, const Row& row, int longest, const Palette& palette) {
  const Measure m = r.measures().front();
  std::vector<double> widths, all;
  for (const EvalScore& last : r.scores) {
    std::vector<double> found;
    if (!(last.row == row) || last.length != longest || std::isnan(last.*m.value)) continue;
    for (const EvalScore& s : r.late_checkpoints)
      if (s.row == row && s.length == longest && s.seed == last.seed && !std::isnan(s.*m.value))
        found.push_back(s.*m.value);
    if (found.empty()) continue;
    found.push_back(last.*m.value);
    const Spread s = spread(found);
    widths.push_back(s.most - s.least);
    append(all, found);
  }
  if (all.empty()) return nullptr;
  const Spread s = spread(all);
  return line_of(
      row, palette,
      {cell(shown(r.at(row, longest, m).median, m)),
       cell(shown(s.least, m) + "–" + shown(s.most, m)), cell(shown(spread(widths).most, m))});
}

Json checkpoints(const Study& study, const Palette& palette) {
  return panels_of(study, [&](const Results& r, Json& panel) {
    if (r.late_checkpoints.empty()) return false;
    const int longest = r.longest();
    Json lines = Json::array();
    for (const Row& row : r.rows)
      if (Json line = spread_of(r, row, longest, palette); !line.is_null()) lines.push_back(line);
    if (lines.empty()) return false;
    panel["tables"] = tables_of(
        fmt::format("{}: {} at {}", r.title(), r.measures().front().title, longest), "sortable",
        {head("encoding"), head("final checkpoint", "median"), head("all checkpoints, all seeds"),
         head("largest range within a seed")},
        lines);
    return true;
  });
}

Json predicted(const Study& study, const Palette& palette) {
  const std::vector<Predicted> all = predictions(study);
  if (all.empty()) return nullptr;
  Json lines = Json::array();
  for (const Predicted& p : all) {
    const bool told = p.why.empty() && p.outcome != Generalisation::not_learned;
    const std::string found = p.why.empty() ? name_of(p.outcome) : p.why;
    lines.push_back(
        line_of(p.row, palette,
                {cell(p.panel < 0 ? "" : study.panels[std::size_t(p.panel)].title(), "words"),
                 cell(p.predicted ? "generalises" : "does not generalise", "words"),
                 cell(found, "words"), cell(fmt::format("{} of {}", p.fit, p.seeds)),
                 cell(std::isnan(p.mean) ? "–" : shown(p.mean, Measure::exact_match)),
                 cell(!told              ? "–"
                      : p.as_predicted() ? "yes"
                                         : "no")}));
  }
  return {{"sentence", summary(study, all)},
          {"tables", tables_of("Predictions", "sortable",
                               {head("encoding"), head("task"), head("predicted"), head("found"),
                                head("learned", "seeds"), head("exact match", "next length, %"),
                                head("as predicted")},
                               lines)}};
}

}  // namespace

Json verdicts_section(const Study& study, const Palette& palette) {
  Json claims = Json::array();
  for (const Verdict& v : verdicts(study)) claims.push_back(claim_of(study, v, palette));
  Json orders = rankings(study, palette);
  const Json last = checkpoints(study, palette), theory = predicted(study, palette);
  if (claims.empty() && orders.is_null() && last.is_null() && theory.is_null()) return nullptr;
  if (!orders.is_null()) orders["open"] = claims.empty();
  return {{"claims", claims}, {"predicted", theory}, {"orders", orders}, {"checkpoints", last}};
}

}  // namespace yonder
