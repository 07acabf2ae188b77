#pragma once

/// \file
/// The number type is a decision of the build: float ships, double checks gradients.
namespace yonder {
#ifdef YONDER_DOUBLE
using real = double;
#else
using real = float;
#endif
}  // namespace yonder
