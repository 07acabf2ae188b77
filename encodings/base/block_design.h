#pragma once
#include <string>

#include "core/options.h"

/// \file
/// What the blocks of a model are made of, beside its encoding.
namespace yonder {

/// The axes of a block. models/README.md has their formulas; the defaults are its plain block.
struct BlockDesign {
  std::string norm = "layer";  ///< LayerNorm, or rms: x/√(mean x² + ε) · weight
  std::string place = "pre";   ///< where the norms stand: pre, post, sandwich or parallel
  std::string act = "gelu";    ///< of the MLP: gelu, swiglu or relu2
  int kv_heads = 0;            ///< K, heads of k and v; it divides H; 0: H
  std::string bias = "none";   ///< which linear maps have one: none, qkv or all
  int loops = 1;               ///< r, how often a pass goes through the layers

  /// All of them by name with limits and meaning.
  Options options();
  /// The block of a published model: gpt2, neox, llama, gemma, or plain, which has the defaults.
  static BlockDesign named(const std::string& name);
  /// Where it is not plain, in a model of H heads: "norm rms, act swiglu"; "" if it is.
  std::string text(int heads) const;
  bool operator==(const BlockDesign&) const = default;  ///< whether all axes are alike
};

}  // namespace yonder
