#include "train/results/inference.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstdint>
#include <numeric>

#include "core/random.h"

namespace yonder {
namespace {

constexpr int most_flips = 16, draws_of_a_test = 100000;
constexpr double significance = 0.05, z_of_power = 0.842;

double sum(const std::vector<double>& x) { return std::accumulate(x.begin(), x.end(), 0.0); }

// Sums of the same values in another order differ by rounding; they count as equal.
double slack(const std::vector<double>& x) {
  double size = 0;
  for (const double d : x) size += std::abs(d);
  return 1e-12 * size;
}

// The z that a standard normal variable exceeds with probability `tail`.
double normal_quantile(double tail) {
  double low = 0, high = 40;
  for (int i = 0; i < 200; ++i) {
    const double z = (low + high) / 2;
    (std::erfc(z / std::sqrt(2.0)) / 2 > tail ? low : high) = z;
  }
  return low;
}

// Σ_j j · rank of one seed.
double weighed(const std::vector<double>& rank) {
  double all = 0;
  for (std::size_t j = 0; j < rank.size(); ++j) all += double(j + 1) * rank[j];
  return all;
}

double kendall(const std::vector<double>& values) {
  double agree = 0, pairs = 0;
  for (std::size_t i = 0; i < values.size(); ++i)
    for (std::size_t j = i + 1; j < values.size(); ++j)
      ++pairs, agree += values[i] < values[j] ? 1 : values[i] > values[j] ? -1 : 0;
  return pairs ? agree / pairs : 0;
}

// The share of all permutations of the ranks within each seed whose L is at least `least`, by
// enumeration.
double exact_trend(const std::vector<std::vector<double>>& all_ranks, double least) {
  std::vector<double> totals{0};
  for (std::vector<double> rank : all_ranks) {
    std::sort(rank.begin(), rank.end());
    std::vector<double> next;
    do {
      for (const double t : totals) next.push_back(t + weighed(rank));
    } while (std::next_permutation(rank.begin(), rank.end()));
    totals = std::move(next);
  }
  const auto reached =
      std::count_if(totals.begin(), totals.end(), [least](double t) { return t >= least - 1e-9; });
  return double(reached) / double(totals.size());
}

double drawn_trend(const std::vector<std::vector<double>>& all_ranks, double least) {
  int reached = 1;  // counts the observed order itself
  for (int n = 0; n < draws_of_a_test; ++n) {
    RandomStream draws(Random(0, "trend", std::uint32_t(n)));
    double total = 0;
    for (std::vector<double> rank : all_ranks) {
      for (int i = int(rank.size()) - 1; i > 0; --i)
        std::swap(rank[std::size_t(i)], rank[std::size_t(draws.below(i + 1))]);
      total += weighed(rank);
    }
    reached += total >= least - 1e-9;
  }
  return double(reached) / (draws_of_a_test + 1);
}

}  // namespace

std::vector<double> tied_ranks(const std::vector<double>& values) {
  std::vector<double> rank;
  for (const double x : values) {
    double below = 0, equal = 0;
    for (const double y : values) below += y < x, equal += y == x;
    rank.push_back(below + (equal + 1) / 2);
  }
  return rank;
}

double sign_flip_p(const std::vector<double>& differences) {
  const std::size_t n = differences.size();
  if (n == 0) return 1;
  const double seen = sum(differences) + slack(differences);
  if (n <= most_flips) {
    int low = 0;
    for (unsigned flips = 0; flips < 1u << n; ++flips) {
      double total = 0;
      for (std::size_t i = 0; i < n; ++i)
        total += flips >> i & 1 ? -differences[i] : differences[i];
      low += total <= seen;
    }
    return low / double(1u << n);
  }
  int low = 1;  // counts the observed signs themselves
  for (int k = 0; k < draws_of_a_test; ++k) {
    const Random random(0, "sign flips", std::uint32_t(k));
    double total = 0;
    for (std::size_t i = 0; i < n; ++i)
      total += random.below(2, i) ? -differences[i] : differences[i];
    low += total <= seen;
  }
  return double(low) / (draws_of_a_test + 1);
}

double sign_p(const std::vector<double>& differences) {
  int below = 0, n = 0;
  for (const double d : differences) below += d < 0, n += d != 0;
  double p = 0;
  for (int k = below; k <= n; ++k)
    p += std::exp(std::lgamma(n + 1) - std::lgamma(k + 1) - std::lgamma(n - k + 1) -
                  n * std::log(2.0));
  return std::min(p, 1.0);
}

std::vector<double> holm(const std::vector<double>& p) {
  std::vector<std::size_t> order(p.size());
  std::iota(order.begin(), order.end(), std::size_t(0));
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return p[a] < p[b]; });
  std::vector<double> adjusted(p.size());
  double most = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    most = std::max(most, std::min(1.0, double(p.size() - i) * p[order[i]]));
    adjusted[order[i]] = most;
  }
  return adjusted;
}

int seeds_for(int claims) {
  return std::max(5, int(std::ceil(std::log2(20.0 * std::max(claims, 1)) - 1e-9)));
}

Trend trend(const std::vector<std::vector<double>>& values) {
  Trend found;
  if (values.empty()) return found;
  std::vector<std::vector<double>> all_ranks;
  double ways = 1;
  for (const auto& row : values) {
    assert(row.size() == values.front().size());
    all_ranks.push_back(tied_ranks(row));
    found.L += weighed(all_ranks.back());
    found.tau += kendall(row) / double(values.size());
    ways *= std::tgamma(double(row.size()) + 1);
  }
  found.p =
      ways <= draws_of_a_test ? exact_trend(all_ranks, found.L) : drawn_trend(all_ranks, found.L);
  return found;
}

int seeds_needed(const std::vector<double>& differences, int claims) {
  const double n = double(differences.size()), mean = n > 0 ? sum(differences) / n : 0;
  if (n < 2 || !(mean < 0)) return 0;
  double squares = 0;
  for (const double d : differences) squares += (d - mean) * (d - mean);
  const double deviation = std::sqrt(squares / (n - 1)), m = std::max(claims, 1);
  const double z = normal_quantile(significance / m);
  const double by_signs = std::ceil(std::log2(m / significance) - 1e-9);
  const double by_size = std::pow((z + z_of_power) * deviation / mean, 2) + z * z / 2;
  return int(std::min(1e6, std::max(by_signs, std::ceil(by_size))));
}

}  // namespace yonder
