// Scale-invariant attention. Anson, Wang & Aitchison, "Scale-invariant attention", NeurIPS 2025,
// arXiv:2505.17083, sec. 3.
//
//   score_ij = √(1 + 2u) S_ij − 2u,   u = ln(1 + |i − j|/τ),   S = q_i·k_j/√d
//
// If S is N(0, 1), a key's mean unnormalised weight is √e/(1 + |i − j|/τ): distances of 10 to 100
// get as much in total as those of 100 to 1000. Meant for p-RoPE (rope with rope.fraction and
// rope.truncate), which rotates the q and k of S; with plain RoPE the paper's models fail beyond N,
// and so do ours if p-RoPE keeps wavelengths longer than N.
// With τ → ∞ it changes nothing.
#include <cmath>
#include <cstdlib>

#include "core/ops/ops.h"
#include "encodings/base/encoding.h"

namespace yonder {
namespace {

class ScaleInvariant final : public Encoding {
  double tau_ = 10;

 public:
  Options options() override {
    const double inf = std::numeric_limits<double>::infinity();
    return {
        Option{"tau", &tau_, "τ, the distance at which scores begin to change"}.between(0, inf)};
  }

  void scores(ScoreTerms& s, const Attention& a) override {
    const int rows = std::max(-a.least(), a.most()) + 1, H = dims_.heads;
    Tensor factor({rows}), falling({rows}), alike({H});
    for (int d = 0; d < rows; ++d) {
      const double u = std::log1p(d / tau_);
      factor[d] = real(std::sqrt(1 + 2 * u));
      falling[d] = real(-2 * u);
    }
    for (real& x : alike.flat()) x = 1;
    s.relative.push_back({.bucket = {rows, a.least(), a.most(), [](int d) { return std::abs(d); }},
                          .c = outer(Var(falling), Var(alike)),
                          .f = factor});
  }
};

const Register<ScaleInvariant> scale_invariant_entry{
    {.name = "scale-invariant",
     .title = "Scale-invariant attention",
     .paper = "arXiv:2505.17083",
     .kind = Kind::bias,
     .formula = "√(1 + 2u) q_i·k_j/√d - 2u, u = ln(1 + |i - j|/τ)"}};

}  // namespace
}  // namespace yonder
