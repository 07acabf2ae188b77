// Position by accumulated reflections. Yang et al., "PaTH attention: position encoding via
// accumulating Householder transformations", 2025, arXiv:2505.16381; layers as in
// flash-linear-attention, fla/layers/path_attn.py.
//
//   score_ij = q_i·H_i H_{i−1} … H_{j+1} k_j/√d,   H_t = I − β_t w_t w_tᵀ
//   w_t = silu((c ⊛ U V n)_t)/‖·‖ per head,   β_t = 2σ(B n_t + b)
//
// n is the block's normed input, ⊛ a causal depthwise convolution over 3 tokens; ‖x‖ = √(Σx² +
// 1e-6). The product runs over tokens: positions are not used. PaTH-FoX is path+fox; fla also
// divides the sums of the forget gates by √d, FoX and this code do not. fla initialises V, U and c
// with a deviation of 0.02, where the norm's 1e-6 would matter; here w starts with norm 1.
#include <cmath>

#include "core/ops/conv.h"
#include "core/ops/ops.h"
#include "encodings/base/encoding.h"

namespace yonder {
namespace {

class PathAttention final : public Encoding {
  static constexpr int kernel = 3;
  int rank_ = 32;
  struct Layer {
    Var down, up, conv;          // V [rank, D], U [D, rank], c [D, 3]
    Var beta_weight, beta_bias;  // B [H, D], b [H]
  };
  std::vector<Layer> layers_;

 public:
  Options options() override {
    return {Option{"rank", &rank_, "columns between V and U"}.at_least(1)};
  }

  void build(const Dims& dims, Parameters& p) override {
    Encoding::build(dims, p);
    const int D = dims.width;
    for (int l = 0; l < dims.layers; ++l) {
      const auto make = [&](const std::string& name, Shape shape, double deviation) {
        return p.make(fmt::format("encoding.path.blocks.{}.{}", l, name), std::move(shape),
                      deviation > 0 ? Init::std(deviation) : Init::zeros());
      };
      Layer& w = layers_.emplace_back();
      w.down = make("down.weight", {rank_, D}, 1 / std::sqrt(double(D)));
      w.up = make("up.weight", {D, rank_}, 1 / std::sqrt(double(rank_)));
      w.conv = make("conv", {D, kernel}, 1 / std::sqrt(double(kernel)));
      w.beta_weight = make("beta.weight", {dims.heads, D}, 0.02);
      w.beta_bias = make("beta.bias", {dims.heads}, 0);
    }
  }

  // U V n and B n + b, [B, T, D + H]
  Var per_key(const Var& x, int layer) override {
    const Layer& w = layers_[std::size_t(layer)];
    return concat({linear(linear(x, w.down), w.up), linear(x, w.beta_weight, w.beta_bias)}, 2);
  }

  void dots(Dots& d, const Attention& a) override {
    const int D = dims_.width, H = dims_.heads;
    const Var y = depthwise(slice(a.per_key, 2, 0, D), layers_[std::size_t(a.layer)].conv,
                            {.anchor = kernel - 1, .lengths = a.keys.lengths});
    d.path.w = l2_normalized(reshape(y * sigmoid(y), d.k.shape()));
    d.path.beta = real(2) * sigmoid(slice(a.per_key, 2, D, H));
  }
};

const Register<PathAttention> path_entry{
    {.name = "path",
     .title = "Accumulated Householder transformations (PaTH)",
     .printed = "PaTH",
     .paper = "arXiv:2505.16381",
     .kind = Kind::rotary,
     .serves = Serves::causal_only,
     .formula = "q_i·H_i … H_{j+1} k_j/√d, H_t = I - β_t w_t w_tᵀ"}};

}  // namespace
}  // namespace yonder
