// Attention with linear biases. Press, Smith & Lewis, "Train short, test long", 2022,
// arXiv:2108.12409, sec. 3.
//
//   score_ij = q_i·k_j/√d − m_h |i − j|,   m_h = 2^(−8(h+1)/H)
//
// asymmetric, for bidirectional models (github.com/ofirpress/attention_with_linear_biases, issue
// 5): the first half of the heads sees no later token and the other no earlier one, both with the
// slopes of H/2 heads.
//
// For H not a power of two see slopes.h. The bias is outside the 1/√d, as in the paper and its
// code.
#include <algorithm>
#include <cstdlib>

#include "core/ops/ops.h"
#include "encodings/base/encoding.h"
#include "encodings/base/slopes.h"

namespace yonder {
namespace {

class Alibi final : public Encoding {
  bool learned_ = false, asymmetric_ = false;
  Var slopes_;  // [H]

 public:
  Options options() override {
    return {{"learned", &learned_, "train the slopes"},
            Option{"asymmetric", &asymmetric_,
                   "half of the heads attend to the left, half to the right; bidirectional only"}
                .added_later()};
  }

  void check() const override {
    if (asymmetric_ && (dims_.causal || dims_.heads % 2))
      throw UsageError(
          "alibi.asymmetric: for bidirectional models with an even number of heads; "
          "set it to false");
  }

  void build(const Dims& dims, Parameters& p) override {
    Encoding::build(dims, p);
    Tensor m({dims.heads});
    const int H = asymmetric_ ? dims.heads / 2 : dims.heads;
    for (int h = 0; h < dims.heads; ++h) m[h] = real(alibi_slope(h % H, H));
    slopes_ = learned_ ? p.make("encoding.alibi.slopes", m) : Var(m);
  }

  void mask(Mask& m) override {
    if (!asymmetric_) return;
    m.sides.assign(std::size_t(dims_.heads), 1);
    std::fill_n(m.sides.begin(), dims_.heads / 2, -1);
  }

  void scores(ScoreTerms& s, const Attention& a) override {
    const int rows = std::max(-a.least(), a.most()) + 1;
    Tensor falling({rows});
    for (int r = 0; r < rows; ++r) falling[r] = real(-r);
    s.relative.push_back({.bucket = {rows, a.least(), a.most(), [](int d) { return std::abs(d); }},
                          .c = outer(Var(falling), slopes_)});
  }
};

const Register<Alibi> alibi_entry{{.name = "alibi",
                                   .title = "Attention with linear biases (ALiBi)",
                                   .printed = "ALiBi",
                                   .paper = "arXiv:2108.12409",
                                   .usual = Usual::compared,
                                   .kind = Kind::bias,
                                   .formula = "q_i·k_j/√d - m_h |i - j|, m_h = 2^(-8(h+1)/H)"}};

}  // namespace
}  // namespace yonder
