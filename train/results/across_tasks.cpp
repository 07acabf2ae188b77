#include "train/results/across_tasks.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "core/random.h"
#include "core/text.h"
#include "train/results/format.h"
#include "train/results/inference.h"
#include "train/results/orderings.h"

namespace yonder {
namespace {

// The first panel of each task, by name.
std::map<std::string, const Results*> tasks_of(const std::vector<Results>& panels) {
  std::map<std::string, const Results*> first;
  for (const Results& r : panels) first.emplace(task_name(r), &r);
  return first;
}

}  // namespace

std::pair<double, double> wilson(int k, int n) {
  constexpr double z = 1.959963984540054;
  const double p = double(k) / n, middle = p + z * z / (2 * n);
  const double half = z * std::sqrt(p * (1 - p) / n + z * z / (4. * n * n)), all = 1 + z * z / n;
  return {std::max(0., (middle - half) / all), std::min(1., (middle + half) / all)};
}

double interquartile_mean(std::vector<double> values) {
  std::ranges::sort(values);
  const auto cut = std::ptrdiff_t(values.size() / 4);
  return std::accumulate(values.begin() + cut, values.end() - cut, 0.) /
         double(std::ptrdiff_t(values.size()) - 2 * cut);
}

TaskScores normalised(const Results& r, const std::vector<Row>& rows, int length) {
  const Measure m = r.text ? Measure::loss : Measure::token_accuracy;
  double zero = r.text ? r.unigram_loss : r.chance_accuracy(length), one = 1;
  if (r.text) {
    const auto best = ranking(r, r.train_length, m);
    one = best.empty() ? unknown : r.at(best.front(), r.train_length, m).median;
  }
  TaskScores all;
  for (const Row& row : rows) {
    std::vector<double>& of_row = all.emplace_back();
    for (const double x : r.values(row, length, m))
      if (const double score = (x - zero) / (one - zero); !std::isnan(score))
        of_row.push_back(std::clamp(score, 0., 1.));
  }
  return all;
}

AcrossTasks across_tasks(const TaskScores& scores) {
  constexpr int resamples = 2000;
  AcrossTasks found;
  std::vector<double> all;
  for (const auto& task : scores) {
    found.tasks += !task.empty();
    append(all, task);
  }
  if (all.empty()) return found;
  found.runs = int(all.size());
  found.mean = interquartile_mean(all);
  std::vector<double> means;
  for (int i = 0; i < resamples; ++i) {
    RandomStream draws(Random(0, "bootstrap.tasks", std::uint32_t(i)));
    std::vector<double> drawn;
    for (const auto& task : scores)
      for (std::size_t k = 0; k < task.size(); ++k)
        drawn.push_back(task[std::size_t(draws.below(int(task.size())))]);
    means.push_back(interquartile_mean(drawn));
  }
  std::ranges::sort(means);
  found.low = means[resamples / 40], found.high = means[resamples - 1 - resamples / 40];
  return found;
}

double probability_of_improvement(const TaskScores& x, const TaskScores& y) {
  double sum = 0;
  int tasks = 0;
  for (std::size_t m = 0; m < std::min(x.size(), y.size()); ++m) {
    double above = 0;
    for (const double a : x[m])
      for (const double b : y[m]) above += a > b ? 1 : a == b ? 0.5 : 0;
    const double pairs = double(x[m].size() * y[m].size());
    if (pairs > 0) sum += above / pairs, ++tasks;
  }
  return tasks ? sum / tasks : unknown;
}

double share_above(double tau, const TaskScores& scores) {
  double above = 0, runs = 0;
  for (const auto& task : scores)
    for (const double score : task) above += score > tau, ++runs;
  return runs > 0 ? above / runs : unknown;
}

std::string task_name(const Results& r) {
  std::string settings;
  const std::string own = "data." + r.task + ".";
  for (std::size_t at = 0; at < r.variant.size();) {
    const std::size_t end = std::min(r.variant.find(", ", at), r.variant.size());
    if (r.variant.compare(at, own.size(), own) == 0)
      settings += (settings.empty() ? "" : ", ") + r.variant.substr(at, end - at);
    at = end + 2;
  }
  return with_settings(r.task, settings);
}

std::vector<double> ranks_at(const Results& r, const std::vector<Row>& rows, int length) {
  const Measure m = r.measures().front();
  std::vector<double> values, found(rows.size(), unknown);
  std::vector<std::size_t> run;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const bool there = std::ranges::any_of(
        r.scores, [&](const EvalScore& s) { return s.length == length && s.row == rows[i]; });
    if (!there || rows[i].windowed()) continue;
    const Spread s = r.at(rows[i], length, m);
    const double seen = s.empty() ? HUGE_VAL : std::stod(shown(s.median, m));
    values.push_back(m.percent && !s.empty() ? -seen : seen);
    run.push_back(i);
  }
  const std::vector<double> ranked = tied_ranks(values);
  for (std::size_t k = 0; k < run.size(); ++k) found[run[k]] = ranked[k];
  return found;
}

double AtMultiple::mean_rank(std::size_t row) const {
  double sum = 0;
  int tasks = 0;
  for (const double rank : ranks[row])
    if (!std::isnan(rank)) sum += rank, ++tasks;
  return tasks ? sum / tasks : unknown;
}

std::vector<std::size_t> AtMultiple::by_rank() const {
  std::vector<std::size_t> order(rows.size());
  std::iota(order.begin(), order.end(), std::size_t(0));
  const auto key = [this](std::size_t i) {
    const double mean = mean_rank(i);
    return std::pair(std::isnan(mean) ? HUGE_VAL : mean, rows[i].printed());
  };
  std::ranges::sort(order, [&key](std::size_t a, std::size_t b) { return key(a) < key(b); });
  return order;
}

std::vector<std::size_t> AtMultiple::best_ranked(std::size_t most) const {
  std::vector<std::size_t> best = by_rank();
  std::erase_if(best, [this](std::size_t i) { return std::isnan(mean_rank(i)); });
  best.resize(std::min(best.size(), most));
  return best;
}

std::vector<AtMultiple> at_multiples(const std::vector<Results>& panels) {
  const auto tasks = tasks_of(panels);
  std::map<double, AtMultiple> all;  // by multiple
  for (const auto& [name, r] : tasks)
    for (const int length : r->lengths) {
      const std::string multiple = r->multiple(length);
      AtMultiple& at = all[std::stod(multiple)];
      if (!at.panels.empty() && at.panels.back() == r) continue;  // rounds to the same multiple
      at.multiple = multiple;
      at.panels.push_back(r);
      at.lengths.push_back(length);
    }
  std::vector<AtMultiple> shared;
  for (auto& [times, at] : all)
    if (at.panels.size() > 1) shared.push_back(std::move(at));
  for (AtMultiple& at : shared) {
    for (const Results* r : at.panels)
      for (const Row& row : r->rows) add_once(at.rows, row);
    at.scores.resize(at.rows.size());
    at.ranks.resize(at.rows.size());
    for (std::size_t t = 0; t < at.panels.size(); ++t) {
      const TaskScores scores = normalised(*at.panels[t], at.rows, at.lengths[t]);
      const std::vector<double> ranked = ranks_at(*at.panels[t], at.rows, at.lengths[t]);
      for (std::size_t i = 0; i < at.rows.size(); ++i) {
        at.scores[i].push_back(scores[i]);
        at.ranks[i].push_back(ranked[i]);
      }
    }
  }
  return shared;
}

const AtMultiple& headline_of(const std::vector<AtMultiple>& all) {
  return *std::max_element(all.rbegin(), all.rend(), [](const AtMultiple& a, const AtMultiple& b) {
    return a.panels.size() < b.panels.size();
  });
}

}  // namespace yonder
