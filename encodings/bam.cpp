// The Bayesian attention mechanism. Bianchessi, Aguirre, Barros & Kupssinskü, "Bayesian attention
// mechanism: a probabilistic framework for positional encoding and context length extrapolation",
// 2025, arXiv:2505.22842, sec. 2.3: the logarithm of a generalized Gaussian over distances.
//
//   score_ij = q_i·k_j/√d − (|i − j + μ_h| + 1e-5)^β_h e^θ_h,   μ = e^m − e^(−m)
//
// θ starts at ln of ALiBi's slope and β at 1, which is ALiBi except for the 1e-5. If β falls below
// 0, the head attends away from nearby keys. As in the released code, m starts at 0 and stays there
// unless `location` is on, and heads have one prior for all layers or (each) one per layer.
#include <cmath>
#include <cstdlib>

#include "encodings/base/encoding.h"
#include "encodings/base/slopes.h"

namespace yonder {
namespace {

class Bam final : public Encoding {
  bool location_ = false, each_ = false;
  struct Prior {
    Var scale, shape, location;  // θ, β, m, [H]
  };
  std::vector<Prior> priors_;  // one per layer, or one for all

 public:
  Options options() override {
    return {Option{"location", &location_,
                   "train μ, the distance at which a head's bias peaks, initially 0"},
            Option{"each", &each_, "separate parameters in every layer"}};
  }

  void build(const Dims& dims, Parameters& p) override {
    Encoding::build(dims, p);
    const int H = dims.heads;
    for (int l = 0; l < (each_ ? dims.layers : 1); ++l) {
      const std::string at = each_ ? fmt::format("encoding.bam.blocks.{}.", l) : "encoding.bam.";
      Tensor theta({H});
      for (int h = 0; h < H; ++h) theta[h] = real(std::log(alibi_slope(h, H)));
      priors_.push_back(
          {.scale = p.make(at + "scale", theta),
           .shape = p.make(at + "shape", {H}, Init::value(1)),
           .location = location_ ? p.make(at + "location", {H}, Init::zeros()) : Var(Tensor({H}))});
    }
  }

  void scores(ScoreTerms& s, const Attention& a) override {
    const int least = a.least(), rows = a.most() - least + 1;
    s.relative.push_back({.bucket = {rows, least, a.most(), [least](int d) { return d - least; }},
                          .c = bias(priors_[each_ ? a.layer : 0], least, rows)});
  }

 private:
  static double mu(const Prior& x, int h) { return 2 * std::sinh(double(x.location.value()[h])); }

  // −y^β e^θ, y = |Δ + μ| + 1e-5, for the distances least, least + 1, …, [rows, H]
  static Var bias(const Prior& x, int least, int rows) {
    const int H = x.scale.dim(0);
    Tensor c = Tensor::uninitialized({rows, H});
    for (int r = 0; r < rows; ++r)
      for (int h = 0; h < H; ++h) {
        const double y = std::abs(least + r + mu(x, h)) + 1e-5;
        c[r * H + h] =
            real(-std::exp(x.shape.value()[h] * std::log(y) + double(x.scale.value()[h])));
      }
    return Tape::record(c, {x.scale, x.shape, x.location},
                        [x, c, least, rows, H](const Tensor& dc) {
                          for (int h = 0; h < H; ++h) {
                            const double beta = x.shape.value()[h], m = x.location.value()[h];
                            double scale = 0, shape = 0, location = 0;
                            for (int r = 0; r < rows; ++r) {
                              const double at = least + r + mu(x, h), y = std::abs(at) + 1e-5;
                              const double d = double(dc[r * H + h]) * double(c[r * H + h]);
                              scale += d, shape += d * std::log(y);
                              if (at != 0) location += (at > 0 ? d : -d) * beta / y;
                            }
                            if (x.scale.tracked()) x.scale.grad()[h] += real(scale);
                            if (x.shape.tracked()) x.shape.grad()[h] += real(shape);
                            if (x.location.tracked())
                              x.location.grad()[h] += real(location * 2 * std::cosh(m));
                          }
                        });
  }
};

const Register<Bam> bam_entry{{.name = "bam",
                               .title = "Bayesian attention with a generalized Gaussian prior",
                               .printed = "BAM",
                               .paper = "arXiv:2505.22842",
                               .kind = Kind::bias,
                               .formula = "q_i·k_j/√d - (|i - j + μ_h| + 1e-5)^β_h e^θ_h"}};

}  // namespace
}  // namespace yonder
