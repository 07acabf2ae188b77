#pragma once
#include <string>
#include <vector>

#include "core/options.h"

/// \file
/// What the blocks of a model are made of, beside its encoding.
namespace yonder {

/// LayerNorm, or x/√(mean x² + ε) · weight.
enum class NormKind { layer, rms };
/// Where the norms of a block stand.
enum class NormPlace { pre, post, sandwich, parallel };
/// Of the MLP.
enum class Activation { gelu, swiglu, relu2 };
/// Which linear maps of a block have a bias.
enum class Biased { none, qkv, all };

/// @{
/// The texts of all values, as flags and files have them.
std::vector<std::string> names(NormKind);
std::vector<std::string> names(NormPlace);
std::vector<std::string> names(Activation);
std::vector<std::string> names(Biased);
/// @}

/// The axes of a block. models/README.md has their formulas; the defaults are its plain block.
struct BlockDesign {
  NormKind norm = NormKind::layer;    ///< of all norms
  NormPlace place = NormPlace::pre;   ///< of the norms
  Activation act = Activation::gelu;  ///< of the MLP
  int kv_heads = 0;                   ///< K, heads of k and v; it divides H; 0: H
  Biased bias = Biased::none;         ///< of linear maps
  int loops = 1;                      ///< r, how often a pass goes through the layers

  /// All of them by name with limits and meaning.
  Options options();
  /// The block of a published model: gpt2, neox, llama, gemma, or plain, which has the defaults.
  static BlockDesign named(const std::string& name);
  /// Where it is not plain, in a model of H heads: "norm rms, act swiglu"; "" if it is.
  std::string text(int heads) const;
  bool operator==(const BlockDesign&) const = default;  ///< whether all axes are alike
};

}  // namespace yonder
