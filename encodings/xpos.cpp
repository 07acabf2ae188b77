// xPos. Sun et al., "A length-extrapolatable Transformer", 2023, arXiv:2212.10554, sec. 2.2.
//
//   rope, and in pair m  q_i ζ_m^(i/scale),  k_j ζ_m^(−j/scale),   ζ_m = (2m/d + 0.4)/1.4
//   so that the pair's score decays with ζ_m^((i − j)/scale)
//
// Causal only: towards later keys it would grow. Exponents are relative to the middle of the pass's
// positions, which changes no score and delays overflow. For long inputs the paper also has
// blockwise attention; add `window` for something similar.
#include <algorithm>
#include <cmath>

#include "encodings/base/encoding.h"
#include "encodings/base/rotation.h"

namespace yonder {
namespace {

class Xpos final : public Encoding {
  double base_ = 10000, scale_ = 512;
  Layout layout_ = Layout::interleaved;

 public:
  Options options() override {
    const double inf = std::numeric_limits<double>::infinity();
    return {Option{"base", &base_, "w_m = base^(−2m/d)"}.between(1, inf), layout_option(&layout_),
            Option{"scale", &scale_, "distance over which pair m decays by ζ_m"}.between(0, inf)};
  }

  void check() const override {
    if (dims_.head() % 2)
      throw UsageError("xpos: head width " + std::to_string(dims_.head()) +
                       " has no pairs of columns; choose an even width per head");
  }

  void dots(Dots& x, const Attention& a) override {
    const std::vector<int> keys = token_positions(a.keys);
    const auto [first, last] = std::minmax_element(keys.begin(), keys.end());
    const double middle = (*first + *last) / 2.0;
    if ((*last - middle) / scale_ * -std::log(zeta(0)) > 84)  // float range is exp(±88)
      throw Undefined("too far", fmt::format("xpos: position {} is too far for xpos.scale {}; test "
                                             "shorter, or train a larger scale",
                                             *last, scale_));
    x.q = rotate(x.q, turned(a.queries, middle, 1));
    x.k = rotate(x.k, turned(a.keys, middle, -1));
  }

 private:
  double zeta(int m) const { return (2.0 * m / dims_.head() + 0.4) / 1.4; }

  // Rotated by i w_m and scaled by ζ_m^(±(i − middle)/scale).
  Rotation turned(const Positions& p, double middle, int sign) const {
    Rotation r = rotation(p, spectrum(base_, dims_.head()), layout_, [](int i) { return i; });
    const std::vector<int> at = token_positions(p);
    const int pairs = dims_.head() / 2;
    for (std::int64_t i = 0; i < r.cos.size(); ++i) {
      const double exponent = sign * (at[i / pairs] - middle) / scale_;
      const real stretch = real(std::pow(zeta(int(i % pairs)), exponent));
      r.cos[i] *= stretch;
      r.sin[i] *= stretch;
    }
    return r;
  }
};

const Register<Xpos> xpos_entry{
    {.name = "xpos",
     .title = "Rotary positions with exponential decay (xPos)",
     .printed = "xPos",
     .paper = "arXiv:2212.10554",
     .kind = Kind::rotary,
     .serves = Serves::causal_only,
     .formula = "rope with q_i ζ_m^(i/scale), k_j ζ_m^(-j/scale), ζ_m = (2m/d + 0.4)/1.4"}};

}  // namespace
}  // namespace yonder
