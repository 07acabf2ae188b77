#include "train/results/panel.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "core/text.h"
#include "train/results/format.h"

namespace yonder {

const Measure Measure::loss{&EvalScore::loss, "loss", "Cross-entropy (nats per byte)", false};
const Measure Measure::token_accuracy{&EvalScore::token_accuracy, "token_accuracy",
                                      "Token accuracy (%)", true};
const Measure Measure::bytes{&EvalScore::token_accuracy, "token_accuracy", "Byte accuracy (%)",
                             true};
const Measure Measure::exact_match{&EvalScore::exact_match, "exact_match", "Exact match (%)", true};

std::string Results::title() const {
  const bool usual = protocol == "fixed-targets" || protocol == "answer";
  return with_settings(task + (usual ? "" : ", " + protocol),
                       test + (test.empty() || variant.empty() ? "" : ", ") + variant);
}

void Results::count_scores() {
  std::set<int> all(lengths.begin(), lengths.end()), of_runs;
  for (const EvalScore& s : scores) {
    all.insert(s.length);
    of_runs.insert(s.seed);
    add_once(rows, s.row);
  }
  lengths = {all.begin(), all.end()};
  seeds = std::max(seeds, int(of_runs.size()));
}

std::vector<Measure> Results::measures() const {
  if (text && task == "text") return {Measure::loss};
  if (text) return {Measure::loss, Measure::bytes};  // copying predicts every byte
  return {Measure::token_accuracy, Measure::exact_match};
}

std::vector<double> Results::values(const Row& row, int length, const Measure& measure) const {
  std::vector<double> found;
  for (const EvalScore& s : scores)
    if (s.row == row && s.length == length && !std::isnan(s.*measure.value))
      found.push_back(s.*measure.value);
  return found;
}

Spread Results::at(const Row& row, int length, const Measure& measure) const {
  return spread(values(row, length, measure));
}

std::string Results::problem(const Row& row, int length) const {
  if (!at(row, length, Measure::loss).empty()) return "";
  for (const EvalScore& s : scores)
    if (s.row == row && s.length == length && s.status != Status::ok)
      return s.reason.empty() ? name_of(s.status) : s.reason;
  return "failed";
}

Spread Results::reference(const Row& row, const Measure& measure) const {
  const Spread plain = at({row.encoding, {}}, train_length, measure);
  return plain.empty() ? at(row, train_length, measure) : plain;
}

double Results::degradation(const Row& row, int length, const Measure& measure) const {
  const double now = at(row, length, measure).median, was = reference(row, measure).median;
  return measure.percent ? was / now : now / was;
}

bool Results::unlearned(const Row& row) const {
  const Spread s = reference(row, Measure::token_accuracy);
  return !text && !s.empty() && s.most < 0.9;
}

Results::Solved Results::solved(const Row& row, int length) const {
  Solved count;
  for (const EvalScore& s : scores) {
    const double share = std::isnan(s.exact_match) ? s.token_accuracy : s.exact_match;
    if (!(s.row == row) || s.length != length || std::isnan(share)) continue;
    ++count.of;
    if (share >= solving) ++count.seeds;
  }
  return count;
}

double Results::chance_accuracy(int length) const {
  for (std::size_t i = 0; i < chance.size(); ++i)
    if (lengths[i] == length) return chance[i];
  return unknown;
}

int Results::longest() const { return *std::ranges::max_element(lengths); }

std::string Results::multiple(int length) const {
  return text_of(Value(std::round(100. * length / train_length) / 100));
}

}  // namespace yonder
