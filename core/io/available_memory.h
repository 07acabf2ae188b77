#pragma once
#include <string>

/// \file
/// What can't fit into this machine's memory is rejected before it is tried.
namespace yonder {

/// What this process may still take: what Linux calls available, within the limit of the process's
/// control group if it has one, and what the pool keeps unused.
double free_bytes();
/// UsageError that ends with `advice` if `bytes` are more than that.
void require_memory(double bytes, const std::string& advice);

}  // namespace yonder
