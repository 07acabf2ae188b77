#pragma once
#include <algorithm>
#include <cstddef>
#include <type_traits>

#include "core/simd/simd_math.h"

/// \file
/// Small matrix products in cache, for loops that fuse them with other work.
/// Sums run over the depth in order, one multiply-add at a time, whatever the extents: an element's
/// bits don't depend on what else is computed.

/// Products of small matrices.
namespace yonder::tile {

namespace hn = hwy::HWY_NAMESPACE;
using Reals = hn::ScalableTag<real>;  ///< Highway's tag of a full vector
using Vector = hn::Vec<Reals>;        ///< one SIMD register

inline constexpr int lanes = hn::MaxLanes(Reals());                 ///< reals in a Vector
inline constexpr bool many_registers = lanes * sizeof(real) == 64;  ///< 32 SIMD registers
/// Rows per block of a product, and of one with few columns: twelve or more sums hide the latency
/// of a multiply-add, and sixteen registers hold them and the factors.
inline constexpr int stripe = many_registers ? 8 : 4, tall = many_registers ? 8 : 6;  ///< rows

inline Vector load(const real* at) { return hn::LoadU(Reals(), at); }  ///< needs no alignment
inline void store(Vector x, real* at) { hn::StoreU(x, Reals(), at); }  ///< needs no alignment
inline Vector all(real x) { return hn::Set(Reals(), x); }              ///< x in every lane

/// e^x, x ≤ 0
inline Vector exp(Vector x) { return exp_of_negative(x); }

/// Keeps x in a register: compilers prefer to reload it for every use, and load ports are the
/// bottleneck of a product.
inline Vector held(Vector x) {
#if HWY_ARCH_X86
  asm("" : "+v"(x.raw));
#elif HWY_ARCH_ARM_A64
  asm("" : "+w"(x.raw));
#endif
  return x;
}

/// n rounded up to a multiple of `multiple`.
constexpr int up_to(int multiple, int n) { return (n + multiple - 1) / multiple * multiple; }
/// n rounded down to a multiple of `multiple`.
constexpr int down_to(int multiple, int n) { return n / multiple * multiple; }

/// The left factor of a product: element (r, k) is at[r·row + k·column], so that a transposed or
/// skewed matrix costs nothing.
struct Left {
  const real* at;              ///< element (0, 0)
  std::ptrdiff_t row, column;  ///< strides along r and k
};

/// A row-major matrix, `row` reals from row to row.
struct Right {
  const real* at;      ///< element (0, 0)
  std::ptrdiff_t row;  ///< reals from row to row
};
/// The same for output.
struct Result {
  real* at;            ///< element (0, 0)
  std::ptrdiff_t row;  ///< reals from row to row
};

/// C [rows, vectors·lanes] = start + A B with all of C in registers.
template <int rows, int vectors>
void multiply_block(Left a, Right b, int depth, Right start, Result c) {
  Vector sum[rows][vectors];
#pragma GCC unroll 8
  for (int r = 0; r < rows; ++r)
#pragma GCC unroll 3
    for (int v = 0; v < vectors; ++v) sum[r][v] = load(start.at + r * start.row + v * lanes);
  for (int k = 0; k < depth; ++k, a.at += a.column, b.at += b.row) {
    Vector right[vectors];
#pragma GCC unroll 3
    for (int v = 0; v < vectors; ++v) right[v] = held(load(b.at + v * lanes));
#pragma GCC unroll 8
    for (int r = 0; r < rows; ++r)
#pragma GCC unroll 3
      for (int v = 0; v < vectors; ++v)
        sum[r][v] = hn::MulAdd(all(a.at[r * a.row]), right[v], sum[r][v]);
  }
#pragma GCC unroll 8
  for (int r = 0; r < rows; ++r)
#pragma GCC unroll 3
    for (int v = 0; v < vectors; ++v) store(sum[r][v], c.at + r * c.row + v * lanes);
}

/// C [rows, columns] = start + A [rows, depth] · B [depth, columns]; columns a multiple of `lanes`.
/// `start` has the shape of C and may be C itself; if its `row` is 0, one row serves all.
template <int rows = stripe>
void multiply(Left a, Right b, int columns, int depth, Right start, Result c) {
  const auto block = [&](auto vectors) {
    multiply_block<rows, vectors>(a, b, depth, start, c);
    for (const real** at : {&b.at, &start.at}) *at += vectors * lanes;
    c.at += vectors * lanes;
    columns -= vectors * lanes;
  };
  if constexpr (rows == 4)
    while (columns >= 3 * lanes && columns != 4 * lanes) block(std::integral_constant<int, 3>());
  while (columns >= 2 * lanes) block(std::integral_constant<int, 2>());
  if (columns > 0) block(std::integral_constant<int, 1>());
}

/// C += A · B
template <int rows = stripe>
void multiply(Left a, Right b, int columns, int depth, Result c) {
  multiply<rows>(a, b, columns, depth, {c.at, c.row}, c);
}

/// Calls f(first, number of rows) for parts of 0..n−1 of `tall` or `stripe` rows, a compile-time
/// constant; n is a multiple of `stripe`.
template <class F>
void each_tall(int n, F&& f) {
  for (int i = 0; i < n;) {
    const int left = n - i;
    if (left % tall == 0 || left >= tall + stripe) {
      f(i, std::integral_constant<int, tall>());
      i += tall;
    } else {
      f(i, std::integral_constant<int, stripe>());
      i += stripe;
    }
  }
}

/// A product along diagonals: S[j][i] += Σ_c f(c, i, j) · E[c][i − j], for sums that index a table
/// by distance. One vector of distances serves all blocks of the tile on a diagonal, so rows are
/// processed `lanes` apart; `residues` neighbouring rows share what f loads.
struct Diagonal {
  int depth;  ///< terms of each sum
  Right e;    ///< element (0, distance of the first row from the first column)
  Result s;   ///< element (0, 0)
};

/// Computes `residues` neighbouring rows of each of `blocks` blocks on a diagonal.
template <int residues, int blocks, class Factor>
void multiply_diagonal(const Diagonal& x, Factor&& f) {
  Vector sum[residues][blocks];
  const auto at = [&](int r, int b) { return x.s.at + (r + b * lanes) * x.s.row + b * lanes; };
#pragma GCC unroll 8
  for (int r = 0; r < residues; ++r)
#pragma GCC unroll 4
    for (int b = 0; b < blocks; ++b) sum[r][b] = load(at(r, b));
  const real* e = x.e.at;
  for (int c = 0; c < x.depth; ++c, e += x.e.row) {
    const auto add = [&](int r, int b, Vector distances) {
      sum[r][b] = hn::MulAdd(held(f(c, r + b * lanes, b * lanes)), distances, sum[r][b]);
    };
    if constexpr (residues < blocks) {  // keep the smaller set in registers
      Vector distances[residues];
#pragma GCC unroll 8
      for (int r = 0; r < residues; ++r) distances[r] = held(load(e - r));
#pragma GCC unroll 4
      for (int b = 0; b < blocks; ++b)
#pragma GCC unroll 8
        for (int r = 0; r < residues; ++r) add(r, b, distances[r]);
    } else {
#pragma GCC unroll 8
      for (int r = 0; r < residues; ++r) {
        const Vector distances = held(load(e - r));
#pragma GCC unroll 4
        for (int b = 0; b < blocks; ++b) add(r, b, distances);
      }
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < residues; ++r)
#pragma GCC unroll 4
    for (int b = 0; b < blocks; ++b) store(sum[r][b], at(r, b));
}

/// Calls f(first, number of residues) for parts of 0..lanes−1, as many sums as fit in registers.
template <int blocks, class F>
void each_residue(F&& f) {
  constexpr int most = std::min(lanes, (many_registers ? 24 : 12) / blocks);
  constexpr int parts = up_to(most, lanes) / most, n = up_to(parts, lanes) / parts;
  int r = 0;
  for (; r + n <= lanes; r += n) f(r, std::integral_constant<int, n>());
  if constexpr (lanes % n) f(r, std::integral_constant<int, lanes % n>());
}

}  // namespace yonder::tile
