#pragma once
#include <limits>
#include <string>
#include <vector>

/// \file
/// What a handful of seeds can and can't say. Everything here is a function of the numbers alone:
/// the same seeds give the same interval, on every machine.
namespace yonder {

/// What several seeds gave for one number.
struct Spread {
  double median = std::numeric_limits<double>::quiet_NaN();  ///< NaN without values
  double least = median, most = median;                      ///< the range
  int count = 0;                                             ///< values behind it

  /// Without values.
  bool empty() const { return count == 0; }
};

/// Median, smallest and largest of `values`, in any order; the median of an even count is the mean
/// of the middle two. No values give an empty Spread of NaN. NaN among the values is our mistake.
Spread spread(std::vector<double> values);

/// Of a sample, with n − 1; NaN for fewer than two values.
double standard_deviation(const std::vector<double>& values);

/// Where the median of all seeds, of which some were run, is likely to lie.
struct Interval {
  double low = std::numeric_limits<double>::quiet_NaN();  ///< lower end
  double high = low;                                      ///< upper end
  int count = 0;                                          ///< seeds behind it
  /// How often the interval between two of `count` numbers holds the median that they were drawn
  /// around: Σ_{l ≤ k < u} C(n, k)/2^n for the l-th to the u-th smallest, whatever the distribution
  /// is. It is below 0.95 where seeds are too few for what the bootstrap promises: 0.75 for 3
  /// seeds, 0.94 for 5.  David & Nagaraja 2003, "Order statistics", sec. 7.1
  double coverage = 0;
};

/// The percentile bootstrap of the median, 95 %: from the 2.5th to the 97.5th percentile of the
/// medians of resamples with replacement. Up to 8 values every resample is counted, with its
/// probability; else 10,000 are drawn from Philox, always the same.
/// Efron 1979, "Bootstrap methods: another look at the jackknife", Ann. Statist. 7.
Interval bootstrap(const std::vector<double>& values);

/// How far the mean over all targets of a test is the choice of its sequences: the percentile
/// bootstrap of Σ sums / Σ counts over sequences, 95 %, of 1000 resamples drawn from Philox, always
/// the same. Without a coverage. Empty for fewer than two sequences.
Interval bootstrap_of_sequences(const std::vector<double>& sums, const std::vector<int>& counts);

/// Two rows on the same seeds, number by number.
struct Paired {
  Spread difference;                ///< of a − b
  Interval interval;                ///< of its median
  int seeds = 0;                    ///< pairs
  int below = 0;                    ///< with a < b
  int above = 0;                    ///< with a > b; the rest are equal
  std::vector<double> differences;  ///< a − b, seed by seed
};

/// a[i] and b[i] are of the same seed.
Paired paired(const std::vector<double>& a, const std::vector<double>& b);

/// "75 % confidence interval (n = 3)": what an interval of so many seeds is worth.
std::string worth(const Interval&);

}  // namespace yonder
