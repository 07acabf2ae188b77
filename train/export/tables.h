#pragma once
#include <nlohmann/json.hpp>
#include <set>

#include "core/io/safetensors.h"
#include "models/transformer.h"

/// \file
/// What an encoding does to a model, written out for the positions 0..M−1, so that a program that
/// knows no encoding can run it: found by asking the encoding's hooks. What no table holds is known
/// by its name, and modeling_yonder.py has a piece for it.
namespace yonder {

/// The tables of a causal model of at most M tokens. Letters as in core/attention.h.
struct Tables {
  int most = 0;      ///< M
  Tensor positions;  ///< [M, D], added to √D·E[token]; empty: nothing is
  /// By the names that modeling_yonder.py gives them, "tables.0.row" and the like;
  /// "short.tables.0.row" in a test of at most N tokens, where those differ.
  NamedTensors all;
  nlohmann::ordered_json layers = nlohmann::ordered_json::array();      ///< what is said of each
  nlohmann::ordered_json embedding = nlohmann::ordered_json::object();  ///< of conv and rnn
  std::set<std::string> pieces;  ///< of modeling_yonder.py that it needs

  /// Whether nothing but the positions is added to a plain model.
  bool only_positions() const {
    return pieces.empty() || pieces == std::set<std::string>{"positions"};
  }
};

/// M is what is asked for; for 0, 4096, or as many as a table of positions has. UsageError, which
/// says what it would need, for an encoding that is neither tables nor has a piece, or that is
/// another one in a longer test.
Tables tables_of(Transformer&, int asked);

}  // namespace yonder
