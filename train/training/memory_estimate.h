#pragma once
#include "encodings/base/encoding.h"

/// \file
/// Lower bounds of the memory of training and evaluation, for require_memory().
namespace yonder {

/// Weights in the matrices of one layer: 4D² + 2DF in the plain block, else as Dims::block has it.
double weights_of_layer(const Dims&);
/// Lower bound for training: parameters with gradient and two moments, the files of a checkpoint
/// before they are written, and the activations that a batch of N-token sequences keeps in every
/// layer for the backward pass.
double training_bytes(const Dims&, int batch);
/// Lower bound for the evaluation of one sequence of `tokens`.
double testing_bytes(const Dims&, int tokens);

}  // namespace yonder
