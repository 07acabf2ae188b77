#include <algorithm>

#include "datasets/base/symbols.h"

namespace yonder {
namespace {

/// n random bits; the answer is 1 if an odd number of them are 1, else 0. The paper's bits are
/// independent; with `even` every number of ones is equally likely, as in Huang et al. 2025,
/// arXiv:2410.02140.
/// Ruoss et al. 2023, arXiv:2305.16843
class Parity final : public BitTask {
 public:
  Options options() override {
    return {{"even", &even_, "the number of ones is uniform over 0..n, not binomial"}};
  }

  /// With `even`, ⌈(n + 1)/2⌉ of n + 1 equally likely numbers of ones are even. EOS is certain.
  double chance_accuracy(int length) const override {
    return ((even_ ? (length / 2 + 1) / (length + 1.0) : 0.5) + 1) / 2;
  }

 private:
  bool even_ = false;

  std::vector<int> question(int length, RandomStream& draws) const override {
    if (!even_) return BitTask::question(length, draws);
    std::vector<int> bits(length, zero);
    for (int i : distinct(draws.between(0, length), length, draws)) bits[i] = one;
    return bits;
  }

  std::vector<int> answer(std::vector<int> question) const override {
    return {std::count(question.begin(), question.end(), one) % 2 ? one : zero};
  }
};

const RegisterTask<Parity> parity_entry{
    {.name = "parity",
     .title = "Compute the parity of a bit string",
     .form = "n bits, then 1 if an odd number of them are 1, else 0",
     .paper = "Ruoss et al. 2023, arXiv:2305.16843"}};

}  // namespace
}  // namespace yonder
