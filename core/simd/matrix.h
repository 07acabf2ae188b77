#pragma once
#include <cstdint>

#include "core/real.h"

namespace yonder {

namespace bf16 {
/// Rounded numbers in tiles, of which those of one group of lines follow each other along the
/// depth; see bf16.h.
struct Packed {
  static constexpr std::int64_t numbers = 512;  ///< in a tile
  const std::uint16_t* at = nullptr;            ///< the first tile; null: there are none
  std::int64_t step = 0;                        ///< numbers from a group of lines to the next

  explicit operator bool() const { return at; }  ///< whether there are any
  /// Those from a group of lines and a piece of the depth on.
  Packed from(std::int64_t group, std::int64_t piece) const {
    return {at + group * step + piece * numbers, step};
  }
};
}  // namespace bf16

/// A row-major matrix in memory, `stride` reals from row to row, read as its transpose if asked.
struct Matrix {
  const real* data;          ///< element (0, 0)
  std::int64_t stride;       ///< reals from row to row
  bool transposed = false;   ///< read as its transpose
  bf16::Packed packed = {};  ///< its tiles as a factor of a product, where there are any

  /// The part that begins at (row, column), not packed.
  Matrix from(std::int64_t row, std::int64_t column) const {
    const std::int64_t at = transposed ? column * stride + row : row * stride + column;
    return {data + at, stride, transposed, {}};
  }
};

}  // namespace yonder
