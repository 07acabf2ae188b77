// Relative attention of Transformer-XL and XLNet. Dai et al., 2019, arXiv:1901.02860, sec. 3.3;
// Yang et al., 2019, arXiv:1906.08237.
//
//   score_ij = ((q_i + u_h)·k_j + (q_i + v_h)·(W R_{i−j})_h)/√d
//   R_x = [sin(x w_0) … sin(x w_{D/2−1}), cos(x w_0) … cos(x w_{D/2−1})],  w_m = 10000^(−2m/D)
//
// Distances to later keys keep their negative sign. Defined for any distance; `clamp` clips it.
#include <algorithm>
#include <cmath>

#include "core/ops/ops.h"
#include "encodings/base/encoding.h"
#include "encodings/base/spectrum.h"

namespace yonder {
namespace {

class XlNet final : public Encoding {
  bool untie_ = true;
  int clamp_ = 0;
  struct Layer {
    Var position;  // W, [D, D]
    Var u, v;      // [H, d]
  };
  std::vector<Layer> layers_;

 public:
  Options options() override {
    return {Option{"untie", &untie_, "separate u and v in each layer"},
            Option{"clamp", &clamp_, "distances are clipped to this; 0: never"}
                .at_least(0)
                .at_inference()};
  }

  void check() const override {
    if (dims_.width % 2)
      throw UsageError("xlnet: the width " + std::to_string(dims_.width) +
                       " is odd, and half of it are sines; give an even --width");
  }

  void build(const Dims& dims, Parameters& p) override {
    Encoding::build(dims, p);
    const int D = dims.width;
    const Shape heads{dims.heads, dims.head()};
    auto biases = [&](Layer& layer, const std::string& at) {
      layer.u = p.make(at + "u", heads, Init::std(0.02));
      layer.v = p.make(at + "v", heads, Init::std(0.02));
    };
    Layer shared;
    if (!untie_) biases(shared, "encoding.xlnet.");
    layers_.assign(dims.layers, shared);
    for (int l = 0; l < dims.layers; ++l) {
      const std::string at = fmt::format("encoding.xlnet.blocks.{}.", l);
      layers_[l].position = p.make(at + "position.weight", {D, D}, Init::std(1 / std::sqrt(D)));
      if (untie_) biases(layers_[l], at);
    }
  }

  void scores(ScoreTerms& s, const Attention& a) override {
    const Layer& layer = layers_[a.layer];
    const int H = dims_.heads, d = dims_.head();
    // A causal query sees no negative distance unless positions decrease between tokens.
    const int least = clipped(a.least_seen() < 0 ? a.least() : 0),
              most = clipped(std::max(a.most(), 0));
    const int R = most - least + 1;
    const Var table = linear(Var(waves(least, most)), layer.position).view({R, H, d});  // W R_x
    Tensor ones({1, d});
    for (real& x : ones.flat()) x = s.scale;
    const Var bias = linear(table * layer.v, Var(ones)).view({R, H});  // v_h·(W R_x)_h/√d
    s.relative.push_back({.bucket = {R, a.least(), a.most(),
                                     [&](int x) { return std::clamp(x, least, most) - least; }},
                          .A = table,
                          .c = bias});
    s.relative.push_back(
        {.bucket = {1, a.least(), a.most(), [](int) { return 0; }}, .B = layer.u.view({1, H, d})});
  }

 private:
  int clipped(int x) const { return clamp_ ? std::clamp(x, -clamp_, clamp_) : x; }

  // R_least … R_most, [R, D].
  Tensor waves(int least, int most) const {
    const int half = dims_.width / 2;
    const Spectrum s = spectrum(10000, dims_.width);
    Tensor r = Tensor::uninitialized({most - least + 1, dims_.width});
    for (int x = least; x <= most; ++x)
      for (int m = 0; m < half; ++m) {
        real* row = &r[std::int64_t(x - least) * dims_.width];
        row[m] = real(std::sin(x * s.w[m]));
        row[half + m] = real(std::cos(x * s.w[m]));
      }
    return r;
  }
};

const Register<XlNet> xl_net_entry{{.name = "xlnet",
                                    .title = "Relative attention (Transformer-XL, XLNet)",
                                    .printed = "XLNet",
                                    .paper = "arXiv:1901.02860",
                                    .kind = Kind::relative,
                                    .formula = "((q_i + u)·k_j + (q_i + v)·W R_{i-j})/√d",
                                    .extensions = {{"xlnet.clamp", "N-1"}}}};

}  // namespace
}  // namespace yonder
