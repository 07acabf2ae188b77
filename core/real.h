#pragma once

/// \file
/// The number type is a decision of the build: float ships, double checks gradients.
#ifdef YONDER_NO_REAL
#error "this file is compiled once for both precisions and must not depend on core/real.h"
#endif
/// Position encodings, the Transformers that they are compared in, and their training.
namespace yonder {
#ifdef YONDER_DOUBLE
using real = double;
#else
using real = float;  ///< element type of every tensor
#endif
}  // namespace yonder
