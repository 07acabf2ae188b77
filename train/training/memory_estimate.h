#pragma once
#include "encodings/base/encoding.h"

/// \file
/// What trainings and tests take at least, for require_memory().
namespace yonder {

/// The least that a training holds: parameters with gradient and two moments, the files of a
/// checkpoint before they are written, and what the tokens of a batch of N-token sequences leave in
/// every layer for the backward pass.
double training_bytes(const Dims&, int batch);
/// The least that a test of one sequence of `tokens` holds.
double testing_bytes(const Dims&, int tokens);

}  // namespace yonder
