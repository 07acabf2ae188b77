#pragma once
#include <cstdint>

#include "core/real.h"

/// \file
/// The only door to oneDNN (f32) and its stand-in for double.
namespace yonder {

/// A row-major matrix in memory, `stride` reals from row to row, read as its transpose if asked.
struct Matrix {
  const real* data;
  std::int64_t stride;
  bool transposed = false;
};

/// C [M, N] = A [M, K] · B [K, N], or C += A·B if `add`. Runs in fixed tiles from inside one
/// parallel loop, long sums over K in fixed pieces added in order: the same bits for any number of
/// threads.
struct Product {
  std::int64_t M, N, K;
  Matrix a, b;
  real* c = nullptr;
  std::int64_t c_stride = 0;
  bool add = false;
};
void matmul(const Product&);

}  // namespace yonder
