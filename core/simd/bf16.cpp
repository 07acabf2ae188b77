#include "core/simd/bf16.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstring>
#include <utility>

#ifdef __x86_64__
#include <cpuid.h>
#include <immintrin.h>
#endif
#ifdef __linux__
#include <sys/syscall.h>
#include <unistd.h>
#endif

#if defined(__AVX512BF16__) && defined(__AVX512BW__) && !defined(YONDER_DOUBLE)
#define YONDER_AVX512_BF16
#endif
#if defined(__x86_64__) && defined(__linux__) && !defined(YONDER_DOUBLE)
#define YONDER_AMX
#endif

namespace yonder::bf16 {
namespace {

static_assert(numbers == lines * depth);
using Word = std::uint32_t;  // two bf16 values
constexpr int side = 16;     // words per row, and rows, of a tile

std::optional<Unit> asked_for;

#ifndef YONDER_AVX512_BF16
// x rounded to the upper half of its bits, to nearest, ties to even; NaN stays NaN.
Word rounded(float x) {
  const auto bits = std::bit_cast<Word>(x);
  const bool nan = (bits & 0x7fffffff) > 0x7f800000;
  return (nan ? bits | 0x400000 : bits + 0x7fff + (bits >> 16 & 1)) & 0xffff0000;
}
Word pair(real first, real second) { return rounded(float(first)) >> 16 | rounded(float(second)); }
#endif

// Packs the 16 words of a tile row from neighbours in one row of memory, or from two rows.
void pair_neighbours(const real* from, Word* to) {
#ifdef YONDER_AVX512_BF16
  const __m512bh words = _mm512_cvtne2ps_pbh(_mm512_loadu_ps(from + 16), _mm512_loadu_ps(from));
  std::memcpy(to, &words, sizeof words);
#else
  for (int t = 0; t < side; ++t) to[t] = pair(from[2 * t], from[2 * t + 1]);
#endif
}
void pair_rows(const real* first, const real* second, Word* to) {
#ifdef YONDER_AVX512_BF16
  const __m512i order = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24,
                                         8, 23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
  const __m512bh both = _mm512_cvtne2ps_pbh(_mm512_loadu_ps(second), _mm512_loadu_ps(first));
  _mm512_storeu_si512(to, _mm512_permutexvar_epi16(order, std::bit_cast<__m512i>(both)));
#else
  for (int t = 0; t < side; ++t) to[t] = pair(first[t], second[t]);
#endif
}

// Transposes [16, 16] words in blocks of 4 × 4.
void transpose(const Word* from, Word* to) {
#ifdef __x86_64__
  const auto row = [&](int i, int j) {
    return _mm_load_si128(reinterpret_cast<const __m128i*>(from + i * side + j));
  };
  const auto put = [&](int j, int i, __m128i x) {
    _mm_store_si128(reinterpret_cast<__m128i*>(to + j * side + i), x);
  };
  for (int i = 0; i < side; i += 4)
    for (int j = 0; j < side; j += 4) {
      const __m128i a = row(i, j), b = row(i + 1, j), c = row(i + 2, j), d = row(i + 3, j);
      const __m128i ab = _mm_unpacklo_epi32(a, b), cd = _mm_unpacklo_epi32(c, d),
                    ab2 = _mm_unpackhi_epi32(a, b), cd2 = _mm_unpackhi_epi32(c, d);
      put(j, i, _mm_unpacklo_epi64(ab, cd));
      put(j + 1, i, _mm_unpackhi_epi64(ab, cd));
      put(j + 2, i, _mm_unpacklo_epi64(ab2, cd2));
      put(j + 3, i, _mm_unpackhi_epi64(ab2, cd2));
    }
#else
  for (int i = 0; i < side; ++i)
    for (int j = 0; j < side; ++j) to[j * side + i] = from[i * side + j];
#endif
}

// Packs the tile at the start of `m`, where `across` lines and `along` of the depth are left.
void pack_tile(bool depth_in_rows, Side factor, Matrix m, std::int64_t across, std::int64_t along,
               Word* to) {
  const int rows = depth_in_rows ? lines : depth, columns = depth_in_rows ? depth : lines;
  real whole[numbers];
  if (across < lines || along < depth) {
    if (!depth_in_rows) std::swap(across, along);
    std::fill_n(whole, numbers, real(0));
    for (std::int64_t r = 0; r < std::min<std::int64_t>(across, rows); ++r)
      std::copy_n(m.data + r * m.stride, std::min<std::int64_t>(along, columns),
                  whole + r * columns);
    m.data = whole, m.stride = columns;
  }
  alignas(64) Word plain[side * side];
  Word* const words = depth_in_rows == (factor == Side::left) ? to : plain;
  // Rows are short and far apart, so the hardware prefetcher can't predict the next ones.
  for (int r = 0; r < side; ++r)
    if (depth_in_rows) {
      const real* row = m.data + r * m.stride;
      __builtin_prefetch(row + rows * m.stride, 0, 2);
      __builtin_prefetch(row + rows * m.stride + 16, 0, 2);
      pair_neighbours(row, words + r * side);
    } else {
      const real *row = m.data + 2 * r * m.stride, *second = row + m.stride;
      __builtin_prefetch(row + rows * m.stride, 0, 2);
      __builtin_prefetch(second + rows * m.stride, 0, 2);
      pair_rows(row, second, words + r * side);
    }
  if (words == plain) transpose(plain, to);
}

float low(Word x) { return std::bit_cast<float>(x << 16); }
float high(Word x) { return std::bit_cast<float>(x & 0xffff0000); }

const Word* words(const Packed& m, std::int64_t group, std::int64_t piece) {
  return reinterpret_cast<const Word*>(m.at + group * m.step + piece * numbers);
}

void multiply_loops(const Block& p) {
  for (std::int64_t i = 0; i < p.rows; ++i)
    for (std::int64_t j = 0; j < p.columns; ++j)
      for (int r = 0; r < side; ++r) {
        real* const c = p.c + (i * side + r) * p.c_stride + j * side;
        if (!p.add) std::fill_n(c, side, real(0));
        for (std::int64_t k = 0; k < p.pieces; ++k)
          for (int t = 0; t < side; ++t) {
            const Word a = words(p.a, i, k)[r * side + t];
            const Word* const b = words(p.b, j, k) + t * side;
            for (int n = 0; n < side; ++n) {
              c[n] += real(low(a)) * low(b[n]);
              c[n] += real(high(a)) * high(b[n]);
            }
          }
      }
}

#ifdef YONDER_AVX512_BF16
// 8 rows of one tile of A times one or two tiles of B: enough sums to hide the latency of one.
template <int wide>
void multiply_rows(const Block& p, std::int64_t i, std::int64_t j, int first) {
  constexpr int tall = 8;
  real* const c = p.c + (i * side + first) * p.c_stride + j * side;
  __m512 sum[tall][wide];
#pragma GCC unroll 8
  for (int r = 0; r < tall; ++r)
#pragma GCC unroll 2
    for (int w = 0; w < wide; ++w)
      sum[r][w] = p.add ? _mm512_loadu_ps(c + r * p.c_stride + w * side) : _mm512_setzero_ps();
  const auto factor = [](__m512i x) { return std::bit_cast<__m512bh>(x); };
  for (std::int64_t k = 0; k < p.pieces; ++k) {
    const Word* a = words(p.a, i, k) + first * side;
    const Word* b[wide];
    for (int w = 0; w < wide; ++w) b[w] = words(p.b, j + w, k);
    for (int t = 0; t < side; ++t) {
      __m512i right[wide];
#pragma GCC unroll 2
      for (int w = 0; w < wide; ++w) right[w] = _mm512_loadu_si512(b[w] + t * side);
#pragma GCC unroll 8
      for (int r = 0; r < tall; ++r) {
        const __m512i left = _mm512_set1_epi32(int(a[r * side + t]));
#pragma GCC unroll 2
        for (int w = 0; w < wide; ++w)
          sum[r][w] = _mm512_dpbf16_ps(sum[r][w], factor(left), factor(right[w]));
      }
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < tall; ++r)
#pragma GCC unroll 2
    for (int w = 0; w < wide; ++w) _mm512_storeu_ps(c + r * p.c_stride + w * side, sum[r][w]);
}

void multiply_avx512(const Block& p) {
  for (std::int64_t j = 0; j < p.columns; j += 2)
    for (std::int64_t i = 0; i < p.rows; ++i)
      for (int first = 0; first < side; first += 8)
        if (j + 1 < p.columns) multiply_rows<2>(p, i, j, first);
        else multiply_rows<1>(p, i, j, first);
}
#endif

#ifdef YONDER_AMX
#define YONDER_TILES __attribute__((target("amx-tile,amx-bf16")))

// Whether the processor has tiles and Linux grants this process their use, on request.
bool asked_for_tiles() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  const unsigned amx_bf16 = 1u << 22, amx_tile = 1u << 24;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(d & amx_bf16) || !(d & amx_tile)) return false;
  const long request_permission = 0x1023, tile_data = 18;  // ARCH_REQ_XCOMP_PERM, XTILEDATA
  return syscall(SYS_arch_prctl, request_permission, tile_data) == 0;
}
bool has_tiles() {
  static const bool has = asked_for_tiles();
  return has;
}

// [tall, wide] tiles of C: registers 0 to 3 hold sums, 4 and 5 rows of A, 6 and 7 columns of B.
template <int tall, int wide>
YONDER_TILES void multiply_tiles(const Block& p, std::int64_t i, std::int64_t j) {
  constexpr int row = side * sizeof(Word);
  const auto stride = p.c_stride * std::int64_t(sizeof(real));
  real* const c = p.c + i * side * p.c_stride + j * side;
  real* const c2 = c + side * p.c_stride;
  if (p.add) {
    _tile_loadd(0, c, stride);
    if constexpr (wide == 2) _tile_loadd(1, c + side, stride);
    if constexpr (tall == 2) _tile_loadd(2, c2, stride);
    if constexpr (tall == 2 && wide == 2) _tile_loadd(3, c2 + side, stride);
  } else {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
  }
  const Word *a = words(p.a, i, 0), *a2 = words(p.a, i + 1, 0), *b = words(p.b, j, 0),
             *b2 = words(p.b, j + 1, 0);
  for (const Word* const end = a + p.pieces * side * side; a < end;
       a += side * side, a2 += side * side, b += side * side, b2 += side * side) {
    _tile_loadd(4, a, row);
    _tile_loadd(6, b, row);
    _tile_dpbf16ps(0, 4, 6);
    if constexpr (wide == 2) {
      _tile_loadd(7, b2, row);
      _tile_dpbf16ps(1, 4, 7);
    }
    if constexpr (tall == 2) {
      _tile_loadd(5, a2, row);
      _tile_dpbf16ps(2, 5, 6);
    }
    if constexpr (tall == 2 && wide == 2) _tile_dpbf16ps(3, 5, 7);
  }
  _tile_stored(0, c, stride);
  if constexpr (wide == 2) _tile_stored(1, c + side, stride);
  if constexpr (tall == 2) _tile_stored(2, c2, stride);
  if constexpr (tall == 2 && wide == 2) _tile_stored(3, c2 + side, stride);
}

struct alignas(64) TileSetup {
  std::uint8_t palette = 1, start_row = 0, reserved[14] = {};
  std::uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  std::uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};

YONDER_TILES void multiply_amx(const Block& p) {
  static const TileSetup setup;
  _tile_loadconfig(&setup);
  // Tiles of the depth per pass, so that two row groups of A stay in the L1 cache.
  constexpr std::int64_t most = 16;
  for (std::int64_t k = 0; k < p.pieces; k += most) {
    Block part = p;
    part.a.at += k * numbers, part.b.at += k * numbers;
    part.pieces = std::min(most, p.pieces - k), part.add = p.add || k > 0;
    std::int64_t i = 0;
    for (; i + 1 < p.rows; i += 2) {
      std::int64_t j = 0;
      for (; j + 1 < p.columns; j += 2) multiply_tiles<2, 2>(part, i, j);
      if (j < p.columns) multiply_tiles<2, 1>(part, i, j);
    }
    if (i == p.rows) continue;
    std::int64_t j = 0;
    for (; j + 1 < p.columns; j += 2) multiply_tiles<1, 2>(part, i, j);
    if (j < p.columns) multiply_tiles<1, 1>(part, i, j);
  }
  _tile_release();
}
#endif

}  // namespace

void pack(const Source& from, real* memory, std::int64_t first, std::int64_t last) {
  const bool by_group = from.depth_in_rows();
  const std::int64_t step = tiles(std::max(from.K, from.room), depth) * numbers;
  const std::int64_t across = by_group ? from.pieces() : from.groups();
  for (std::int64_t strip = first; strip < last; ++strip)
    for (std::int64_t n = 0; n < across; ++n) {
      const std::int64_t group = by_group ? strip : n, piece = by_group ? n : strip;
      const std::int64_t line = group * lines, k = piece * depth;
      const Matrix tile = from.side == Side::left ? from.m.from(line, k) : from.m.from(k, line);
      pack_tile(by_group, from.side, tile, from.count - line, from.K - k,
                reinterpret_cast<Word*>(memory) + (group * step + piece * numbers) / 2);
    }
}

Packed pack(const Source& from, real* memory) {
  pack(from, memory, 0, from.strips());
  return packed_in(memory, std::max(from.K, from.room));
}

std::vector<Unit> units() {
  std::vector<Unit> all{Unit::loops};
#ifdef YONDER_AVX512_BF16
  all.push_back(Unit::avx512);
#endif
#ifdef YONDER_AMX
  if (has_tiles()) all.push_back(Unit::amx);
#endif
  return all;
}

bool available() { return asked_for || units().size() > 1; }

WithUnit::WithUnit(Unit unit) : outer_(std::exchange(asked_for, unit)) {}
WithUnit::~WithUnit() { asked_for = outer_; }

void multiply(const Block& p) {
  assert(p.pieces > 0);
  static const Unit fastest = units().back();
  switch (asked_for.value_or(fastest)) {
#ifdef YONDER_AMX
    case Unit::amx:
      return multiply_amx(p);
#endif
#ifdef YONDER_AVX512_BF16
    case Unit::avx512:
      return multiply_avx512(p);
#endif
    default:
      return multiply_loops(p);
  }
}

}  // namespace yonder::bf16
