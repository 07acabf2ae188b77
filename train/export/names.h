#pragma once
#include <nlohmann/json_fwd.hpp>
#include <optional>

#include "core/io/safetensors.h"
#include "train/export/export.h"

/// \file
/// How other programs name and store the weights of yonder's Transformer.
namespace yonder {

/// The name of each weight; # stands for the layer.
struct Names {
  /// @{
  /// The tensors of models/README.md, with Q, K and V fused into qkv.
  const char *embed, *positions, *norm1, *qkv, *o, *norm2, *up, *down, *norm, *head;
  /// @}
  bool transposed = false;      ///< linear maps are [in, out]
  bool head_by_head = false;    ///< rows of qkv: q, k, v of head 0, of head 1, …; else Q, K, V
  bool attention_bias = false;  ///< qkv and o have one, all zeros
  bool mlp_bias = false;        ///< up and down have one, all zeros
};

/// rope as in GPT-NeoX: the first `columns` of each head are rotated, paired across two halves.
struct RopeForm {
  int columns = 0;          ///< d', rotary dimensions
  double base = 10000;      ///< w_m = base^(−2m/d')
  std::string scaling;      ///< linear, dynamic, yarn, llama3, or empty
  double factor = 1;        ///< k
  double stretch = 1;       ///< L/N of the longest input that the scaling is meant for
  bool interleaved = true;  ///< how yonder pairs columns: (2m, 2m+1), else (m, m + apart)
  int apart = 0;            ///< between paired columns; d'/2 once exported
  /// @{
  /// The options of rope of these names.
  double beta_fast = 32, beta_slow = 1, low_freq_factor = 1, high_freq_factor = 4;
  /// @}
};
/// That of a model with rope alone; empty for other encodings and a rope that GPT-NeoX lacks.
/// Throws UsageError if Exported::most is set, or rope.factor depends on the length.
std::optional<RopeForm> rope_form(const Transformer&, const Exported&);

/// Throws UsageError for a bidirectional model and for one that loops.
void require_causal(const Transformer&);
/// Throws UsageError for blocks that are not plain.
void require_plain(const Transformer&);

/// The weights under other names. `positions` [M, D] and `rope` may be absent.
NamedTensors renamed(const Transformer&, const Names&, const Tensor& positions,
                     const std::optional<RopeForm>& rope);

/// The weights of a model with Llama's block, under the names of LlamaForCausalLM.
NamedTensors named_as_llama(const Transformer&, const RopeForm&);

/// Names of tokens in files: those of a task, or GPT-2's characters for bytes.
std::vector<std::string> token_names(const Exported&);
nlohmann::ordered_json tokenizer_json(const Exported&);    ///< for the library tokenizers
nlohmann::ordered_json tokenizer_config(const Exported&);  ///< tokenizer_config.json

}  // namespace yonder
