// The Forgetting Transformer. Lin, Nikishin, He & Courville, "Forgetting Transformer: softmax
// attention with a forget gate", ICLR 2025, arXiv:2503.02130, sec. 3. The same function as CABLE's
// (Veisi et al. 2025, arXiv:2503.08067).
//
//   score_ij = q_i·k_j/√d + Σ_{t=j+1..i} ln f_t,   f_t = σ(w_h·n_t + b_h)
//
// n is the block's normed input; w and b are per layer. The sum runs over tokens: positions are not
// used. gate = bias omits w, gate = fixed trains nothing: with the default times,
// this is ALiBi for H a power of two.
//
// spread: b_h starts so that a score drops by 1 in T_h tokens, ln σ(b_h) = −1/T_h, with the T_h
// spaced evenly on a log scale from `shortest` to `longest`, as in the official code for gates
// without content; otherwise b starts at 0. The paper's "Pro" block (output gate and norm, shifted
// keys) is not implemented.
#include <cmath>

#include "core/ops/ops.h"
#include "encodings/base/encoding.h"

namespace yonder {
namespace {

class Fox final : public Encoding {
  std::string gate_ = "content";
  std::optional<bool> spread_;
  double shortest_ = 0, longest_ = 256;
  struct Gate {
    Var weight, bias;  // [H, D] or empty, [H]
  };
  std::vector<Gate> gates_;  // of each layer

 public:
  Options options() override {
    return {
        Option{"gate", &gate_, "gate computed from content, a learned bias, or fixed"}.one_of(
            {"content", "bias", "fixed"}),
        Option{"spread", &spread_,
               "initialise the heads with gates of different decay, not all at 1/2"}
            .shown_as("true unless gate = content"),
        Option{"shortest", &shortest_,
               "tokens after which the first head's score has initially dropped by 1; 0: ALiBi's "
               "2^(8/H)"}
            .at_least(0),
        Option{"longest", &longest_, "the same for the last head"}.at_least(0.01)};
  }

  void check() const override {
    if (gate_ == "fixed" && !spread_.value_or(true))
      throw UsageError("fox.spread: fixed gates would stay at 1/2 in every head; keep it true");
    if (shortest() > longest_ || shortest() < 0.01)
      throw UsageError(fmt::format("fox.shortest: {:f} tokens are not between 0.01 and fox.longest",
                                   shortest()));
  }

  void build(const Dims& dims, Parameters& p) override {
    spread_ = spread_.value_or(gate_ != "content");
    Encoding::build(dims, p);
    for (int l = 0; l < dims.layers; ++l) {
      const std::string at = fmt::format("encoding.fox.blocks.{}.", l);
      Gate& gate = gates_.emplace_back();
      if (gate_ == "content")
        gate.weight = p.make(at + "weight", {dims.heads, dims.width}, Init::std(0.02));
      gate.bias = gate_ == "fixed" ? Var(biases()) : p.make(at + "bias", biases());
    }
  }

  // ln f, [B, T, H]
  Var per_key(const Var& x, int layer) override {
    const Gate& gate = gates_[layer];
    const Var logit = gate.weight ? linear(x, gate.weight, gate.bias)
                                  : Var(Tensor({x.dim(0), x.dim(1), dims_.heads})) + gate.bias;
    return real(-1) * softplus(real(-1) * logit);
  }

  void scores(ScoreTerms& s, const Attention& a) override { s.log_gate = a.per_key; }

 private:
  double shortest() const { return shortest_ > 0 ? shortest_ : std::exp2(8.0 / dims_.heads); }

  // ln σ(b) = −1/T if e^−b = e^(1/T) − 1.
  Tensor biases() const {
    const int H = dims_.heads;
    Tensor b({H});
    for (int h = 0; h < H && *spread_; ++h) {
      const double share = H > 1 ? double(h) / (H - 1) : 0;
      const double T = shortest() * std::pow(longest_ / shortest(), share);
      b[h] = real(-std::log(std::expm1(1 / T)));
    }
    return b;
  }
};

const Register<Fox> fox_entry{{.name = "fox",
                               .title = "Forget gates (Forgetting Transformer)",
                               .printed = "FoX",
                               .paper = "arXiv:2503.02130",
                               .kind = Kind::bias,
                               .serves = Serves::causal_only,
                               .formula = "q_i·k_j/√d + Σ_{t=j+1..i} ln σ(w_h·n_t + b_h)"}};

}  // namespace
}  // namespace yonder
