#pragma once
#include <map>
#include <string>
#include <vector>

#include "models/transformer.h"

/// \file
/// Exports a trained causal model to the formats of other programs.
namespace yonder {

/// What is written besides the weights.
struct Exported {
  std::vector<std::string> tokens;  ///< [V] their names; empty: bytes, then BOS
  std::string name;                 ///< of the model
  int most = 0;  ///< M, maximum input tokens; 0: 4096, or the size of a table of positions

  bool bytes() const { return tokens.empty(); }  ///< whether tokens are the bytes of a text
};

/// The files of a folder for Hugging Face's transformers, by name: config.json, model.safetensors,
/// the tokenizer, and modeling_yonder.py if none of its architectures has the encoding. Throws
/// UsageError, which says what would be needed, for a model that can't be exported.
std::map<std::string, std::string> hugging_face(Transformer&, const Exported&);

/// A GGUF file, version 3, for llama.cpp.  github.com/ggml-org/ggml, docs/gguf.md
std::string gguf(Transformer&, const Exported&);

}  // namespace yonder
