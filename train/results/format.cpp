#include "train/results/format.h"

#include <cmath>
#include <cstdio>

namespace yonder {

std::string counted(const Results& results, const Spread& s) {
  if (s.empty() || s.count >= results.seeds) return "";
  return " (" + std::to_string(s.count) + " of " + std::to_string(results.seeds) + ")";
}

std::string shown(double value, const Measure& measure) {
  char text[32];
  std::snprintf(text, sizeof text, measure.percent ? "%.1f" : "%.2f",
                measure.percent ? 100 * value : value);
  return text;
}

}  // namespace yonder
