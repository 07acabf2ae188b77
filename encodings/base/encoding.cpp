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

int Attention::least_seen() const {
  if (!mask.causal) return least();
  int least = 0;
  const bool shared = queries.shared() && keys.shared();
  for (int b = 0; b < (shared ? 1 : queries.batch); ++b) {
    const int rows = shared ? keys.tokens : std::max(keys.length(b) - keys.first, 0);
    for (int j = 0, farthest = 0; j < std::min(rows, keys.tokens); ++j) {
      farthest = std::max(farthest, keys(b, j));
      const int own = j + keys.first - queries.first;  // the query row of its token
      if (own >= 0 && own < queries.tokens) least = std::min(least, queries(b, own) - farthest);
    }
  }
  return least;
}

void Attention::require_monotonic(const std::string& owner) const {
  if (const int least = least_seen(); least < 0)
    throw UsageError(
        fmt::format("{}: a token attends to one {} positions after it, but a causal model has no "
                    "negative distances; give increasing positions, or make the model "
                    "bidirectional",
                    owner, -least));
}

std::vector<int> token_positions(const Positions& p) {
  int longest = 0;
  for (int b = 0; b < p.batch; ++b) longest = std::max(longest, p.length(b));
  std::vector<int> at;
  for (int b = 0; b < (p.shared() ? 1 : p.batch); ++b)
    for (int t = 0; t < p.tokens; ++t)
      at.push_back(p.first + t < (p.shared() ? longest : p.length(b)) ? p(b, t) : 0);
  return at;
}

}  // namespace yonder
