#include "train/results/statistics.h"

#include <fmt/core.h>
#include <algorithm>
#include <cassert>
#include <cmath>
#include <map>

#include "core/random.h"

namespace yonder {
namespace {

constexpr int resamples = 10000, enumerated = 8;
constexpr double tail = 0.025;

// C(n, k)/2^n
double fair(int n, int k) {
  return std::exp(std::lgamma(n + 1) - std::lgamma(k + 1) - std::lgamma(n - k + 1) -
                  n * std::log(2.0));
}

double median(const std::vector<double>& sorted) {
  const std::size_t half = sorted.size() / 2;
  return sorted.size() % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

using Chances = std::map<double, double>;  // probability of each median

// Enumerates all multisets of n of the values, with the probability n!/(Π counts!) / n^n.
void enumerate(const std::vector<double>& sorted, std::size_t value, std::vector<double>& chosen,
               double log_chance, Chances& chances) {
  const std::size_t n = sorted.size(), left = n - chosen.size();
  if (value + 1 == n || left == 0) {
    std::vector<double> all = chosen;
    all.resize(n, sorted.back());
    chances[median(all)] += std::exp(log_chance - std::lgamma(double(left) + 1));
    return;
  }
  for (std::size_t count = 0; count <= left; ++count) {
    if (count) chosen.push_back(sorted[value]);
    enumerate(sorted, value + 1, chosen, log_chance - std::lgamma(double(count) + 1), chances);
  }
  chosen.resize(n - left);
}

Chances all_resamples(const std::vector<double>& sorted) {
  const double n = double(sorted.size());
  Chances chances;
  std::vector<double> chosen;
  enumerate(sorted, 0, chosen, std::lgamma(n + 1) - n * std::log(n), chances);
  return chances;
}

Chances some_resamples(const std::vector<double>& sorted) {
  const std::size_t n = sorted.size();
  Chances chances;
  std::vector<double> drawn(n);
  for (int i = 0; i < resamples; ++i) {
    const Random random(0, "bootstrap", std::uint32_t(i));
    for (std::size_t k = 0; k < n; ++k) drawn[k] = sorted[random.below(n, k)];
    std::sort(drawn.begin(), drawn.end());
    chances[median(drawn)] += 1.0 / resamples;
  }
  return chances;
}

// Interval::coverage, for the order statistics within the interval: the l-th to the u-th.
double coverage(const std::vector<double>& sorted, double low, double high) {
  const int n = int(sorted.size());
  const int l = int(std::lower_bound(sorted.begin(), sorted.end(), low) - sorted.begin()) + 1;
  const int u = int(std::upper_bound(sorted.begin(), sorted.end(), high) - sorted.begin());
  double sum = 0;
  for (int k = l; k < u; ++k) sum += fair(n, k);
  return sum;
}

}  // namespace

Spread spread(std::vector<double> values) {
  if (values.empty()) return {};
  assert(std::none_of(values.begin(), values.end(), [](double x) { return std::isnan(x); }));
  std::sort(values.begin(), values.end());
  return {median(values), values.front(), values.back(), int(values.size())};
}

double standard_deviation(const std::vector<double>& values) {
  double mean = 0, squares = 0;
  for (double x : values) mean += x / double(values.size());
  for (double x : values) squares += (x - mean) * (x - mean);
  return std::sqrt(squares / (double(values.size()) - 1));
}

Interval bootstrap(const std::vector<double>& values) {
  if (values.size() < 2) return {.count = int(values.size())};
  std::vector<double> sorted = values;
  std::sort(sorted.begin(), sorted.end());
  const Chances chances =
      int(sorted.size()) <= enumerated ? all_resamples(sorted) : some_resamples(sorted);
  Interval interval{.low = sorted.front(), .high = sorted.back(), .count = int(sorted.size())};
  double below = 0;
  for (const auto& [value, chance] : chances) {
    if (below < tail && below + chance >= tail) interval.low = value;
    if (below < 1 - tail) interval.high = value;
    below += chance;
  }
  interval.coverage = coverage(sorted, interval.low, interval.high);
  return interval;
}

Interval bootstrap_of_sequences(const std::vector<double>& sums, const std::vector<int>& counts) {
  assert(sums.size() == counts.size());
  constexpr int draws = 1000;
  const std::size_t n = sums.size();
  if (n < 2) return {};
  std::vector<double> means;
  for (int i = 0; i < draws; ++i) {
    const Random random(0, "bootstrap.sequences", std::uint32_t(i));
    double sum = 0, count = 0;
    for (std::size_t k = 0; k < n; ++k) {
      const std::size_t one = random.below(n, k);
      sum += sums[one], count += counts[one];
    }
    means.push_back(sum / count);
  }
  std::sort(means.begin(), means.end());
  const auto at = [&](double part) { return means[std::size_t(part * (draws - 1) + 0.5)]; };
  return {.low = at(tail), .high = at(1 - tail), .count = int(n)};
}

Paired paired(const std::vector<double>& a, const std::vector<double>& b) {
  assert(a.size() == b.size());
  Paired found;
  std::vector<double>& differences = found.differences;
  for (std::size_t i = 0; i < a.size(); ++i) {
    differences.push_back(a[i] == b[i] ? 0 : a[i] - b[i]);  // also for two infinities
    found.below += a[i] < b[i];
    found.above += a[i] > b[i];
  }
  found.seeds = int(a.size());
  found.interval = bootstrap(differences);
  found.difference = spread(differences);
  return found;
}

std::string worth(const Interval& interval) {
  if (interval.count < 2) return "one seed has no interval";
  return fmt::format("{} % confidence interval (n = {})",
                     int(std::floor(100 * interval.coverage + 1e-9)), interval.count);
}

}  // namespace yonder
