#include <algorithm>

#include "datasets/base/symbols.h"

namespace yonder {
namespace {

/// n random numbers below m joined by +, − or ×, equally likely; the answer is the value mod m,
/// products first:  BOS 1 + 2 * 4 SEP 4 EOS  for m = 5.
/// The simple modular arithmetic of Ruoss et al. 2023, arXiv:2305.16843, whose lengths count every
/// token: 2n − 1 for n numbers.
class ModularArithmetic final : public StringTask {
 public:
  Options options() override {
    return {Option{"modulus", &modulus_, "m, the modulus"}.within(2, 32)};
  }

  int vocabulary() const override { return first_number + modulus_; }
  int tokens(int length) const override { return 2 * length + 2; }

  /// The likeliest result. `joint` is the distribution of (sum s of finished terms, current term
  /// t): + and − finish t and begin a uniform one, × multiplies t.
  double chance_accuracy(int length) const override {
    const int m = modulus_;
    std::vector<double> joint(m * m, 0);  // [s, t]
    std::fill_n(joint.begin(), m, 1.0 / m);
    for (int i = 1; i < length; ++i) {
      std::vector<double> next(m * m, 0);
      for (int s = 0; s < m; ++s)
        for (int t = 0; t < m; ++t)
          for (int x = 0; x < m; ++x) {
            const double p = joint[s * m + t] / (3 * m);
            next[(s + t) % m * m + x] += 2 * p;
            next[s * m + t * x % m] += p;
          }
      joint = std::move(next);
    }
    std::vector<double> result(m, 0);
    for (int s = 0; s < m; ++s)
      for (int t = 0; t < m; ++t) result[(s + t) % m] += joint[s * m + t];
    return (*std::max_element(result.begin(), result.end()) + 1) / 2;
  }

 private:
  enum { plus = first_symbol, minus, times, first_number };
  int modulus_ = 5;

  std::vector<int> question(int length, RandomStream& draws) const override {
    std::vector<int> tokens{first_number + draws.below(modulus_)};
    for (int i = 1; i < length; ++i) {
      tokens.push_back(plus + draws.below(3));
      tokens.push_back(first_number + draws.below(modulus_));
    }
    return tokens;
  }

  std::vector<int> answer(std::vector<int> question) const override {
    int sum = 0, term = question[0] - first_number;
    for (std::size_t i = 1; i < question.size(); i += 2) {
      const int x = question[i + 1] - first_number;
      if (question[i] == times) {
        term = term * x % modulus_;
      } else {
        sum += term;
        term = question[i] == plus ? x : modulus_ - x;
      }
    }
    return {first_number + (sum + term) % modulus_};
  }

  std::string symbol(int token) const override {
    return token < first_number ? std::string(1, "+-*"[token - plus])
                                : std::to_string(token - first_number);
  }
};

const RegisterTask<ModularArithmetic> modular_arithmetic_entry{
    {.name = "modular-arithmetic",
     .title = "Evaluate a modular expression",
     .form = "n numbers below m joined by +, - or *, then the value of the expression modulo m",
     .paper = "Ruoss et al. 2023, arXiv:2305.16843"}};

}  // namespace
}  // namespace yonder
