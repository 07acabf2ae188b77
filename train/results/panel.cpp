#include "train/results/panel.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace yonder {

const Measure Measure::loss{&Score::loss, "loss", "Cross-entropy (nats per byte)", false};
const Measure Measure::accuracy{&Score::accuracy, "token_accuracy", "Token accuracy (%)", true};
const Measure Measure::bytes{&Score::accuracy, "token_accuracy", "Byte accuracy (%)", true};
const Measure Measure::exact{&Score::exact, "exact_match", "Exact match (%)", true};

std::string Results::title() const {
  std::string name = task;
  const bool usual = protocol == "fixed-targets" || protocol == "answer";
  for (const std::string& more : {test, usual ? "" : protocol, variant})
    if (!more.empty()) name += ", " + more;
  return name;
}

std::vector<Measure> Results::measures() const {
  if (text && task == "text") return {Measure::loss};
  if (text) return {Measure::loss, Measure::bytes};  // who copies names every byte
  return {Measure::accuracy, Measure::exact};
}

std::vector<double> Results::values(const Row& row, int length, const Measure& measure) const {
  std::vector<double> found;
  for (const Score& s : scores)
    if (s.row == row && s.length == length && !std::isnan(s.*measure.value))
      found.push_back(s.*measure.value);
  return found;
}

Spread Results::at(const Row& row, int length, const Measure& measure) const {
  return spread(values(row, length, measure));
}

std::string Results::problem(const Row& row, int length) const {
  if (!at(row, length, Measure::loss).empty()) return "";
  for (const Score& s : scores)
    if (s.row == row && s.length == length && s.status != Status::ok)
      return s.reason.empty() ? name_of(s.status) : s.reason;
  return "failed";
}

Spread Results::reference(const Row& row, const Measure& measure) const {
  const Spread plain = at({row.encoding, {}}, trained, measure);
  return plain.empty() ? at(row, trained, measure) : plain;
}

double Results::worse(const Row& row, int length, const Measure& measure) const {
  const double now = at(row, length, measure).median, was = reference(row, measure).median;
  return measure.percent ? was / now : now / was;
}

bool Results::unlearned(const Row& row) const {
  const Spread s = reference(row, Measure::accuracy);
  return !text && !s.empty() && s.most < 0.9;
}

Results::Solved Results::solved(const Row& row, int length) const {
  Solved count;
  for (const Score& s : scores) {
    const double share = std::isnan(s.exact) ? s.accuracy : s.exact;
    if (!(s.row == row) || s.length != length || std::isnan(share)) continue;
    ++count.of;
    if (share >= solving) ++count.seeds;
  }
  return count;
}

double Results::guessed(int length) const {
  for (std::size_t i = 0; i < chance.size(); ++i)
    if (lengths[i] == length) return chance[i];
  return unknown;
}

int Results::longest() const { return *std::max_element(lengths.begin(), lengths.end()); }

std::string Results::multiple(int length) const {
  char text_[32];
  const double times = std::round(100. * length / trained) / 100;
  return {text_, std::to_chars(text_, text_ + sizeof text_, times).ptr};
}

}  // namespace yonder
