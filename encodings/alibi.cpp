// Attention with linear biases. Press, Smith & Lewis, "Train short, test long", 2022,
// arXiv:2108.12409, sec. 3.
//
//   score_ij = q_i·k_j/√d − m_h |i − j|,   m_h = 2^(−8(h+1)/H)
//
// For H not a power of two see slopes.h. The bias is outside the 1/√d, as in the paper and its
// code.
#include <cstdlib>

#include "core/ops/ops.h"
#include "encodings/base/encoding.h"
#include "encodings/base/slopes.h"

namespace yonder {
namespace {

class Alibi final : public Encoding {
  bool learned_ = false;
  Var slopes_;  // [H]

 public:
  Options options() override { return {{"learned", &learned_, "train the slopes"}}; }

  void build(const Dims& dims, Parameters& p) override {
    Encoding::build(dims, p);
    Tensor m({dims.heads});
    for (int h = 0; h < dims.heads; ++h) m[h] = real(alibi_slope(h, dims.heads));
    slopes_ = learned_ ? p.make("encoding.alibi.slopes", m) : Var(m);
  }

  void scores(Scores& s, const Attention& a) override {
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
