#pragma once
#include <cstddef>
#include <memory>

#include "core/real.h"

/// Storage of tensors. Freed blocks are kept and reused, so that after the first training
/// step nothing more is allocated from the system.
namespace yonder::pool {

/// Returns an uninitialized block of at least `count` reals, aligned to 64 bytes. It goes back to
/// the pool when the last owner releases it. May be called from any thread.
std::shared_ptr<real[]> take(std::size_t count);

std::size_t live_bytes();    ///< in tensors now
std::size_t peak_bytes();    ///< maximum of live_bytes() since the last reset_peak()
std::size_t system_bytes();  ///< allocated from the system, in use or kept for later
void reset_peak();           ///< peak_bytes() counts from now on
void release();              ///< gives every unused block back to the system

}  // namespace yonder::pool
