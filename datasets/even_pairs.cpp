#include "datasets/base/symbols.h"

namespace yonder {
namespace {

/// n random bits; the answer is 1 if the first equals the last, else 0. Equivalently, 01 and
/// 10 together occur an even number of times.  Ruoss et al. 2023, arXiv:2305.16843
class EvenPairs final : public BitTask {
 public:
  /// A single bit equals itself; else first and last agree in half of all cases.
  double chance_accuracy(int length) const override { return ((length == 1 ? 1 : 0.5) + 1) / 2; }

 private:
  std::vector<int> answer(std::vector<int> question) const override {
    return {question.front() == question.back() ? one : zero};
  }
};

const RegisterTask<EvenPairs> even_pairs_entry{
    {.name = "even-pairs",
     .title = "Decide whether the first bit equals the last",
     .form = "n bits, then 1 if the first equals the last, else 0",
     .paper = "Ruoss et al. 2023, arXiv:2305.16843"}};

}  // namespace
}  // namespace yonder
