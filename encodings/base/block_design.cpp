#include "encodings/base/block_design.h"

namespace yonder {

std::vector<std::string> names(NormKind) { return {"layer", "rms"}; }
std::vector<std::string> names(NormPlace) { return {"pre", "post", "sandwich", "parallel"}; }
std::vector<std::string> names(Activation) { return {"gelu", "swiglu", "relu2"}; }
std::vector<std::string> names(Biased) { return {"none", "qkv", "all"}; }

Options BlockDesign::options() {
  return {
      choice("norm", &norm, "LayerNorm or RMSNorm"),
      choice("place", &place, "placement of the norms in a block"),
      choice("act", &act, "activation of the MLP"),
      Option{"kv_heads", &kv_heads, "heads of keys and values; they divide --heads"}
          .within(0, 65536)
          .shown_as("as many as --heads"),
      choice("bias", &bias, "linear maps with a bias: none, of q, k and v, or all in blocks"),
      Option{"loops", &loops, "applications of all layers per forward pass"}.within(1, 1024),
  };
}

// GPT-2: Radford et al. 2019. GPT-NeoX: Black et al. 2022, arXiv:2204.06745. LLaMA: Touvron et al.
// 2023, arXiv:2302.13971. Gemma 2: 2024, arXiv:2408.00118.
BlockDesign BlockDesign::named(const std::string& name) {
  using enum NormKind;
  using enum NormPlace;
  using enum Activation;
  using enum Biased;
  if (name == "gpt2") return {.bias = all};
  if (name == "neox") return {.place = parallel, .bias = all};
  if (name == "llama") return {.norm = rms, .act = swiglu};
  if (name == "gemma") return {.norm = rms, .place = sandwich, .act = swiglu};
  return {};
}

std::string BlockDesign::text(int heads) const {
  BlockDesign own = *this, plain;
  if (own.kv_heads == heads) own.kv_heads = 0;
  const Options all = own.options(), usual = plain.options();
  std::vector<std::string> said;
  for (std::size_t i = 0; i < all.size(); ++i)
    if (value_of(all[i]) != value_of(usual[i])) said.push_back(all[i].name + " " + text_of(all[i]));
  return joined(said, ", ");
}

}  // namespace yonder
