#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "core/simd/matrix.h"

/// \file
/// Products of bfloat16 factors with sums in f32, by AMX tiles, AVX512-BF16 or, for tests on any
/// processor, plain loops. Factors are rounded once and stored in the order in which tiles are
/// loaded: a *tile* is 16 lines by 32 of the depth, 1 KiB, where lines are rows of a left factor or
/// columns of a right one. A left tile has the 32 values of each row; a right tile has, for each
/// pair of the depth, the two values of each column: the same, transposed in 32-bit words.
/// Intel's manual, volume 1, chapter 18; volume 2, "TDPBF16PS" and "VDPBF16PS".
namespace yonder::bf16 {

inline constexpr int lines = 16, depth = 32;              ///< extents of a tile
inline constexpr std::int64_t numbers = Packed::numbers;  ///< values in a tile

/// The number of parts of size `of` that n fills, the last one possibly partial.
constexpr std::int64_t tiles(std::int64_t n, int of) { return (n + of - 1) / of; }

/// Which factor of a product a matrix is.
enum class Side { left, right };

/// A factor to be packed: m is [count, K] if it is the left one, [K, count] if the right one.
struct Source {
  Side side;           ///< which factor it is
  Matrix m;            ///< its values
  std::int64_t count;  ///< lines
  std::int64_t K;      ///< depth
  /// The depth that its memory has room for, if larger than K.
  std::int64_t room = 0;

  std::int64_t groups() const { return tiles(count, lines); }  ///< number of groups of lines
  std::int64_t pieces() const { return tiles(K, depth); }      ///< number of pieces of the depth
  /// Whether rows in memory run along the depth.
  bool depth_in_rows() const { return (side == Side::left) != m.transposed; }
  /// Parts that can be packed independently, each reading whole rows of memory.
  std::int64_t strips() const { return depth_in_rows() ? groups() : pieces(); }
};
/// Reals needed for a packed factor of `count` lines and depth K.
constexpr std::size_t packed_reals(std::int64_t count, std::int64_t K) {
  return std::size_t(tiles(count, lines) * tiles(K, depth) * numbers / 2);
}
/// The factor that was packed into `memory` with room for a depth of K.
inline Packed packed_in(const real* memory, std::int64_t K) {
  return {reinterpret_cast<const std::uint16_t*>(memory), tiles(K, depth) * numbers};
}
/// Rounds and packs strips first..last−1 into packed_reals(); partial tiles are filled with 0.
void pack(const Source&, real* memory, std::int64_t first, std::int64_t last);
/// Rounds and packs all strips.
Packed pack(const Source&, real* memory);

/// A product of packed factors in full tiles.
struct Block {
  Packed a, b;            ///< the first tile of each
  std::int64_t rows;      ///< of C, in tiles
  std::int64_t columns;   ///< of C, in tiles
  std::int64_t pieces;    ///< depth in tiles, at least 1
  real* c;                ///< element (0, 0)
  std::int64_t c_stride;  ///< reals from row to row
  bool add;               ///< add to C instead of overwriting it
};
void multiply(const Block&);  ///< by the calling thread, summed in a fixed order

/// What computes products: plain loops (for tests on any processor), AVX512-BF16 or AMX.
enum class Unit { loops, avx512, amx };
std::vector<Unit> units();  ///< of this build on this processor, fastest last
/// Whether there is a unit other than loops, or WithUnit has set one.
bool available();

/// For tests: sets the unit of all products in its scope.
class WithUnit {
 public:
  explicit WithUnit(Unit);  ///< one of units()
  ~WithUnit();
  WithUnit(const WithUnit&) = delete;
  WithUnit& operator=(const WithUnit&) = delete;

 private:
  std::optional<Unit> outer_;
};

}  // namespace yonder::bf16
