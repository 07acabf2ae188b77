#pragma once
#include <nlohmann/json.hpp>
#include <set>

#include "core/io/safetensors.h"
#include "models/transformer.h"

/// \file
/// What an encoding does to a model, tabulated for the positions 0..M−1 by calling its hooks, so
/// that a program without the encoding can run the model. What tables can't express is referred to
/// by name: modeling_yonder.py has a piece for it.
namespace yonder {

/// The tables of a causal model for at most M tokens. Symbols as in core/attention.h.
struct Tables {
  int most = 0;      ///< M
  Tensor positions;  ///< [M, D], added to √D·E[token]; empty: none
  /// Under the names in modeling_yonder.py, such as "tables.0.row"; "short.tables.0.row" for inputs
  /// of at most N tokens, where those differ.
  NamedTensors all;
  nlohmann::ordered_json layers = nlohmann::ordered_json::array();      ///< options of each
  nlohmann::ordered_json embedding = nlohmann::ordered_json::object();  ///< options of conv and rnn
  std::set<std::string> pieces;  ///< pieces of modeling_yonder.py that it needs

  /// Whether the model is plain except for positions added to the embeddings.
  bool only_positions() const {
    return pieces.empty() || pieces == std::set<std::string>{"positions"};
  }
};

/// `asked` is M; 0: 4096, or the size of a table of positions. Throws UsageError, which says what
/// would be needed, for an encoding that neither tables nor a piece can express, or that depends on
/// the evaluation length beyond N.
Tables tables_of(Transformer&, int asked);

}  // namespace yonder
