// Sinusoidal absolute positions. Vaswani et al., "Attention is all you need", 2017,
// arXiv:1706.03762, sec. 3.5.
//
//   x_i + s_D(i),   s[2m] = sin(i w_m),  s[2m+1] = cos(i w_m),  w_m = base^(−2m/D)
//
// Defined at every position. For longer inputs the frequencies can be changed as in rope
// (spectrum.h).
#include "core/ops/ops.h"
#include "encodings/base/encoding.h"
#include "encodings/base/spectrum.h"

namespace yonder {
namespace {

class Sinusoidal final : public Encoding {
  double base_ = 10000;
  Scaling scaling_;

 public:
  Options options() override {
    const double inf = std::numeric_limits<double>::infinity();
    Options o{Option{"base", &base_, "w_m = base^(−2m/D)"}.between(1, inf)};
    scaling_.options(o);
    return o;
  }

  void check() const override {
    if (dims_.width % 2)
      throw UsageError(fmt::format(
          "sinusoidal: width {} has no pairs of columns; choose an even width", dims_.width));
    scaling_.check("sinusoidal", dims_.width);
  }

  void freeze_for_length(int longest) override {
    scaling_.freeze_for_length(dims_.trained, longest);
  }

  Var embed(const Var& x, std::span<const int>, const Positions& p) override {
    return x + sinusoid(p, scaling_.of(base_, dims_.width, dims_.trained, p.longest));
  }
};

const Register<Sinusoidal> sinusoidal_entry{
    {.name = "sinusoidal",
     .title = "Sinusoidal absolute positions",
     .paper = "arXiv:1706.03762",
     .aliases = {"sin", "sinusoid", "sine"},
     .usual = Usual::compared,
     .kind = Kind::absolute,
     .formula = "x_i + s(i), s[2m] = sin(i w_m), s[2m+1] = cos(i w_m), w_m = base^(-2m/D)",
     .extensions = overrides("sinusoidal.scaling", {"linear", "ntk", "ntk-old", "ntk-fixed",
                                                    "ntk-mixed", "dynamic", "yarn", "llama3"})}};

}  // namespace
}  // namespace yonder
