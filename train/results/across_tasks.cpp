#include "train/results/across_tasks.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "core/random.h"
#include "train/results/orderings.h"

namespace yonder {
namespace {

// The first panel of each task.
std::vector<const Results*> tasks_of(const std::vector<Results>& panels) {
  std::vector<const Results*> first;
  std::set<std::string> seen;
  for (const Results& r : panels)
    if (seen.insert(r.task).second) first.push_back(&r);
  return first;
}

// Its length at a multiple of the training length; 0 where that was not tested.
int length_at(const Results& r, const std::string& multiple) {
  for (const int length : r.lengths)
    if (r.multiple(length) == multiple) return length;
  return 0;
}

}  // namespace

std::pair<double, double> wilson(int k, int n) {
  constexpr double z = 1.959963984540054;
  const double p = double(k) / n, middle = p + z * z / (2 * n);
  const double half = z * std::sqrt(p * (1 - p) / n + z * z / (4. * n * n)), all = 1 + z * z / n;
  return {std::max(0., (middle - half) / all), std::min(1., (middle + half) / all)};
}

double interquartile_mean(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const auto cut = std::ptrdiff_t(values.size() / 4);
  return std::accumulate(values.begin() + cut, values.end() - cut, 0.) /
         double(std::ptrdiff_t(values.size()) - 2 * cut);
}

std::vector<double> normalised(const Results& r, const Row& row, int length) {
  const Measure m = r.text ? Measure::loss : Measure::token_accuracy;
  double zero = r.text ? r.unigram_loss : r.chance_accuracy(length), one = 1;
  if (r.text) {
    const auto rows = ranking(r, r.train_length, m);
    one = rows.empty() ? unknown : r.at(rows.front(), r.train_length, m).median;
  }
  std::vector<double> all;
  for (const double x : r.values(row, length, m))
    if (const double score = (x - zero) / (one - zero); !std::isnan(score))
      all.push_back(std::clamp(score, 0., 1.));
  return all;
}

AcrossTasks across_tasks(const std::vector<std::vector<double>>& scores) {
  constexpr int resamples = 2000;
  AcrossTasks found;
  std::vector<double> all;
  for (const auto& task : scores) {
    found.tasks += !task.empty();
    all.insert(all.end(), task.begin(), task.end());
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
  std::sort(means.begin(), means.end());
  found.low = means[resamples / 40], found.high = means[resamples - 1 - resamples / 40];
  return found;
}

std::vector<std::string> shared_multiples(const std::vector<Results>& panels) {
  std::vector<std::pair<double, std::string>> all;
  const auto tasks = tasks_of(panels);
  for (const Results* r : tasks)
    for (const int length : r->lengths) {
      const std::string multiple = r->multiple(length);
      const auto there = [&multiple](const Results* one) { return length_at(*one, multiple) > 0; };
      if (std::count_if(tasks.begin(), tasks.end(), there) > 1)
        all.emplace_back(double(length) / r->train_length, multiple);
    }
  std::sort(all.begin(), all.end());
  std::vector<std::string> names;
  for (const auto& [times, multiple] : all) add_once(names, multiple);
  return names;
}

AcrossTasks across_tasks(const std::vector<Results>& panels, const Row& row,
                         const std::string& multiple) {
  std::vector<std::vector<double>> scores;
  for (const Results* r : tasks_of(panels))
    if (const int length = length_at(*r, multiple)) scores.push_back(normalised(*r, row, length));
  return across_tasks(scores);
}

}  // namespace yonder
