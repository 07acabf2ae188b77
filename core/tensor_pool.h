#pragma once
#include <cstddef>
#include <memory>

#include "core/real.h"

/// Storage of tensors. Freed blocks are kept and reused, so that after the first training
/// step nothing is allocated from the system any more.
namespace yonder::pool {

/// A block of at least `count` reals, aligned to 64 bytes, its content undefined. It returns to the
/// pool with the last owner. May be called from any thread.
std::shared_ptr<real[]> take(std::size_t count);

std::size_t live_bytes();    ///< in tensors now
std::size_t peak_bytes();    ///< the most that was live since the last reset_peak()
std::size_t system_bytes();  ///< held from the system, in use or kept for later
void reset_peak();           ///< peak_bytes() counts from now on
void release();              ///< gives every unused block back to the system

}  // namespace yonder::pool
