#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "core/simd/matrix.h"

/// \file
/// Products of bfloat16 factors with sums in f32, by AMX tiles, AVX512-BF16 or, for tests on any
/// processor, neither. Factors are rounded once and stored in the order in which tiles are loaded:
/// a *tile* is 16 lines by 32 of the depth, 1 KiB, where lines are the rows of a left factor or the
/// columns of a right one. In a left tile each row has its 32 numbers; a right tile has for each
/// pair of the depth the two numbers of each column, which is the same turned in words of 32 bits.
/// Intel's manual, volume 1, chapter 18; volume 2, "TDPBF16PS" and "VDPBF16PS".
namespace yonder::bf16 {

inline constexpr int lines = 16, depth = 32;              ///< extents of a tile
inline constexpr std::int64_t numbers = Packed::numbers;  ///< in a tile

/// How many parts of `of` hold n, the last one perhaps not full.
constexpr std::int64_t tiles(std::int64_t n, int of) { return (n + of - 1) / of; }

/// Which factor of a product a matrix is.
enum class Side { left, right };

/// A factor to be packed: m is [count, K] as a left one, [K, count] as a right one.
struct Source {
  Side side;           ///< which factor it is
  Matrix m;            ///< the numbers
  std::int64_t count;  ///< lines
  std::int64_t K;      ///< depth
  /// The depth that its memory is for, where that is more.
  std::int64_t room = 0;

  std::int64_t groups() const { return tiles(count, lines); }  ///< of lines
  std::int64_t pieces() const { return tiles(K, depth); }      ///< of the depth
  /// Whether rows of memory run along the depth.
  bool depth_in_rows() const { return (side == Side::left) != m.transposed; }
  /// Parts that can be packed independently, each reading whole rows of memory.
  std::int64_t strips() const { return depth_in_rows() ? groups() : pieces(); }
};
/// Reals that hold a packed factor of `count` lines and K numbers of depth.
constexpr std::size_t packed_reals(std::int64_t count, std::int64_t K) {
  return std::size_t(tiles(count, lines) * tiles(K, depth) * numbers / 2);
}
/// The factor that was packed into `memory` for a depth of K.
inline Packed packed_in(const real* memory, std::int64_t K) {
  return {reinterpret_cast<const std::uint16_t*>(memory), tiles(K, depth) * numbers};
}
/// Rounds and packs strips first..last−1 into packed_reals(); what is missing in a tile is 0.
void pack(const Source&, real* memory, std::int64_t first, std::int64_t last);
/// Rounds and packs all strips.
Packed pack(const Source&, real* memory);

/// A product of packed factors, all of whose tiles exist in full.
struct Block {
  Packed a, b;            ///< the first tile of each
  std::int64_t rows;      ///< of C in tiles
  std::int64_t columns;   ///< of C in tiles
  std::int64_t pieces;    ///< of the depth in tiles, at least 1
  real* c;                ///< element (0, 0)
  std::int64_t c_stride;  ///< reals from row to row
  bool add;               ///< to C, or in its place
};
void multiply(const Block&);  ///< by the calling thread, in one order of sums

/// What computes products: loops, which are for tests on any processor, AVX512-BF16 or AMX.
enum class Unit { loops, avx512, amx };
std::vector<Unit> units();  ///< of this build on this processor, the fastest last
/// Whether there is a unit other than loops, or one is asked for.
bool available();

/// For tests: the unit of all products in a scope.
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
