#include "encodings/base/encoding.h"

#include <algorithm>

namespace yonder {
namespace {

std::pair<int, int> extremes(const Positions& p) {
  int least = p(0, 0), most = least;
  for (int b = 0; b < (p.shared() ? 1 : p.batch); ++b)
    for (int t = 0; t < p.tokens; ++t)
      least = std::min(least, p(b, t)), most = std::max(most, p(b, t));
  return {least, most};
}

}  // namespace

int Attention::least() const { return extremes(queries).first - extremes(keys).second; }
int Attention::most() const { return extremes(queries).second - extremes(keys).first; }

std::vector<int> places(const Positions& p) {
  int longest = 0;
  for (int b = 0; b < p.batch; ++b) longest = std::max(longest, p.length(b));
  std::vector<int> at;
  for (int b = 0; b < (p.shared() ? 1 : p.batch); ++b)
    for (int t = 0; t < p.tokens; ++t)
      at.push_back(p.first + t < (p.shared() ? longest : p.length(b)) ? p(b, t) : 0);
  return at;
}

}  // namespace yonder
