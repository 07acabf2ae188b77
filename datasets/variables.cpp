#include <algorithm>
#include <vector>

#include "datasets/base/symbols.h"

namespace yonder {
namespace {

/// Variable tracking: n symbols of noise, among them chains of statements
///   x = v   y = x   z = y
/// A value is queried, and the answer is all variables that hold it, in the order of their
/// statements.
///   BOS a x = v b … SEP v x y z EOS
/// Statements are at random positions, those of a chain in order, chains interleaved. The lag of a
/// variable is its distance from the statement that sets it. Hsieh et al. 2024, "RULER",
/// arXiv:2404.06654, sec. 3.2; with its single chain, naming every variable would solve it.
class Variables final : public GeneratedTask {
 public:
  Options options() override {
    return {Option{"chains", &chains_, "number of chains, one of which is queried"}
                .within(1, 1024)
                .at_inference(),
            Option{"hops", &hops_, "hops from the first variable of a chain to its last"}
                .within(0, 1024)
                .at_inference(),
            Option{"names", &names_, "different variables, and as many values"}.within(1, 65536),
            Option{"noise", &noise_, "different symbols of the noise"}.within(1, 65536)};
  }

  void check(int) const override {
    const int needed = chains_ * (hops_ + 1);
    if (needed <= names_) return;
    throw UsageError(
        fmt::format("variables: {0} chains of {1} need {2} different variables, not {3}; set "
                    "--variables.names {2} or more",
                    chains_, hops_ + 1, needed, names_));
  }

  int vocabulary() const override { return first_name + 2 * names_ + noise_; }
  int tokens(int length) const override {
    return 3 + length + 3 * chains_ * (hops_ + 1) + hops_ + 1;
  }
  /// Every variable is equally likely; EOS is certain.
  double chance_accuracy(int) const override {
    return ((hops_ + 1) / double(names_) + 1) / (hops_ + 2);
  }

  Example example(int length, RandomStream& draws) const override {
    const int each = hops_ + 1, all = chains_ * each;
    const std::vector<int> names = distinct(all, names_, draws);
    const std::vector<int> values = distinct(chains_, names_, draws);
    std::vector<int> before(all), chain(all), next(chains_, 0), told;
    for (int& b : before) b = draws.between(0, length);
    std::sort(before.begin(), before.end());
    const std::vector<int> order = distinct(all, all, draws);
    for (int i = 0; i < all; ++i) chain[i] = order[i] / each;

    Example e;
    e.add_input(bos);
    int noise = 0;
    const auto noise_until = [&](int n) {
      for (; noise < n; ++noise) e.add_input(first_name + 2 * names_ + draws.below(noise_));
    };
    for (int i = 0; i < all; ++i) {
      noise_until(before[i]);
      const int c = chain[i], hop = next[c]++, name = c * each + hop;
      if (c == 0) told.push_back(int(e.tokens.size()));
      e.add_input(first_name + names[name]), e.add_input(equals);
      e.add_input(hop ? first_name + names[name - 1] : value(values[c]));
    }
    noise_until(length);
    e.add_input(sep), e.add_input(value(values[0]));
    for (int at : told) e.add_target(e.tokens[at], at);
    e.add_target(eos);
    return e;
  }

 private:
  enum { equals = first_symbol, first_name };
  int chains_ = 2, hops_ = 2, names_ = 64, noise_ = 16;

  int value(int i) const { return first_name + names_ + i; }

  std::string symbol(int token) const override {
    const int i = token - first_name;
    if (token == equals) return "=";
    if (i < names_) return "x" + std::to_string(i);
    if (i < 2 * names_) return "v" + std::to_string(i - names_);
    return "n" + std::to_string(i - 2 * names_);
  }
};

const RegisterTask<Variables> variables_entry{
    {.name = "variables",
     .title = "Track chains of variable assignments",
     .form = "n symbols of noise, among them assignments of a value or a variable to a variable; "
             "then a value, and all variables that hold it",
     .paper = "Hsieh et al. 2024, arXiv:2404.06654"}};

}  // namespace
}  // namespace yonder
