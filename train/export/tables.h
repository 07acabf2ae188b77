#pragma once
#include <nlohmann/json.hpp>

#include "core/io/safetensors.h"
#include "models/transformer.h"

/// \file
/// What an encoding does to a model, written out for the positions 0..M−1, so that a program that
/// knows no encoding can run it. Found by asking the encoding's hooks, never by its name.
namespace yonder {

/// The tables of a causal model of at most M tokens. Letters as in core/attention.h.
struct Tables {
  int most = 0;      ///< M
  Tensor positions;  ///< [M, D], added to √D·E[token]; empty: nothing is
  /// "tables.LAYER.row" [M, H], ".sink" [H], and of each relative term "tables.LAYER.TERM.bucket"
  /// [M], the row of each distance from 0 on, ".A", ".B", ".V", ".c", ".f".
  NamedTensors of_layers;
  /// Of each layer {"scale", "window", "sinks", "of_heads", "terms"}.
  nlohmann::ordered_json layers = nlohmann::ordered_json::array();
  bool only_positions = true;  ///< the attention is a plain one
};

/// M is what is asked for; for 0, 4096, or as many as a table of positions has. UsageError, which
/// says what it would need, for an encoding that is more than such tables, as one that turns
/// queries or reads tokens, or that is another one in a longer test.
Tables tables_of(Transformer&, int asked);

}  // namespace yonder
