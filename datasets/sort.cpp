#include <algorithm>
#include <cmath>

#include "datasets/base/symbols.h"

namespace yonder {
namespace {

/// n random symbols; the answer is the same symbols in ascending order, repetitions included
/// (bucket sort of Ruoss et al. 2023, arXiv:2305.16843).
class Sort final : public SymbolTask {
 public:
  Sort() : SymbolTask(8) {}

  Options options() override {
    Options all = SymbolTask::options();
    all.push_back({"unique", &unique_, "no symbol is repeated in a sequence"});
    return all;
  }

  void check(int length) const override { check_unique("sort", length); }

  /// Of unique symbols, the k-th smallest is v in C(v, k − 1) C(A − 1 − v, n − k) of C(A, n) draws.
  double unique_chance(int n) const {
    const auto choose = [](int a, int b) {  // its logarithm; −∞ if there is no choice
      return b < 0 || b > a ? -INFINITY
                            : std::lgamma(a + 1) - std::lgamma(b + 1) - std::lgamma(a - b + 1);
    };
    double right = 1;  // EOS
    for (int k = 1; k <= n; ++k) {
      double best = -INFINITY;
      for (int v = 0; v < alphabet_; ++v)
        best = std::max(best, choose(v, k - 1) + choose(alphabet_ - 1 - v, n - k));
      right += std::exp(best - choose(alphabet_, n));
    }
    return right / (n + 1);
  }

  /// The k-th of n sorted symbols is at most v if at least k of the n are, each with probability
  /// (v + 1)/A: a binomial tail. The best guess at a position is its likeliest symbol.
  double chance_accuracy(int length) const override {
    if (unique_) return unique_chance(length);
    const int n = length;
    std::vector<double> below(n + 1, 0), most(n + 1, 0);  // [k]: P(k-th < v), max_v P(k-th = v)
    for (int v = 0; v < alphabet_; ++v) {
      const double p = (v + 1.0) / alphabet_;
      double tail = 0;
      for (int k = n; k >= 1; --k) {
        if (p < 1) tail += binomial(n, k, p);
        else tail = 1;
        most[k] = std::max(most[k], tail - below[k]);
        below[k] = tail;
      }
    }
    double right = 1;  // EOS
    for (int k = 1; k <= n; ++k) right += most[k];
    return right / (n + 1);
  }

 private:
  /// P(k successes of n), 0 < p < 1.
  static double binomial(int n, int k, double p) {
    return std::exp(std::lgamma(n + 1) - std::lgamma(k + 1) - std::lgamma(n - k + 1) +
                    k * std::log(p) + (n - k) * std::log1p(-p));
  }

  std::vector<int> answer(std::vector<int> question) const override {
    std::sort(question.begin(), question.end());
    return question;
  }
};

const RegisterTask<Sort> sort_entry{{.name = "sort",
                                     .title = "Sort symbols in ascending order",
                                     .form = "n symbols, then the same symbols in ascending order",
                                     .paper = "Ruoss et al. 2023, arXiv:2305.16843"}};

}  // namespace
}  // namespace yonder
