#pragma once
#include <map>
#include <string>
#include <vector>

#include "models/transformer.h"

/// \file
/// A trained causal model as other programs read it.
namespace yonder {

/// What is written beside the weights.
struct Exported {
  std::vector<std::string> tokens;  ///< [V] a name each, or empty: bytes, then BOS
  std::string name;                 ///< of the model
  int most = 0;  ///< M, tokens that it will read; 0: 4096, or as many as a table of positions has

  bool bytes() const { return tokens.empty(); }  ///< whether tokens are the bytes of a text
};

/// A folder for Hugging Face's transformers, by file name: config.json, model.safetensors, the
/// tokenizer, and modeling_yonder.py where no architecture of theirs has the encoding. UsageError,
/// which says what it would need, for what can't be.
std::map<std::string, std::string> hugging_face(Transformer&, const Exported&);

/// A GGUF file, version 3, for llama.cpp.  github.com/ggml-org/ggml, docs/gguf.md
std::string gguf(Transformer&, const Exported&);

}  // namespace yonder
