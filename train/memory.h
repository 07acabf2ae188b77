#pragma once
#include <string>

#include "encodings/encoding.h"

/// \file
/// What can't fit into this machine's memory is refused before it is tried.
namespace yonder {

/// The least that a training holds: parameters with gradient and two moments, and what the tokens
/// of a batch of N-token sequences leave in every layer for the backward pass.
double training_bytes(const Dims&, int batch);
/// The least that a test of one sequence of `tokens` holds.
double testing_bytes(const Dims&, int tokens);

/// UsageError that ends with `advice` if the machine has less memory than `bytes`.
void require_memory(double bytes, const std::string& advice);

}  // namespace yonder
