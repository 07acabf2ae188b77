#include "encodings/base/block_design.h"

namespace yonder {

Options BlockDesign::options() {
  return {
      Option{"norm", &norm, "LayerNorm or RMSNorm"}.one_of({"layer", "rms"}),
      Option{"place", &place, "where the norms of a block stand"}.one_of(
          {"pre", "post", "sandwich", "parallel"}),
      Option{"act", &act, "activation of the MLP"}.one_of({"gelu", "swiglu", "relu2"}),
      Option{"kv_heads", &kv_heads, "heads of keys and values; they divide --heads"}
          .within(0, 65536)
          .shown_as("as many as --heads"),
      Option{"bias", &bias, "linear maps with a bias: none, of q, k and v, or all in blocks"}
          .one_of({"none", "qkv", "all"}),
      Option{"loops", &loops, "times that a pass goes through all layers"}.within(1, 1024),
  };
}

// GPT-2: Radford et al. 2019. GPT-NeoX: Black et al. 2022, arXiv:2204.06745. LLaMA: Touvron et al.
// 2023, arXiv:2302.13971. Gemma 2: 2024, arXiv:2408.00118.
BlockDesign BlockDesign::named(const std::string& name) {
  if (name == "gpt2") return {.bias = "all"};
  if (name == "neox") return {.place = "parallel", .bias = "all"};
  if (name == "llama") return {.norm = "rms", .act = "swiglu"};
  if (name == "gemma") return {.norm = "rms", .place = "sandwich", .act = "swiglu"};
  return {};
}

std::string BlockDesign::text(int heads) const {
  BlockDesign own = *this, plain;
  if (own.kv_heads == heads) own.kv_heads = 0;
  const Options all = own.options(), usual = plain.options();
  std::string said;
  for (std::size_t i = 0; i < all.size(); ++i)
    if (value_of(all[i]) != value_of(usual[i]))
      said += (said.empty() ? "" : ", ") + all[i].name + " " + text_of(all[i]);
  return said;
}

}  // namespace yonder
