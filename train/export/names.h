#pragma once
#include <nlohmann/json_fwd.hpp>
#include <optional>

#include "core/io/safetensors.h"
#include "train/export/export.h"

/// \file
/// How other programs call and keep the weights of yonder's Transformer.
namespace yonder {

/// What each weight is called; # stands for the layer.
struct Names {
  /// @{
  /// The tensors of models/README.md, qkv being Q, K and V in one.
  const char *embed, *positions, *norm1, *qkv, *o, *norm2, *up, *down, *norm, *head;
  /// @}
  bool transposed = false;      ///< linear maps are [in, out]
  bool head_by_head = false;    ///< rows of qkv: q, k, v of head 0, of head 1, …; else Q, K, V
  bool attention_bias = false;  ///< qkv and o have one, of zeros
  bool mlp_bias = false;        ///< up and down have one, of zeros
};

/// rope as GPT-NeoX has it: the first `columns` of each head turn, in two halves.
struct RopeForm {
  int columns = 0;          ///< d'
  double base = 10000;      ///< its w_m = base^(−2m/d')
  std::string scaling;      ///< linear, dynamic, yarn, llama3, or empty
  double factor = 1;        ///< k
  double stretch = 1;       ///< L/N of the longest test that the scaling is meant for
  bool interleaved = true;  ///< how yonder pairs columns: (2m, 2m+1), else (m, m + apart)
  int apart = 0;            ///< these become the d'/2 of two halves
  /// @{
  /// As the options of rope of these names.
  double beta_fast = 32, beta_slow = 1, low_freq_factor = 1, high_freq_factor = 4;
  /// @}
};
/// That of a model whose encoding is rope and nothing else; empty: it is another one, or a rope
/// that GPT-NeoX has not. UsageError where a number of tokens at most is asked of one.
std::optional<RopeForm> rope_form(const Transformer&, const Exported&);

/// UsageError for a bidirectional model, and for one that loops.
void require_causal(const Transformer&);
/// UsageError for blocks that are not plain.
void require_plain(const Transformer&);

/// The weights under other names. `positions` [M, D] and `rope` may be absent.
NamedTensors renamed(const Transformer&, const Names&, const Tensor& positions,
                     const std::optional<RopeForm>& rope);

/// The weights of a model of Llama's block under the names of LlamaForCausalLM.
NamedTensors named_as_llama(const Transformer&, const RopeForm&);

/// What tokens are called in files: names of their own, or GPT-2's letters for bytes.
std::vector<std::string> token_names(const Exported&);
nlohmann::ordered_json tokenizer_json(const Exported&);    ///< as the library tokenizers reads it
nlohmann::ordered_json tokenizer_config(const Exported&);  ///< tokenizer_config.json

}  // namespace yonder
