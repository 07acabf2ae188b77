#include "datasets/base/symbols.h"

#include <numeric>
#include <utility>

namespace yonder {

Example StringTask::example(int length, RandomStream& draws) const {
  const std::vector<int> asked = question(length, draws);
  Example e;
  e.add_input(bos);
  for (int s : asked) e.add_input(s);
  e.add_input(sep);
  const std::vector<int> answered = answer(asked);
  for (int i = 0; i < int(answered.size()); ++i) {
    const int source = evidence(i, int(asked.size()));
    e.add_target(answered[std::size_t(i)], source < 0 ? -1 : 1 + source);
  }
  e.add_target(eos);
  return e;
}

std::vector<int> SymbolTask::question(int length, RandomStream& draws) const {
  std::vector<int> symbols(length);
  if (unique_) symbols = distinct(length, alphabet_, draws);
  else
    for (int& s : symbols) s = draws.below(alphabet_);
  for (int& s : symbols) s += first_symbol;
  return symbols;
}

void SymbolTask::check_unique(const std::string& name, int length) const {
  if (!unique_ || length <= alphabet_) return;
  throw UsageError(
      fmt::format("{0}: {1} unique symbols need an alphabet of as many, not {2}; set "
                  "--{0}.alphabet {1} or more",
                  name, length, alphabet_));
}

std::vector<int> BitTask::question(int length, RandomStream& draws) const {
  std::vector<int> bits(length);
  for (int& b : bits) b = zero + draws.below(2);
  return bits;
}

std::string SymbolTask::symbol(int token) const {
  return symbol_name(token - first_symbol, alphabet_);
}

std::string symbol_name(int s, int alphabet, const std::string& prefix) {
  return alphabet <= 26 ? std::string(1, char('a' + s)) : prefix + std::to_string(s);
}

std::vector<int> distinct(int n, int below, RandomStream& draws) {
  // Fisher–Yates shuffle, stopped after n draws.
  std::vector<int> all(below);
  std::iota(all.begin(), all.end(), 0);
  for (int i = 0; i < n; ++i) std::swap(all[i], all[draws.between(i, below - 1)]);
  all.resize(n);
  return all;
}

}  // namespace yonder
