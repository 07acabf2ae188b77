#include "train/statistics.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace yonder {

Spread spread(std::vector<double> values) {
  if (values.empty()) return {};
  assert(std::none_of(values.begin(), values.end(), [](double x) { return std::isnan(x); }));
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  const double median = values.size() % 2 ? values[half] : (values[half - 1] + values[half]) / 2;
  return {median, values.front(), values.back(), int(values.size())};
}

}  // namespace yonder
