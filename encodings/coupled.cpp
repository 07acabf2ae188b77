// Coupled positions. Cho et al., "Position coupling: improving length generalization of arithmetic
// Transformers using task structure", 2024, arXiv:2405.20671, sec. 4.
//
//   a digit that counts 10^k stands at s + 1 + k, in every number of its sequence; the first token
//   at 0, all others at s.   training: s uniform in 1..range−2−K, K the greatest k of the batch,
//   one draw a batch;  test: s = 1
//
// Digits that belong together share a position, so what an addition needs is at distance 0 or 1
// whatever its length. The paper puts the = of numbers written from the front behind their digits;
// here it is at s in either order. The task says which tokens are digits
// (Positions::digits).
#include <algorithm>

#include "encodings/base/encoding.h"

namespace yonder {
namespace {

class Coupled final : public Encoding {
  int range_ = 0;

 public:
  Options options() override {
    return {Option{"range", &range_, "range of the random start"}.at_least(0).shown_as("8 N")};
  }

  void check() const override {
    if (range_ > 0 && range_ < dims_.trained)
      throw UsageError("coupled.range: " + std::to_string(range_) + " positions can't place the " +
                       std::to_string(dims_.trained) + " tokens of training; give more");
  }

  int positions(const Dims& dims) override { return range_ > 0 ? range_ : 8 * dims.trained; }

  void build(const Dims& dims, Parameters& p) override {
    Encoding::build(dims, p);
    range_ = positions(dims);
  }

  std::optional<bool> by_layer() const override { return false; }
  bool counts_digits() const override { return true; }

  std::vector<int> couple(std::span<const int> digits, int tokens, Draws* draws) override {
    const int last = range_ - 2 - std::max(0, *std::max_element(digits.begin(), digits.end()));
    if (draws && last < 1)
      throw Undefined("range ends",
                      "coupled: numbers of " + std::to_string(range_ - 1 - last) +
                          " digits don't fit into the " + std::to_string(range_) +
                          " positions of training; set --coupled.range, or train shorter");
    const int s = draws ? draws->between(1, last) : 1;
    std::vector<int> at;
    for (int i = 0; i < int(digits.size()); ++i)
      at.push_back(digits[i] >= 0 ? s + 1 + digits[i] : i % tokens ? s : 0);
    return at;
  }
};

const Register<Coupled> coupled_entry{{.name = "coupled",
                                       .title = "Position coupling of digits of equal significance",
                                       .paper = "arXiv:2405.20671",
                                       .kind = Kind::modifier,
                                       .formula = "the digit of 10^k stands at s + 1 + k, s random",
                                       .draws_positions = true}};

}  // namespace
}  // namespace yonder
