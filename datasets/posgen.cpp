#include <algorithm>
#include <numeric>

#include "datasets/base/dataset.h"

namespace yonder {
namespace {

/// A sequence of numbers in which each is the sum, modulo m, of the r before it and of one further
/// back; the first r + 1 are random, the n after them are targets.
///   BOS x_0 x_1 … x_r x_{r+1} … EOS,   x_t = x_{t−1} + … + x_{t−r} + far(t)  mod m
///   far = sliding  x_{t−r−1}: always at the same distance
///         fixed    x_0: its distance grows by one per step
///         half     x_p, p = ⌊(t − r − 1)/2⌋: its distance grows by one every other step
/// PosGen of Wang et al. 2024, "Resonance RoPE", arXiv:2403.00071, sec. 4, where these are the
/// recursive, chain-of-thought and semi-recursive tasks; there r is 3, training has 64 numbers,
/// evaluation 256, and the first are combinations without repetition. The first numbers determine
/// the rest; with r = 3 and m = 17 there are 83521 choices, most of which training sees. Hence
/// r = 5, which is learned as fast. With smaller r, a test begins like some training sequence, but
/// is still new beyond the training length; `scored` restricts scoring to the last numbers.
class PosGen final : public GeneratedTask {
 public:
  Options options() override {
    return {
        Option{"far", &far_, "which distant number is added"}.one_of({"sliding", "fixed", "half"}),
        Option{"modulus", &modulus_, "m, the modulus"}.within(2, 4096),
        Option{"near", &near_, "r, number of preceding numbers that are added"}.within(0, 64),
        Option{"scored", &scored_,
               "at evaluation, score only this many of the last numbers; 0: all"}
            .at_least(0)
            .at_inference()};
  }

  int vocabulary() const override { return first_number + modulus_; }
  int tokens(int length) const override { return 2 + near_ + length; }

  /// x_t = Σ c_i x_i over the first numbers, which are uniform: with g the greatest common divisor
  /// of m and all c_i, x_t is uniform over the multiples of g. EOS is certain.
  double chance_accuracy(int length) const override {
    const int first = near_ + 1, asked = scored(length);
    std::vector<std::vector<int>> c;  // of each x_t
    for (int i = 0; i < first; ++i) {
      c.emplace_back(first, 0);
      c.back()[i] = 1;
    }
    double right = 1;
    for (int t = first; t < first + length; ++t) {
      std::vector<int> sum = c[far(t)];
      for (int i = 0; i < first; ++i)
        for (int back = 1; back <= near_; ++back) sum[i] = (sum[i] + c[t - back][i]) % modulus_;
      const int g = std::accumulate(sum.begin(), sum.end(), modulus_, std::gcd<int, int>);
      if (t >= first + length - asked) right += double(g) / modulus_;
      c.push_back(std::move(sum));
    }
    return right / (asked + 1);
  }

  Example example(int length, RandomStream& draws) const override {
    return made(length, length, draws);
  }
  Example test_example(int length, RandomStream& draws) const override {
    return made(length, scored(length), draws);
  }

 private:
  enum { first_number = first_symbol };
  std::string far_ = "sliding";
  int modulus_ = 17, near_ = 5, scored_ = 0;

  int scored(int length) const { return scored_ ? std::min(scored_, length) : length; }

  /// The index of the distant number that x_t adds.
  int far(int t) const {
    if (far_ == "fixed") return 0;
    return far_ == "half" ? (t - near_ - 1) / 2 : t - near_ - 1;
  }

  /// A sequence of which the last `asked` of n numbers are targets.
  Example made(int length, int asked, RandomStream& draws) const {
    const int first = near_ + 1, all = first + length;
    std::vector<int> x;
    Example e;
    e.add_input(bos);
    for (int t = 0; t < all; ++t) {
      if (t < first) x.push_back(draws.below(modulus_));
      else x.push_back(std::accumulate(x.end() - near_, x.end(), x[far(t)]) % modulus_);
      if (t < all - asked) e.add_input(first_number + x[t]);
      else e.add_target(first_number + x[t]);
    }
    e.add_target(eos);
    return e;
  }

  std::string symbol(int token) const override { return std::to_string(token - first_number); }
};

const RegisterTask<PosGen> pos_gen_entry{
    {.name = "posgen",
     .title = "Continue a recurrence with near and distant terms",
     .form =
         "six numbers below m, then n more, each the sum modulo m of the 5 before it and a more "
         "distant one",
     .paper = "Wang et al. 2024, arXiv:2403.00071"}};

}  // namespace
}  // namespace yonder
