// Sandwich. Chi, Fan, Rudnicky & Ramadge, "Dissecting Transformer length extrapolation via the lens
// of receptive field analysis", 2023, arXiv:2212.10356, sec. 5.
//
//   score_ij = q_i·k_j/√d + λ H/(8(h+1)) s_W(i)·s_W(j),   s_W(i)·s_W(j) = Σ_m cos(w_m (i − j))
//
// m counts from 0, w_0 = 1, as in the code printed in the paper; its formula counts from 1.
#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "core/ops/ops.h"
#include "encodings/base/encoding.h"
#include "encodings/base/spectrum.h"

namespace yonder {
namespace {

class Sandwich final : public Encoding {
  double lambda_ = 1;
  int width_ = 128;

 public:
  Options options() override {
    return {Option{"lambda", &lambda_, "strength of the bias"},
            Option{"width", &width_, "W, the width of the sinusoids, even"}.at_least(2)};
  }

  void check() const override {
    if (width_ % 2)
      throw UsageError(fmt::format("sandwich.width: {} is odd; give an even number", width_));
  }

  void scores(ScoreTerms& s, const Attention& a) override {
    const int rows = std::max(-a.least(), a.most()) + 1, H = dims_.heads;
    const Spectrum waves = spectrum(10000, width_);
    Tensor overlap({rows}), strength({H});
    for (int d = 0; d < rows; ++d) {
      double sum = 0;
      for (double w : waves.w) sum += std::cos(w * d);
      overlap[d] = real(sum);
    }
    for (int h = 0; h < H; ++h) strength[h] = real(lambda_ * H / (8.0 * (h + 1)));
    s.relative.push_back({.bucket = {rows, a.least(), a.most(), [](int d) { return std::abs(d); }},
                          .c = outer(Var(overlap), Var(strength))});
  }
};

const Register<Sandwich> sandwich_entry{
    {.name = "sandwich",
     .title = "Sandwich position bias",
     .printed = "Sandwich",
     .paper = "arXiv:2212.10356",
     .kind = Kind::bias,
     .formula = "q_i·k_j/√d + λ H/(8(h+1)) Σ_m cos(w_m (i - j))"}};

}  // namespace
}  // namespace yonder
