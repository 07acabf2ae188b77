#include "core/matmul.h"

#include <dnnl.h>

#include <algorithm>
#include <stdexcept>

#include "core/parallel.h"
#include "core/tensor.h"
#include "core/vector.h"

namespace yonder {
namespace {

// C tile = or += A·B by one thread.
#ifdef YONDER_DOUBLE
real at(const Matrix& m, std::int64_t row, std::int64_t column) {
  return m.transposed ? m.data[column * m.stride + row] : m.data[row * m.stride + column];
}

void multiply(const Product& p) {
  std::vector<real> b(p.K * p.N);  // B as [K, N], so that the inner loop is contiguous
  for (std::int64_t k = 0; k < p.K; ++k)
    for (std::int64_t j = 0; j < p.N; ++j) b[k * p.N + j] = at(p.b, k, j);
  for (std::int64_t i = 0; i < p.M; ++i) {
    real* const c = p.c + i * p.c_stride;
    if (!p.add) std::fill_n(c, p.N, real(0));
    for (std::int64_t k = 0; k < p.K; ++k) {
      const real a = at(p.a, i, k);
      for (std::int64_t j = 0; j < p.N; ++j) c[j] += a * b[k * p.N + j];
    }
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

constexpr std::int64_t tile_rows = 128, tile_columns = 256, tile_depth = 512;

}  // namespace

void matmul(const Product& p) {
  const auto parts = [](std::int64_t n, std::int64_t tile) { return (n + tile - 1) / tile; };
  const std::int64_t I = parts(p.M, tile_rows), J = parts(p.N, tile_columns);
  if (I * J == 0) return;
  const std::int64_t pieces = I * J > 8 ? 1 : std::max<std::int64_t>(1, parts(p.K, tile_depth));
  const std::int64_t depth = pieces == 1 ? p.K : tile_depth;
  const Tensor partial =
      pieces == 1 ? Tensor() : Tensor::uninitialized({int(pieces), int(p.M), int(p.N)});
  parallel_for(pieces * I * J, [&](std::int64_t item) {
    const std::int64_t piece = item / (I * J), k = piece * depth;
    const std::int64_t i = item / J % I * tile_rows, j = item % J * tile_columns;
    Product tile{.M = std::min(tile_rows, p.M - i),
                 .N = std::min(tile_columns, p.N - j),
                 .K = std::min(depth, p.K - k),
                 .a = part(p.a, i, k),
                 .b = part(p.b, k, j),
                 .c = p.c + i * p.c_stride + j,
                 .c_stride = p.c_stride,
                 .add = p.add};
    if (partial) {
      tile.c = &partial[(piece * p.M + i) * p.N + j];
      tile.c_stride = p.N;
      tile.add = false;
    }
    multiply(tile);
  });
  if (!partial) return;
  parallel_pieces(p.M, std::max<std::int64_t>(1, chunk / (p.N * pieces)),
                  [&](std::int64_t first, std::int64_t last) {
                    for (std::int64_t i = first; i < last; ++i)
                      for (std::int64_t piece = 0; piece < pieces; ++piece) {
                        const real* const from = &partial[(piece * p.M + i) * p.N];
                        real* const c = p.c + i * p.c_stride;
                        if (piece == 0 && !p.add)
                          map(
                              p.N, c, [](Vec x) { return x; }, from);
                        else
                          map(
                              p.N, c, [](Vec s, Vec x) { return hn::Add(s, x); }, c, from);
                      }
                  });
}

}  // namespace yonder
