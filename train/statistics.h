#pragma once
#include <limits>
#include <vector>

namespace yonder {

/// What several seeds gave for one number.
struct Spread {
  double median = std::numeric_limits<double>::quiet_NaN();
  double least = median, most = median;
  int count = 0;

  bool empty() const { return count == 0; }
};

/// Median, smallest and largest of `values`, in any order; the median of an even count is the mean
/// of the middle two. No values give an empty Spread of NaN. NaN among the values is our mistake.
Spread spread(std::vector<double> values);

}  // namespace yonder
