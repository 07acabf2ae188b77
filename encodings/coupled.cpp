// Coupled positions. Cho et al., "Position coupling: improving length generalization of arithmetic
// Transformers using task structure", 2024, arXiv:2405.20671, sec. 4.
//
//   a digit with place value 10^k has position s + 1 + k, in every number of its sequence; the
//   first token has 0, all others s.   training: s uniform in 1..range−2−K, K the largest k of the
//   sequences that share the draw;  evaluation: s = 1.  One draw per batch, or (per = sequence) per
//   sequence, as in the paper's code
//
// Digits of equal significance share a position, so what an addition needs is at distance 0 or 1,
// whatever its length. If numbers start with their leading digit, the paper puts the = beyond the
// digits; here it is at s in either order. The task marks the digits (Positions::digits).
#include <algorithm>

#include "encodings/base/drawn_positions.h"

namespace yonder {
namespace {

class Coupled final : public DrawnPositions {
 public:
  Coupled() : DrawnPositions("coupled") {}

  bool needs_digits() const override { return true; }
  bool monotonic() const override { return false; }

  std::vector<int> sample_positions(const Placing&) override { return {}; }

  std::vector<int> positions_from_digits(std::span<const int> digits, int tokens,
                                         RandomStream* draws) override {
    const std::size_t each = digits.size() / draws_of(int(digits.size()) / tokens);
    std::vector<int> at;
    for (std::size_t first = 0; first < digits.size(); first += each) {
      const int s = start(digits.subspan(first, each), draws);
      for (const int k : digits.subspan(first, each))
        at.push_back(k >= 0 ? s + 1 + k : int(at.size()) % tokens ? s : 0);
    }
    return at;
  }

 private:
  std::vector<int> drawn(int, int, RandomStream&) const override { return {}; }

  int start(std::span<const int> digits, RandomStream* draws) const {
    const int last = range_ - 2 - std::max(0, *std::max_element(digits.begin(), digits.end()));
    if (draws && last < 1)
      throw Undefined("range ends",
                      fmt::format("coupled: numbers of {} digits don't fit into the {} positions "
                                  "of training; set --coupled.range, or train shorter",
                                  range_ - 1 - last, range_));
    return draws ? draws->between(1, last) : 1;
  }
};

const Register<Coupled> coupled_entry{
    {.name = "coupled",
     .title = "Position coupling of digits of equal significance",
     .paper = "arXiv:2405.20671",
     .kind = Kind::modifier,
     .formula = "the digit of 10^k is at position s + 1 + k, s random",
     .draws_positions = true}};

}  // namespace
}  // namespace yonder
