#pragma once
#include <string>

#include "encodings/encoding.h"

/// \file
/// What can't fit into this machine's memory is refused before it is tried.
namespace yonder {

/// The least that a training holds: parameters with gradient and two moments, the files of a
/// checkpoint before they are written, and what the tokens of a batch of N-token sequences leave in
/// every layer for the backward pass.
double training_bytes(const Dims&, int batch);
/// The least that a test of one sequence of `tokens` holds.
double testing_bytes(const Dims&, int tokens);

/// What this process may still take: what Linux calls available, within the limit of the process's
/// control group if it has one, and what the pool keeps unused.
double free_bytes();
/// UsageError that ends with `advice` if `bytes` are more than that.
void require_memory(double bytes, const std::string& advice);

}  // namespace yonder
