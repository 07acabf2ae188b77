#pragma once
#include <limits>
#include <string>
#include <vector>

/// \file
/// What a handful of seeds can and can't show. Everything here is a function of the values alone:
/// the same seeds give the same interval on every machine.
namespace yonder {

/// Summary of one metric over several seeds.
struct Spread {
  double median = std::numeric_limits<double>::quiet_NaN();  ///< NaN if empty
  double least = median, most = median;                      ///< the range
  int count = 0;                                             ///< number of values

  /// Whether there are no values.
  bool empty() const { return count == 0; }
};

/// Median, smallest and largest of `values`, in any order; the median of an even count is the mean
/// of the middle two. No values give an empty Spread. The values must not be NaN.
Spread spread(std::vector<double> values);

/// Sample standard deviation, with n − 1; NaN for a single value.
double standard_deviation(const std::vector<double>& values);

/// Confidence interval of the median over all possible seeds, from the few that were run.
struct Interval {
  double low = std::numeric_limits<double>::quiet_NaN();  ///< lower end
  double high = low;                                      ///< upper end
  int count = 0;                                          ///< number of seeds
  /// Probability that the interval between two order statistics of `count` values contains the
  /// median of their distribution: Σ_{l ≤ k < u} C(n, k)/2^n for the l-th to the u-th smallest, for
  /// any distribution. Below 0.95 if there are too few seeds for the nominal level of the
  /// bootstrap: 0.75 for 3 seeds, 0.94 for 5.  David & Nagaraja 2003, "Order statistics", sec. 7.1
  double coverage = 0;
};

/// The 95 % percentile bootstrap of the median: from the 2.5th to the 97.5th percentile of the
/// medians of resamples with replacement. Up to 8 values, every resample is counted with its
/// probability; above that, 10,000 are drawn with Philox, always the same.
/// Empty for fewer than two values.
/// Efron 1979, "Bootstrap methods: another look at the jackknife", Ann. Statist. 7.
Interval bootstrap(const std::vector<double>& values);

/// Uncertainty of the mean over all targets of an evaluation due to the choice of sequences: the
/// 95 % percentile bootstrap of Σ sums / Σ counts over sequences, from 1000 resamples drawn with
/// Philox, always the same. Sets no coverage. Empty for fewer than two sequences.
Interval bootstrap_of_sequences(const std::vector<double>& sums, const std::vector<int>& counts);

/// Two rows compared seed by seed.
struct Paired {
  Spread difference;                ///< of a − b
  Interval interval;                ///< of its median
  int seeds = 0;                    ///< pairs
  int below = 0;                    ///< with a < b
  int above = 0;                    ///< with a > b; the rest are equal
  std::vector<double> differences;  ///< a − b, seed by seed
};

/// a[i] and b[i] belong to the same seed.
Paired paired(const std::vector<double>& a, const std::vector<double>& b);

/// "75 % confidence interval (n = 3)": the actual coverage of an interval.
std::string worth(const Interval&);

}  // namespace yonder
