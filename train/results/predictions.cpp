#include "train/results/predictions.h"

#include <fmt/core.h>
#include <algorithm>
#include <cmath>

#include "train/results/format.h"
#include "train/results/orderings.h"

namespace yonder {
namespace {

constexpr double fits = 0.99, enough = 0.9;

// The next length above the training length; 0 if there is none.
int next_length(const Results& r) {
  int next = 0;
  for (const int length : r.lengths)
    if (length > r.train_length && (next == 0 || length < next)) next = length;
  return next;
}

double exact(const Results& r, const Row& row, int length, int seed) {
  for (const EvalScore& s : r.scores)
    if (s.row == row && s.length == length && s.seed == seed) return s.exact_match;
  return unknown;
}

void judge(Predicted& p, const Results& r) {
  const int next = next_length(r);
  if (!has(r.rows, p.row)) p.why = p.row.printed() + " was not run";
  else if (r.text) p.why = r.task + " has no exact match";
  else if (next == 0) p.why = "no length beyond the training length was tested";
  if (!p.why.empty()) return;
  double sum = 0;
  for (const EvalScore& s : r.scores) {
    if (!(s.row == p.row) || s.length != r.train_length) continue;
    ++p.seeds;
    const double there = exact(r, p.row, next, s.seed);
    if (s.exact_match >= fits && !std::isnan(there)) ++p.fit, sum += there;
  }
  if (p.fit == 0) return;
  p.mean = sum / p.fit;
  p.outcome = p.mean >= enough ? Generalisation::generalises : Generalisation::fails;
}

std::string place(const Study& study, const Predicted& p) {
  return p.row.printed() + (p.panel < 0 ? "" : " on " + study.panels[std::size_t(p.panel)].title());
}

}  // namespace

const char* name_of(Generalisation g) {
  return g == Generalisation::not_learned   ? "not learned"
         : g == Generalisation::generalises ? "generalises"
                                            : "does not generalise";
}

std::vector<Predicted> predictions(const Study& study) {
  std::vector<Predicted> all;
  for (const Prediction& prediction : study.predictions) {
    const int panel = panel_of(study, {.task = prediction.task, .config = prediction.config});
    for (const bool predicted : {true, false}) {
      const auto& rows = predicted ? prediction.generalise : prediction.fail;
      if (rows.empty()) continue;
      for (const Row& row : parse_rows(rows)) {
        Predicted p{.row = row, .panel = panel, .predicted = predicted};
        if (panel < 0) p.why = "no panel has its task and config";
        else judge(p, study.panels[std::size_t(panel)]);
        all.push_back(std::move(p));
      }
    }
  }
  return all;
}

std::string summary(const Study& study, const std::vector<Predicted>& all) {
  if (all.empty()) return "";
  const auto right =
      std::ranges::count_if(all, [](const Predicted& p) { return p.as_predicted(); });
  std::vector<std::string> unlearned;
  for (const Predicted& p : all)
    if (p.why.empty() && p.outcome == Generalisation::not_learned)
      unlearned.push_back(place(study, p));
  return fmt::format("{} of {} as predicted{}.", right, all.size(),
                     unlearned.empty() ? "" : "; not learned: " + listed(unlearned));
}

std::string said(const Study& study, const Predicted& p) {
  const std::string who = place(study, p) + ": ";
  if (!p.why.empty()) return who + "not compared, " + p.why;
  std::string text = who + name_of(p.outcome);
  if (p.outcome != Generalisation::not_learned)
    text += p.as_predicted() ? ", as predicted" : ", against the prediction";
  text += fmt::format(" ({} of {} seeds learned it", p.fit, p.seeds);
  if (p.fit == 0) return text + ")";
  const Results& r = study.panels[std::size_t(p.panel)];
  return fmt::format("{}; {} % at {})", text, shown(p.mean, Measure::exact_match),
                     text_of(next_length(r), r.bins));
}

}  // namespace yonder
