#include <algorithm>

#include "datasets/base/symbols.h"

namespace yonder {
namespace {

/// n random bits; the answer is 1 if an odd number of them are 1, else 0.
/// Ruoss et al. 2023, arXiv:2305.16843
class Parity final : public BitTask {
 public:
  double chance_accuracy(int) const override { return (0.5 + 1) / 2; }

 private:
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
