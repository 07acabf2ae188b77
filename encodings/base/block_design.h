#pragma once
#include <string>
#include <vector>

#include "core/options.h"

/// \file
/// The design of a model's blocks, apart from the encoding.
namespace yonder {

/// LayerNorm, or x/√(mean x² + ε) · weight.
enum class NormKind { layer, rms };
/// Placement of the norms in a block.
enum class NormPlace { pre, post, sandwich, parallel };
/// Activation of the MLP.
enum class Activation { gelu, swiglu, relu2 };
/// Which linear maps of a block have a bias.
enum class Biased { none, qkv, all };

/// @{
/// The names of all values, as in flags and files.
std::vector<std::string> names(NormKind);
std::vector<std::string> names(NormPlace);
std::vector<std::string> names(Activation);
std::vector<std::string> names(Biased);
/// @}

/// The settings of a block, defined in models/README.md; the defaults are its plain block.
struct BlockDesign {
  NormKind norm = NormKind::layer;    ///< of all norms
  NormPlace place = NormPlace::pre;   ///< of the norms
  Activation act = Activation::gelu;  ///< of the MLP
  int kv_heads = 0;                   ///< K, heads of k and v, a divisor of H; 0: H
  Biased bias = Biased::none;         ///< of linear maps
  int loops = 1;                      ///< r, how many times a pass applies all layers

  /// All of them as options, with limits and meaning.
  Options options();
  /// The block of a published model: gpt2, neox, llama or gemma; any other name: the defaults.
  static BlockDesign named(const std::string& name);
  /// How it differs from the plain block in a model of H heads: "norm rms, act swiglu"; or "".
  std::string text(int heads) const;
  bool operator==(const BlockDesign&) const = default;  ///< whether all settings are equal
};

}  // namespace yonder
