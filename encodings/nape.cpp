// Half of the heads with ALiBi, half without positions. Vasylenko, Pitorro, Martins & Treviso,
// "Long-context generalization with sparse attention", ICLR 2026, arXiv:2506.16640 (NAPE).
//
//   score_ij = q_i·k_j/√d − |i − j|/h   in the heads h = 1..m,   q_i·k_j/√d in the others
//
// slopes = exp: 2^(1−h) instead of 1/h, an option of the released code. That code adds every bias
// outside the 1/√d, as here. Where the paper scales queries by length, the code does so only in the
// heads without positions: with H heads, nape+ssmax and ssmax.heads = H/2.
#include <cmath>
#include <cstdlib>

#include "core/ops/ops.h"
#include "encodings/base/encoding.h"

namespace yonder {
namespace {

class Nape final : public Encoding {
  int heads_ = 0;
  std::string slopes_ = "linear";

 public:
  Options options() override {
    return {
        Option{"heads", &heads_, "m, number of heads with a bias; 0: half of all heads"}.at_least(
            0),
        Option{"slopes", &slopes_, "1/h, or 2^(1-h)"}.one_of({"linear", "exp"})};
  }

  void check() const override {
    if (heads_ > dims_.heads)
      throw UsageError(
          fmt::format("nape.heads: {} are more than the model's {}", heads_, dims_.heads));
    if (biased() == 0)
      throw UsageError(
          "nape.heads: one head can't be halved; give the model more heads, or set nape.heads 1");
  }

  void scores(ScoreTerms& s, const Attention& a) override {
    const int rows = std::max(-a.least(), a.most()) + 1, H = dims_.heads;
    Tensor falling({rows}), slopes({H});
    for (int r = 0; r < rows; ++r) falling[r] = real(-r);
    for (int h = 0; h < biased(); ++h)
      slopes[h] = real(slopes_ == "exp" ? std::exp2(-h) : 1.0 / (h + 1));
    s.relative.push_back({.bucket = {rows, a.least(), a.most(), [](int d) { return std::abs(d); }},
                          .c = outer(Var(falling), Var(slopes))});
  }

 private:
  int biased() const { return heads_ ? heads_ : dims_.heads / 2; }
};

const Register<Nape> nape_entry{{.name = "nape",
                                 .title = "ALiBi on half of the heads, no positions on the others",
                                 .printed = "NAPE",
                                 .paper = "arXiv:2506.16640",
                                 .kind = Kind::bias,
                                 .formula = "q_i·k_j/√d - |i - j|/h in the heads h ≤ H/2"}};

}  // namespace
}  // namespace yonder
