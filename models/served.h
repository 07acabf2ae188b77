#pragma once
#include <string>

#include "models/transformer.h"

/// \file
/// Small models with an encoding, on which its rules are checked.
namespace yonder {

/// One kind of model that an encoding supports.
struct Served {
  std::string encoding;     ///< or several, joined
  Dims dims;                ///< of the model
  Overrides extension;      ///< inference-time overrides
  Overrides settings = {};  ///< set before training

  /// A readable description.
  std::string name() const;
  /// A model with noise added to every initial parameter (zeros hide errors), the same each time.
  Transformer model() const;
  /// Whether the model accepts its extension: rope's dca supports causal models only.
  bool takes_extension() const;
};

}  // namespace yonder
