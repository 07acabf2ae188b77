// Polar coordinate position embedding. Gopalakrishnan, Csordás, Schmidhuber & Mozer, "Decoupling
// the 'what' and 'where' with polar coordinate positional embeddings", 2025, arXiv:2509.10534.
//
//   score_ij = Σ_c μ(q_ic) μ(k_jc) cos((j − i) w_c + δ_c)/√d,   μ(x) = ln(1 + e^x),
//   w_c = base^(−c/d), c < d;   δ per layer, head and column, kept in [−2π, 0], initially 0 or
//   uniform
//
// The angle of a rotary pair depends on content as well as on position; here content determines the
// magnitude of a column and position its angle. Column c is a pair (μ, 0) rotated by i w_c, so a
// head is 2d wide in the scores. Factors of a query's row (log n) are applied after the magnitudes:
// they scale the score, not the argument of μ. The 1/√d of plain attention is not mentioned in the
// paper.
#include <cmath>
#include <numbers>

#include "core/ops/ops.h"
#include "encodings/base/encoding.h"
#include "encodings/base/rotation.h"

namespace yonder {
namespace {

// cos(x + shift), element by element.
Var cosine(const Var& x, double shift = 0) {
  Tensor y = Tensor::uninitialized(x.shape());
  for (std::int64_t i = 0; i < y.size(); ++i) y[i] = real(std::cos(x.value()[i] + shift));
  return Tape::record(y, {x}, [x, shift](const Tensor& dy) {
    for (std::int64_t i = 0; i < dy.size(); ++i)
      x.grad()[i] -= real(dy[i] * std::sin(x.value()[i] + shift));
  });
}

class Pope final : public Encoding {
  static constexpr double turn = 2 * std::numbers::pi;
  double base_ = 10000;
  std::string start_ = "zero";
  std::vector<Var> phase_;  // δ of each layer, [H, d]

 public:
  Options options() override {
    const double inf = std::numeric_limits<double>::infinity();
    return {Option{"base", &base_, "w_c = base^(−c/d)"}.between(1, inf),
            Option{"phase", &start_, "initial δ"}.one_of({"zero", "uniform"})};
  }

  void build(const Dims& dims, Parameters& p) override {
    Encoding::build(dims, p);
    for (int l = 0; l < dims.layers; ++l)
      phase_.push_back(p.make(
          fmt::format("encoding.pope.blocks.{}.phase", l), {dims.heads, dims.head()},
          start_ == "zero" ? Init::zeros() : Init::between(-turn, 0), {.least = -turn, .most = 0}));
  }

  void scale_queries(Dots& x, const Attention& a) override {
    const Var length = softplus(x.q);
    x.q = turned(length, Var(Tensor(length.shape())), a.queries);
  }

  void dots(Dots& x, const Attention& a) override {
    const Var length = softplus(x.k);
    const Var& phase = phase_[std::size_t(a.layer)];
    const Var sine = cosine(phase, -turn / 4);
    x.k = turned(length * cosine(phase), length * sine, a.keys);
  }

 private:
  // Pairs (re_c, im_c) rotated by i w_c, [B, T, H, 2d].
  Var turned(const Var& re, const Var& im, const Positions& at) const {
    return rotate(concat({re, im}, 3), rotation(at, spectrum(base_, 2 * dims_.head()), Layout::half,
                                                [](int i) { return double(i); }));
  }
};

const Register<Pope> pope_entry{
    {.name = "pope",
     .title = "Polar coordinate position embedding (PoPE)",
     .printed = "PoPE",
     .paper = "arXiv:2509.10534",
     .kind = Kind::rotary,
     .formula = "Σ_c μ(q_ic) μ(k_jc) cos((j - i) w_c + δ_c)/√d, μ = softplus, w_c = base^(-c/d)"}};

}  // namespace
}  // namespace yonder
