// Scalable softmax. Nakanishi, "Scalable-Softmax is superior for attention", 2025,
// arXiv:2501.19399, eq. 2.
//
//   score_ij = s ln c_i · q_i·k_j/√d,   c_i the number of keys that query i sees
//   kind = learned  s_h of each layer and head, at first N(s, 0.01²), as in the code of
//                   arXiv:2506.16640 (Vasylenko et al. 2025); s = 1/ln N starts as attention is
//                   at N keys
//          fixed    s everywhere; 1/ln N is log n
//          llama4   (1 + attn_scale ln(1 + ⌊c_i/floor_scale⌋)) q_i·k_j/√d, Llama 4's, which has it
//                   on layers without positions; its code counts i + 1, which is c_i without window
//
// Terms without q (biases) are unchanged, as with log n.
#include <cmath>

#include "core/ops/ops.h"
#include "encodings/base/encoding.h"
#include "encodings/base/query_scale.h"

namespace yonder {
namespace {

class SsMax final : public Encoding {
  std::string kind_ = "learned";
  double s_ = 1, attn_scale_ = 0.1;
  int floor_scale_ = 8192;
  std::vector<Var> each_;  // s of each layer, [H]

 public:
  Options options() override {
    const double inf = std::numeric_limits<double>::infinity();
    return {
        Option{"kind", &kind_, "s learned, fixed, or Llama 4's rule"}.one_of(
            {"learned", "fixed", "llama4"}),
        Option{"s", &s_, "the fixed s, or the initial value of the learned ones"}.between(0, inf),
        Option{"attn_scale", &attn_scale_, "llama4: coefficient of the logarithm"}.at_least(0),
        Option{"floor_scale", &floor_scale_, "llama4: number of keys from which it scales"}
            .at_least(1)};
  }

  void build(const Dims& dims, Parameters& p) override {
    Encoding::build(dims, p);
    if (kind_ != "learned") return;
    for (int l = 0; l < dims.layers; ++l) {
      const std::string name = "encoding.ssmax.blocks." + std::to_string(l) + ".s";
      const Random random(p.seed(), name);
      Tensor start = Tensor::uninitialized({dims.heads});
      for (int h = 0; h < dims.heads; ++h) start[h] = real(s_ + 0.01 * random.normal(h));
      each_.push_back(p.make(name, start));
    }
  }

  void scale_queries(Dots& d, const Attention& a) override {
    const Tensor factor = visible(a);
    for (real& c : factor.flat()) c = real(of(double(c)));
    if (kind_ != "learned") return weigh(d, factor);
    const Var c(factor), s = each_[std::size_t(a.layer)];
    if (factor.shape.size() == 3) return weigh(d, c * s);
    weigh(d, outer(c, s).view({factor.dim(0), factor.dim(1), d.q.dim(2)}));
  }

 private:
  // The factor for c keys, but for a learned s.
  double of(double c) const {
    if (kind_ == "llama4") return 1 + attn_scale_ * std::log1p(std::floor(c / floor_scale_));
    return (kind_ == "fixed" ? s_ : 1) * std::log(c);
  }
};

const Register<SsMax> ss_max_entry{{.name = "ssmax",
                                    .title = "Scalable softmax (SSMax)",
                                    .printed = "SSMax",
                                    .paper = "arXiv:2501.19399",
                                    .kind = Kind::modifier,
                                    .formula = "s_h ln c_i q_i·k_j/√d, c_i the keys that i sees"}};

}  // namespace
}  // namespace yonder
