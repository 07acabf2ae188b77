#include <cmath>
#include <numeric>
#include <vector>

#include "datasets/base/symbols.h"

namespace yonder {
namespace {

/// Multi-query associative recall as in the library zoology: n pairs of a key and its value, then
/// (s − 2) n tokens of noise in which each key recurs once, with its value as the target.
///   BOS k_1 v_1 … k_n v_n  … k_b … k_a …
/// The key of pair i recurs at noise position 2g, g = 0, 1, … drawn without replacement with weight
/// (g + 1)^(a−1): most keys recur soon. The value is not fed back. Arora et al. 2023,
/// arXiv:2312.04927, app. E; the noise has tokens of its own here. The lag of a value is its
/// distance from the key that queries it.
class Mqar final : public GeneratedTask {
 public:
  Options options() override {
    return {Option{"keys", &keys_, "different keys, and as many values"}.within(1, 65536),
            Option{"spread", &spread_, "tokens of a sequence for each pair"}.within(4, 1024),
            Option{"power", &power_, "a: the smaller, the sooner a key comes again"}.within(0, 100),
            Option{"noise", &noise_, "different symbols of the noise"}.within(1, 65536)};
  }

  void check(int length) const override {
    if (length <= keys_) return;
    throw UsageError(fmt::format(
        "mqar: {0} pairs need as many different keys, not {1}; set --mqar.keys {0} or more", length,
        keys_));
  }

  bool labels() const override { return true; }
  int vocabulary() const override { return first_symbol + 2 * keys_ + noise_; }
  int tokens(int length) const override { return 1 + spread_ * length; }
  double chance_accuracy(int) const override { return 1.0 / keys_; }

  Example example(int length, RandomStream& draws) const override {
    const std::vector<int> keys = distinct(length, keys_, draws);
    Example e;
    e.add_input(bos);
    for (int key : keys) e.add_input(first_symbol + key), e.add_input(value(draws.below(keys_)));
    std::vector<int> pair_at((spread_ - 2) * length, -1);
    const std::vector<int> gaps = drawn_gaps(length, draws);
    for (int i = 0; i < length; ++i) pair_at[2 * gaps[i]] = i;
    for (int i : pair_at) {
      if (i < 0) e.add_input(value(keys_) + draws.below(noise_));
      else e.label(e.tokens[1 + 2 * i], e.tokens[2 + 2 * i], 2 + 2 * i);
    }
    e.end(eos);
    return e;
  }

 private:
  int keys_ = 256, spread_ = 8, noise_ = 64;
  double power_ = 0.01;

  int value(int i) const { return first_symbol + keys_ + i; }

  std::vector<int> drawn_gaps(int n, RandomStream& draws) const {
    std::vector<double> weights((spread_ - 2) * n / 2);
    for (std::size_t g = 0; g < weights.size(); ++g) weights[g] = std::pow(g + 1.0, power_ - 1);
    std::vector<int> gaps;
    for (int i = 0; i < n; ++i) {
      double left = draws.uniform() * std::accumulate(weights.begin(), weights.end(), 0.0);
      std::size_t last = 0;  // rounding may leave `left` positive after the last one
      for (std::size_t g = 0; g < weights.size() && left >= 0; ++g)
        if (weights[g] > 0) left -= weights[g], last = g;
      gaps.push_back(int(last));
      weights[last] = 0;
    }
    return gaps;
  }

  std::string symbol(int token) const override {
    const int i = token - first_symbol;
    if (i < keys_) return "k" + std::to_string(i);
    if (i < 2 * keys_) return "v" + std::to_string(i - keys_);
    return "n" + std::to_string(i - 2 * keys_);
  }
};

const RegisterTask<Mqar> mqar_entry{{.name = "mqar",
                                     .title = "Multi-query associative recall among noise",
                                     .form = "n pairs of a key and its value, then noise in which "
                                             "each key recurs once, with its value as the target",
                                     .paper = "Arora et al. 2023, arXiv:2312.04927"}};

}  // namespace
}  // namespace yonder
