// Rotary positions that stay in distribution, RoPE-ID. "Frayed RoPE and long inputs: a geometric
// perspective", ICLR 2026, arXiv:2603.18017.
//
//   score_ij = τ (R(i) q_i)·(R(j) k_j)/√d,   R(i) rotates pair m < r = ⌊fraction d/2⌋ by i w_m
//   and no others;  2π/w_m spaced geometrically from `fastest` tokens per turn to N/`turns`
//   τ = (0.1 ln max(1, L/N) + 1)², or 1
//
// Every rotated pair has passed through all its phases within the training length, so longer inputs
// contain no new ones. Implemented from a description of the paper, whose text was not available:
// half of the pairs, 32 tokens and 2 turns are its values; the spacing in between and the
// temperature, YaRN's (arXiv:2309.00071, eq. 22), are ours. So is `fastest` = 0, for N below 256:
// N/8 tokens per turn, at least 2π (rope's own fastest), at most 32, and at most N/`turns`.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "encodings/base/encoding.h"
#include "encodings/base/query_scale.h"
#include "encodings/base/rotation.h"

namespace yonder {
namespace {

class RopeId final : public Encoding {
  double fraction_ = 0.5, fastest_ = 0, turns_ = 2;
  Layout layout_ = Layout::interleaved;
  std::string temperature_ = "yarn";

 public:
  Options options() override {
    const double inf = std::numeric_limits<double>::infinity();
    return {
        Option{"fraction", &fraction_, "fraction of a head's dimensions that are rotated"}.within(
            0, 1),
        Option{"fastest", &fastest_,
               "wavelength of the fastest pair in tokens; 0: N/8, clamped to 2π to 32"}
            .at_least(0),
        Option{"turns", &turns_, "rotations of the slowest pair in the training length"}.between(
            0, inf),
        layout_option(&layout_, "d'/2"),
        Option{"temperature", &temperature_, "temperature beyond the training length"}
            .one_of({"yarn", "none"})
            .at_inference()};
  }

  void check() const override {
    if (pairs() == 0)
      throw UsageError("rope-id.fraction: no pair of the head's " + std::to_string(dims_.head()) +
                       " columns would be rotated; give a larger fraction");
    if (fastest_ > slowest())
      throw UsageError("rope-id.fastest: " + std::to_string(fastest_) +
                       " tokens per turn are more " + "than the " + std::to_string(slowest()) +
                       " of the slowest pair; give less");
  }

  void scale_queries(Dots& d, const Attention& a) override {
    const double k = double(a.queries.longest) / dims_.trained;
    if (temperature_ == "none" || k <= 1) return;
    multiply_rows(d, a, std::pow(0.1 * std::log(k) + 1, 2));
  }

  void dots(Dots& x, const Attention& a) override {
    const Spectrum s = spectrum();
    auto turned = [&](const Positions& p) {
      return rotation(p, s, layout_, [](int i) { return double(i); });
    };
    x.q = rotate(x.q, turned(a.queries));
    x.k = rotate(x.k, turned(a.keys));
  }

 private:
  int pairs() const { return int(fraction_ * dims_.head() / 2); }  // r
  double slowest() const { return dims_.trained / turns_; }        // tokens per turn
  double fastest() const {
    const double open = std::clamp(dims_.trained / 8.0, 2 * std::numbers::pi, 32.0);
    return fastest_ > 0 ? fastest_ : std::min(open, slowest());
  }

  Spectrum spectrum() const {
    Spectrum s;
    for (int m = 0; m < pairs(); ++m) {
      const double along = pairs() > 1 ? double(m) / (pairs() - 1) : 0;
      s.w.push_back(2 * std::numbers::pi / (fastest() * std::pow(slowest() / fastest(), along)));
    }
    return s;
  }
};

const Register<RopeId> rope_id_entry{
    {.name = "rope-id",
     .title = "Rotary positions kept within trained phases (RoPE-ID)",
     .printed = "RoPE-ID",
     .paper = "arXiv:2603.18017",
     .kind = Kind::rotary,
     .formula = "τ (R(i) q_i)·(R(j) k_j)/√d, half of the pairs rotate, all of these at least twice "
                "within N",
     .extensions = overrides("rope-id.temperature", {"none"})}};

}  // namespace
}  // namespace yonder
