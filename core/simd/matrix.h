#pragma once
#include <cstdint>

#include "core/real.h"

namespace yonder {

namespace bf16 {
/// bf16 values in tiles; the tiles of one group of lines are contiguous along the depth. See
/// bf16.h.
struct Packed {
  static constexpr std::int64_t numbers = 512;  ///< values in a tile
  const std::uint16_t* at = nullptr;            ///< the first tile; null: none
  std::int64_t step = 0;                        ///< values from one group of lines to the next

  explicit operator bool() const { return at; }  ///< whether there are tiles
  /// The tiles from a group of lines and a piece of the depth on.
  Packed from(std::int64_t group, std::int64_t piece) const {
    return {at + group * step + piece * numbers, step};
  }
};
}  // namespace bf16

/// A row-major matrix in memory, `stride` reals from row to row, optionally read as its transpose.
struct Matrix {
  const real* data;          ///< element (0, 0)
  std::int64_t stride;       ///< reals from row to row
  bool transposed = false;   ///< read as its transpose
  bf16::Packed packed = {};  ///< its tiles as a factor of a product, if packed

  /// The part from (row, column) on, without packed tiles.
  Matrix from(std::int64_t row, std::int64_t column) const {
    const std::int64_t at = transposed ? column * stride + row : row * stride + column;
    return {data + at, stride, transposed, {}};
  }
};

}  // namespace yonder
