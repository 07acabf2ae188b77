#pragma once

/// \file
/// The number type is chosen at build time: float for release, double for gradient checks.
#ifdef YONDER_NO_REAL
#error "this file is compiled once for both precisions and must not depend on core/real.h"
#endif
/// Position encodings, the Transformers in which they are compared, and their training.
namespace yonder {
#ifdef YONDER_DOUBLE
using real = double;
#else
using real = float;  ///< element type of every tensor
#endif
}  // namespace yonder
