#pragma once
#include <string>

/// \file
/// Rejects what can't fit into this machine's memory before it is tried.
namespace yonder {

/// Bytes that this process may still allocate: Linux's MemAvailable, within the limits of the
/// process's control groups, plus what the pool holds unused.
double free_bytes();
/// Throws UsageError, ending with `advice`, if `bytes` exceeds free_bytes().
void require_memory(double bytes, const std::string& advice);

}  // namespace yonder
