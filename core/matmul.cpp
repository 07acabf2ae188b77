#include "core/matmul.h"

#include <dnnl.h>

#include <algorithm>
#include <stdexcept>

#include "core/parallel.h"
#include "core/tensor.h"
#include "core/vector.h"

namespace yonder {
namespace {

// C = A·B or C += A·B by one thread.
#ifdef YONDER_DOUBLE
void multiply(const Product& p) {
  const std::int64_t down = p.a.transposed ? 1 : p.a.stride,
                     along = p.a.transposed ? p.a.stride : 1;
  for (std::int64_t i = 0; i < p.M; ++i) {
    real* const c = p.c + i * p.c_stride;
    if (!p.add) std::fill_n(c, p.N, real(0));
    const real* a = p.a.data + i * down;
    const real* b = p.b.data;
    std::int64_t k = 0;
    for (; k + 4 <= p.K; k += 4, a += 4 * along, b += 4 * p.b.stride) {
      const real a0 = a[0], a1 = a[along], a2 = a[2 * along], a3 = a[3 * along];
      const real *b1 = b + p.b.stride, *b2 = b1 + p.b.stride, *b3 = b2 + p.b.stride;
      for (std::int64_t j = 0; j < p.N; ++j)
        c[j] += (a0 * b[j] + a1 * b1[j]) + (a2 * b2[j] + a3 * b3[j]);
    }
    for (; k < p.K; ++k, a += along, b += p.b.stride)
      for (std::int64_t j = 0; j < p.N; ++j) c[j] += *a * b[j];
  }
}
#else
void multiply(const Product& p) {
  const auto order = [](const Matrix& m) { return m.transposed ? 'T' : 'N'; };
  if (dnnl_sgemm(order(p.a), order(p.b), p.M, p.N, p.K, 1, p.a.data, p.a.stride, p.b.data,
                 p.b.stride, p.add ? 1 : 0, p.c, p.c_stride) != dnnl_success)
    throw std::runtime_error("matmul: oneDNN could not multiply");
}
#endif

// The part of m that begins at (row, column).
Matrix part(const Matrix& m, std::int64_t row, std::int64_t column) {
  return {m.data + (m.transposed ? column * m.stride + row : row * m.stride + column), m.stride,
          m.transposed};
}

// A copy of m [rows, columns] that is not read as a transpose.
Tensor laid_out(const Matrix& m, std::int64_t rows, std::int64_t columns) {
  const Tensor copy = Tensor::uninitialized({int(rows), int(columns)});
  constexpr std::int64_t block = 16;
  parallel_pieces(rows, std::max(block, chunk_rows(columns)),
                  [&](std::int64_t first, std::int64_t last) {
                    for (std::int64_t j = 0; j < columns; j += block)
                      for (std::int64_t i = first; i < last; ++i)
                        for (std::int64_t n = j; n < std::min(columns, j + block); ++n)
                          copy[i * columns + n] = m.data[n * m.stride + i];
                  });
  return copy;
}

// 0..whole−1 in parts of equal size, the last one smaller.
struct Cut {
  std::int64_t whole, size;
  // Parts near `wanted` long, in whole vectors: no slivers.
  static Cut near(std::int64_t whole, std::int64_t wanted) {
    const std::int64_t parts = std::max<std::int64_t>(1, (whole + wanted / 2) / wanted);
    return {whole, std::max<std::int64_t>(16, ((whole + parts - 1) / parts + 15) / 16 * 16)};
  }
  std::int64_t parts() const { return (whole + size - 1) / size; }
  std::int64_t begin(std::int64_t part) const { return part * size; }
  std::int64_t length(std::int64_t part) const { return std::min(size, whole - part * size); }
};

struct Tiles {
  Cut rows, columns, depth;
};

// 256 × 128 over all of K gives 98 % of what oneDNN can do, 128 × 128 some 95; smaller products
// take fewer rows at a time, long sums are then cut, until there is work for eight threads. Another
// thread is worth waking for half a million multiplications, about 10 µs.
Tiles tiles(const Product& p) {
  const std::int64_t enough = std::min<std::int64_t>(p.M * p.N * p.K >> 19, 8);
  if (enough < 2) return {{p.M, p.M}, {p.N, p.N}, {p.K, p.K}};
  Tiles t{Cut::near(p.M, 256), Cut::near(p.N, 128), {p.K, p.K}};
  for (std::int64_t height = 128; height >= 32; height /= 2)
    if (t.rows.parts() * t.columns.parts() < enough) t.rows = Cut::near(p.M, height);
  const std::int64_t count = t.rows.parts() * t.columns.parts();
  const std::int64_t pieces = std::min((enough + count - 1) / count, p.K / 256);
  if (pieces > 1) t.depth = Cut::near(p.K, (p.K + pieces - 1) / pieces);
  return t;
}

// C = or += the partial products [pieces, M, N], one after the other.
void collect(const Product& p, const Tensor& partial, std::int64_t pieces) {
  parallel_rows(p.M, p.N * (pieces + 1), [&](std::int64_t row) {
    real* const c = p.c + row * p.c_stride;
    if (!p.add) std::fill_n(c, p.N, real(0));
    for (std::int64_t piece = 0; piece < pieces; ++piece)
      map(p.N, c, plus, c, &partial[(piece * p.M + row) * p.N]);
  });
}

#ifdef YONDER_DOUBLE
constexpr std::int64_t worth_laying_out = 1;
#else
constexpr std::int64_t worth_laying_out = 2;
#endif

}  // namespace

void matmul(const Product& p) {
  if (p.M == 0 || p.N == 0) return;
  if (p.K == 0) return collect(p, {}, 0);
  const Tiles t = tiles(p);
  const std::int64_t I = t.rows.parts(), J = t.columns.parts(), pieces = t.depth.parts();
  Product whole = p;
  Tensor b, partial;
  if (p.b.transposed && I >= worth_laying_out) {  // else every row of tiles would turn B again
    b = laid_out(p.b, p.K, p.N);
    whole.b = {b.data.get(), p.N};
  }
  if (pieces > 1) {
    partial = Tensor::uninitialized({int(pieces), int(p.M), int(p.N)});
    whole.c = partial.data.get(), whole.c_stride = p.N, whole.add = false;
  }
  parallel_for(pieces * I * J, [&](std::int64_t item) {
    const std::int64_t piece = item / (I * J), i = item / J % I, j = item % J;
    const std::int64_t row = t.rows.begin(i), column = t.columns.begin(j), k = t.depth.begin(piece);
    Product tile = whole;
    tile.M = t.rows.length(i), tile.N = t.columns.length(j), tile.K = t.depth.length(piece);
    tile.a = part(whole.a, row, k), tile.b = part(whole.b, k, column);
    tile.c += (piece * p.M + row) * whole.c_stride + column;  // piece is 0 if C itself is written
    multiply(tile);
  });
  if (partial) collect(p, partial, pieces);
}

}  // namespace yonder
