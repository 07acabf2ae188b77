// Wall attention: every column of q·k decays by content. flash-linear-attention,
// fla/ops/wall_attn/naive.py and fla/layers/wall_attn.py.
//
//   score_ij = (1/√d) Σ_c q_ic k_jc e^(P_ic − P_jc),   P_t = Σ_{u ≤ t} ln σ(W n_u + b)
//
// n is the block's normed input, c runs over a head's columns; W and b are per layer. The sum runs
// over tokens: positions are not used. b starts at `bias`, where there is hardly any decay. Their
// additional gate of one value per head is wall+fox here. They clamp exponents at 2^110; here
// nothing is clamped. If all gates are 1, nothing depends on position.
#include "core/ops/ops.h"
#include "encodings/base/encoding.h"

namespace yonder {
namespace {

class Wall final : public Encoding {
  double bias_ = 8;
  struct Gate {
    Var weight, bias;  // W [D, D], b [D]
  };
  std::vector<Gate> gates_;  // of each layer

 public:
  Options options() override {
    return {Option{"bias", &bias_, "initial value of b; at 8 there is hardly any decay"}};
  }

  void build(const Dims& dims, Parameters& p) override {
    Encoding::build(dims, p);
    for (int l = 0; l < dims.layers; ++l) {
      const std::string at = fmt::format("encoding.wall.blocks.{}.", l);
      Tensor start({dims.width});
      for (real& b : start.flat()) b = real(bias_);
      const Var weight = p.make(at + "weight", {dims.width, dims.width}, Init::std(0.02));
      gates_.push_back({weight, p.make(at + "bias", start)});
    }
  }

  // ln σ, [B, T, D]
  Var per_key(const Var& x, int layer) override {
    const Gate& gate = gates_[std::size_t(layer)];
    return real(-1) * softplus(real(-1) * linear(x, gate.weight, gate.bias));
  }

  void dots(Dots& d, const Attention& a) override { d.log_decay = reshape(a.per_key, d.k.shape()); }
};

const Register<Wall> wall_entry{
    {.name = "wall",
     .title = "Columns that decay by content (Wall attention)",
     .printed = "Wall",
     .paper = "github.com/fla-org/flash-linear-attention",
     .kind = Kind::rotary,
     .serves = Serves::causal_only,
     .formula = "Σ_c q_ic k_jc e^(P_ic - P_jc)/√d, P_t = Σ_{u≤t} ln σ(W n_u + b)"}};

}  // namespace
}  // namespace yonder
