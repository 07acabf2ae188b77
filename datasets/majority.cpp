#include <algorithm>
#include <vector>

#include "datasets/base/symbols.h"

namespace yonder {
namespace {

/// The most frequent symbol. `strings` strings of n symbols are interleaved symbol by symbol, and
/// each has an answer; no string has a tie.
///   BOS s_1 … SEP a_1 … a_k EOS
/// With two symbols, the count of the first is uniform over 0…n except n/2, so that narrow and wide
/// majorities are equally frequent; with more, symbols are uniform, redrawn in case of a tie.
/// Huang et al. 2025, "A formal framework for understanding length generalization in transformers",
/// arXiv:2410.02140, app. E.
class Majority final : public GeneratedTask {
 public:
  Options options() override {
    return {Option{"alphabet", &alphabet_, "different symbols"}.within(2, 26),
            Option{"strings", &strings_, "interleaved strings, each with its own answer"}.within(
                1, 64)};
  }

  int vocabulary() const override { return first_symbol + alphabet_; }
  int tokens(int length) const override { return 2 + strings_ * (length + 1); }
  /// Every symbol is equally likely to lead; EOS is certain.
  double chance_accuracy(int) const override {
    return (strings_ / double(alphabet_) + 1) / (strings_ + 1);
  }

  Example example(int length, RandomStream& draws) const override {
    std::vector<std::vector<int>> strings;
    for (int k = 0; k < strings_; ++k)
      strings.push_back(alphabet_ == 2 ? two_symbols(length, draws) : uniform(length, draws));
    Example e;
    e.add_input(bos);
    for (int t = 0; t < length; ++t)
      for (const auto& s : strings) e.add_input(first_symbol + s[t]);
    e.add_input(sep);
    for (const auto& s : strings) e.add_target(first_symbol + leader(s));
    e.add_target(eos);
    return e;
  }

 private:
  int alphabet_ = 2, strings_ = 1;

  static std::vector<int> two_symbols(int length, RandomStream& draws) {
    const bool tie_possible = length % 2 == 0;
    int zeros = draws.below(tie_possible ? length : length + 1);
    if (tie_possible && zeros >= length / 2) ++zeros;
    std::vector<int> s(length, 1);
    for (int i : distinct(zeros, length, draws)) s[i] = 0;
    return s;
  }

  std::vector<int> uniform(int length, RandomStream& draws) const {
    std::vector<int> s(length);
    do {
      for (int& x : s) x = draws.below(alphabet_);
    } while (leader(s) < 0);
    return s;
  }

  /// The most frequent symbol; −1: a tie.
  int leader(const std::vector<int>& s) const {
    std::vector<int> times(alphabet_, 0);
    for (int x : s) ++times[x];
    const auto most = std::max_element(times.begin(), times.end());
    return std::count(times.begin(), times.end(), *most) > 1 ? -1 : int(most - times.begin());
  }

  std::string symbol(int token) const override {
    return std::string(1, char('a' + token - first_symbol));
  }
};

const RegisterTask<Majority> majority_entry{
    {.name = "majority",
     .title = "Name the most frequent symbol",
     .form = "n symbols without a tie, then the most frequent one; with several interleaved "
             "strings, that of each",
     .paper = "Huang et al. 2025, arXiv:2410.02140"}};

}  // namespace
}  // namespace yonder
