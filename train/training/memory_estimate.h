#pragma once
#include "encodings/base/encoding.h"

/// \file
/// What trainings and tests take at least, for require_memory().
namespace yonder {

/// Numbers in the matrices of one layer: 4D² + 2DF, or as Dims::block has it.
double weights_of_layer(const Dims&);
/// The least that a training holds: parameters with gradient and two moments, the files of a
/// checkpoint before they are written, and what the tokens of a batch of N-token sequences leave in
/// every layer for the backward pass.
double training_bytes(const Dims&, int batch);
/// The least that a test of one sequence of `tokens` holds.
double testing_bytes(const Dims&, int tokens);

}  // namespace yonder
