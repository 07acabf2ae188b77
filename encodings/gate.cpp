// Gated attention. Qiu et al., "Gated attention for large language models: non-linearity, sparsity,
// and attention-sink-free", 2025, arXiv:2505.06708, sec. 2.2: the gate on the attention output.
//
//   z_i ← z_i ∘ σ(W n_i) before O,   n the block's normed input
//
// `by` = element has one gate per column of z, head one per head.
#include <cmath>

#include "core/ops/ops.h"
#include "encodings/base/encoding.h"

namespace yonder {
namespace {

class Gate final : public Encoding {
  std::string by_ = "element";
  std::vector<Var> weights_;  // W of each layer, [D, D] or [H, D]

 public:
  Options options() override {
    return {Option{"by", &by_, "a gate for each column of the output, or for each head"}.one_of(
        {"element", "head"})};
  }

  void build(const Dims& dims, Parameters& p) override {
    Encoding::build(dims, p);
    const int rows = by_ == "head" ? dims.heads : dims.width;
    for (int l = 0; l < dims.layers; ++l)
      weights_.push_back(p.make(fmt::format("encoding.gate.blocks.{}.weight", l),
                                {rows, dims.width}, Init::std(1 / std::sqrt(double(dims.width)))));
  }

  Var output(const Var& z, const Attention& a) override {
    const Var gate = sigmoid(linear(a.input, weights_[std::size_t(a.layer)]));
    if (by_ == "element") return z * reshape(gate, z.shape());
    Tensor ones({z.dim(3)});
    for (real& x : ones.flat()) x = 1;
    return z * outer(gate, Var(ones)).view(z.shape());
  }
};

const Register<Gate> gate_entry{
    {.name = "gate",
     .title = "Gated attention",
     .printed = "Gated attention",
     .paper = "arXiv:2505.06708",
     .kind = Kind::modifier,
     .formula = "z_i ← z_i ∘ σ(W n_i)",
     .conflicts_with = {{"complex", "its gates are made of a real input; remove one"}},
     .adds_content = true}};

}  // namespace
}  // namespace yonder
