#pragma once

/// \file
/// The number type is a decision of the build: float ships, double checks gradients.
#ifdef YONDER_NO_REAL
#error "this file is compiled once for both precisions and must not depend on core/real.h"
#endif
namespace yonder {
#ifdef YONDER_DOUBLE
using real = double;
#else
using real = float;
#endif
}  // namespace yonder
