#pragma once
#include <string>

#include "models/transformer.h"

/// \file
/// Small models of an encoding, by which its rules are tried.
namespace yonder {

/// One kind of model that an encoding serves.
struct Served {
  std::string encoding;     ///< perhaps several, joined
  Dims dims;                ///< of the model
  Overrides extension;      ///< to be set at test time
  Overrides settings = {};  ///< before training

  /// In words.
  std::string name() const;
  /// A model in which every parameter has left its start (zeros hide errors), the same each time.
  Transformer model() const;
  /// Whether a model takes its extension: rope's dca serves causal ones only.
  bool takes_extension() const;
};

}  // namespace yonder
