#include "core/simd/matmul.h"

#include <algorithm>
#include <cstring>
#include <dnnl.hpp>
#include <stdexcept>
#include <utility>

#include "core/error.h"
#include "core/parallel.h"
#include "core/simd/bf16.h"
#include "core/simd/simd_loops.h"
#include "core/tensor.h"

namespace yonder {
namespace {

Precision now = Precision::f32;

// Whether products are in bf16, which the double build never sets.
bool rounds() { return now == Precision::bf16; }

// The part of a factor from (row, column) on; if packed, with its tiles from there on.
Matrix part(bf16::Side side, const Matrix& m, std::int64_t row, std::int64_t column) {
  Matrix part = m.from(row, column);
  if (side == bf16::Side::right) std::swap(row, column);
  if (m.packed) part.packed = m.packed.from(row / bf16::lines, column / bf16::depth);
  return part;
}

// 0..whole−1 in parts of equal size, the last one possibly smaller.
struct Tiling {
  std::int64_t whole, size;
  // Parts about `wanted` long, in whole vectors or bf16 tiles, to avoid slivers.
  static Tiling near(std::int64_t whole, std::int64_t wanted, int unit = 16) {
    const std::int64_t parts = std::max<std::int64_t>(1, (whole + wanted / 2) / wanted);
    return {whole, ((whole + parts - 1) / parts + unit - 1) / unit * unit};
  }
  std::int64_t parts() const { return (whole + size - 1) / size; }
  std::int64_t begin(std::int64_t part) const { return part * size; }
  std::int64_t length(std::int64_t part) const { return std::min(size, whole - part * size); }
};

struct Tiles {
  Tiling rows, columns, depth;
};

// f32 tiles of 256 × 128 over all of K reach 98 % of oneDNN's best, 128 × 128 about 95 %. If that
// makes fewer than eight tiles (one per thread), they get fewer rows; below 128, which costs a
// tenth, only if K is short. If they are still too few, the sum over K is split. Waking another
// thread pays off above half a million multiplications, about 10 µs; in bf16 above 16 times that.
Tiles tiles(const Product& p) {
  const bool halves = rounds();
  const std::int64_t enough = std::min<std::int64_t>(p.M * p.N * p.K >> (halves ? 23 : 19), 8);
  if (enough < 2) return {{p.M, p.M}, {p.N, p.N}, {p.K, p.K}};
  Tiles t{Tiling::near(p.M, 256), Tiling::near(p.N, halves ? 1024 : 128), {p.K, p.K}};
  for (std::int64_t height = 128; height >= (p.K < 1024 ? 32 : 128); height /= 2)
    if (t.rows.parts() * t.columns.parts() < enough) t.rows = Tiling::near(p.M, height);
  const std::int64_t count = t.rows.parts() * t.columns.parts();
  const std::int64_t pieces = std::min((enough + count - 1) / count, p.K / 256);
  if (pieces > 1)
    t.depth = Tiling::near(p.K, (p.K + pieces - 1) / pieces, halves ? bf16::depth : 16);
  return t;
}

// C = or += the partial products [pieces, M, padded_stride(N)], added in order.
void collect(const Product& p, const Tensor& partial, std::int64_t pieces) {
  parallel_rows(p.M, p.N * (pieces + 1), [&](std::int64_t row) {
    real* const c = p.c + row * p.c_stride;
    if (!p.add) std::fill_n(c, p.N, real(0));
    for (std::int64_t piece = 0; piece < pieces; ++piece)
      map(p.N, c, plus, c, &partial[(piece * p.M + row) * padded_stride(p.N)]);
  });
}

}  // namespace

#ifdef YONDER_DOUBLE
bool repeat_product(Library, std::int64_t, std::int64_t, std::int64_t, int) { return false; }

void multiply(const Product& product) {
  Product p = product;
  Tensor transposed;
  if (p.b.transposed) {
    transposed = Tensor::uninitialized({int(p.K), int(p.N)});
    for (std::int64_t k = 0; k < p.K; ++k)
      for (std::int64_t j = 0; j < p.N; ++j) transposed[k * p.N + j] = p.b.data[j * p.b.stride + k];
    p.b = {transposed.data.get(), p.N};
  }
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
namespace {

void multiply_f32(const Product& p) {
  const auto order = [](const Matrix& m) { return m.transposed ? 'T' : 'N'; };
  if (dnnl_sgemm(order(p.a), order(p.b), p.M, p.N, p.K, 1, p.a.data, p.a.stride, p.b.data,
                 p.b.stride, p.add ? 1 : 0, p.c, p.c_stride) != dnnl_success)
    throw std::runtime_error("matmul: oneDNN could not multiply");
}

// Packs a factor strip by strip, by the calling thread or by all.
enum class By { one_thread, all };
Matrix packed(bf16::Side side, const Matrix& m, std::int64_t count, std::int64_t K, Tensor& storage,
              By by) {
  if (m.packed) return m;
  const bf16::Source source{side, m, count, K};
  const std::int64_t strips = source.strips();
  storage = Tensor::uninitialized({int(bf16::packed_reals(count, K))});
  real* const to = storage.data.get();
  const auto some = [&](std::int64_t first, std::int64_t last) {
    bf16::pack(source, to, first, last);
  };
  if (by == By::all && strips > 0)
    parallel_pieces(strips, chunk_rows(2 * storage.size() / strips), some);
  else some(0, strips);
  Matrix result = m;
  result.packed = bf16::packed_in(to, K);
  return result;
}

// If C ends within a tile, its tiles are computed in a temporary, then copied or added to C.
void multiply_bf16(Product p) {
  Tensor a, b, whole;
  p.a = packed(bf16::Side::left, p.a, p.M, p.K, a, By::one_thread);
  p.b = packed(bf16::Side::right, p.b, p.N, p.K, b, By::one_thread);
  bf16::Block block{.a = p.a.packed,
                    .b = p.b.packed,
                    .rows = bf16::tiles(p.M, bf16::lines),
                    .columns = bf16::tiles(p.N, bf16::lines),
                    .pieces = bf16::tiles(p.K, bf16::depth),
                    .c = p.c,
                    .c_stride = p.c_stride,
                    .add = p.add};
  if (p.M % bf16::lines == 0 && p.N % bf16::lines == 0) return bf16::multiply(block);
  block.c_stride = block.columns * bf16::lines, block.add = false;
  whole = Tensor::uninitialized({int(block.rows * bf16::lines), int(block.c_stride)});
  block.c = whole.data.get();
  bf16::multiply(block);
  for (std::int64_t i = 0; i < p.M; ++i) {
    real *const to = p.c + i * p.c_stride, *const from = &whole[i * block.c_stride];
    if (p.add) map(p.N, to, plus, to, from);
    else std::copy_n(from, p.N, to);
  }
}

const dnnl::engine& engine() {
  static const dnnl::engine cpu(dnnl::engine::kind::cpu, 0);
  return cpu;
}

}  // namespace

void multiply(const Product& p) {
  if (rounds()) multiply_bf16(p);
  else multiply_f32(p);
}

bool repeat_product(Library library, std::int64_t M, std::int64_t N, std::int64_t K,
                    int repeats) try {
  using Memory = dnnl::memory;
  const auto type = rounds() ? Memory::data_type::bf16 : Memory::data_type::f32;
  const auto as = [](std::int64_t rows, std::int64_t columns, auto kind, auto order) {
    return Memory::desc({rows, columns}, kind, order);
  };
  const auto rows = Memory::format_tag::ab, any = Memory::format_tag::any;
  const Tensor a({int(M), int(K)}), b({int(K), int(N)}), c({int(M), int(N)});
  if (library == Library::blas) {
    if (rounds()) return false;
    for (int i = 0; i < repeats; ++i)
      multiply_f32({M, N, K, {a.data.get(), K}, {b.data.get(), N}, c.data.get(), N});
    return true;
  }
  const auto from = as(M, K, type, rows), to = as(M, N, Memory::data_type::f32, rows),
             weights = as(K, N, type, library == Library::packed ? any : rows);
#if DNNL_VERSION_MAJOR >= 3
  const dnnl::matmul::primitive_desc how(engine(), from, weights, to);
#else
  const dnnl::matmul::primitive_desc how({from, weights, to}, engine());
#endif
  const Memory packed(how.weights_desc(), engine());
  std::memset(packed.get_data_handle(), 0, packed.get_desc().get_size());
  const dnnl::matmul product(how);
  dnnl::stream stream(engine());
  for (int i = 0; i < repeats; ++i)
    product.execute(stream, {{DNNL_ARG_SRC, Memory(from, engine(), a.data.get())},
                             {DNNL_ARG_WEIGHTS, packed},
                             {DNNL_ARG_DST, Memory(to, engine(), c.data.get())}});
  stream.wait();
  return true;
} catch (const dnnl::error&) {
  return false;  // no such product on this processor
}
#endif

RightFactor::RightFactor(const Matrix& m, std::int64_t K, std::int64_t N) : matrix_(m) {
#ifndef YONDER_DOUBLE
  if (rounds()) matrix_ = packed(bf16::Side::right, m, N, K, storage_, By::all);
#else
  (void)K, (void)N;
#endif
}

Precision precision_named(const std::string& name) {
  if (name == "f32") return Precision::f32;
#ifdef YONDER_DOUBLE
  throw UsageError("precision: " + name + " is not available in the double-precision build");
#else
  if (!bf16::available())
    throw UsageError(
        "precision: this processor, or the one that yonder was built for, has no bf16 instructions "
        "(AVX512-BF16 or AMX); keep --precision f32");
  return Precision::bf16;
#endif
}

Precision precision() { return now; }
WithPrecision::WithPrecision(Precision precision) : outer_(std::exchange(now, precision)) {}
WithPrecision::~WithPrecision() { now = outer_; }

Tensor pad_rows(const Tensor& w) {
  const std::int64_t rows = w.dim(0), width = w.dim(1), stride = padded_stride(width);
  if (stride == width) return w;
  const Tensor copy = Tensor::uninitialized({int(rows), int(stride)});
  parallel_rows(rows, width,
                [&](std::int64_t r) { std::copy_n(&w[r * width], width, &copy[r * stride]); });
  return copy;
}

void matmul(const Product& product) {
  Product p = product;
  ProductCount::add([&p] { return 2.0 * double(p.M) * double(p.N) * double(p.K); });
  if (p.M == 0 || p.N == 0) return;
  if (p.K == 0) return collect(p, {}, 0);
  const Tiles t = tiles(p);
  const std::int64_t I = t.rows.parts(), J = t.columns.parts(), pieces = t.depth.parts();
#ifndef YONDER_DOUBLE
  Tensor a, b;
  if (rounds()) {  // rows of A that only one tile uses are packed with it
    p.b = packed(bf16::Side::right, p.b, p.N, p.K, b, By::all);
    if (J * pieces > 1) p.a = packed(bf16::Side::left, p.a, p.M, p.K, a, By::all);
  }
#endif
  Product whole = p;
  Tensor partial;
  if (pieces > 1) {
    partial = Tensor::uninitialized({int(pieces), int(p.M), int(padded_stride(p.N))});
    whole.c = partial.data.get(), whole.c_stride = padded_stride(p.N), whole.add = false;
  }
  parallel_for(pieces * I * J, [&](std::int64_t item) {
    const std::int64_t piece = item / (I * J), i = item / J % I, j = item % J;
    const std::int64_t row = t.rows.begin(i), column = t.columns.begin(j), k = t.depth.begin(piece);
    Product tile = whole;
    tile.M = t.rows.length(i), tile.N = t.columns.length(j), tile.K = t.depth.length(piece);
    tile.a = part(bf16::Side::left, whole.a, row, k);
    tile.b = part(bf16::Side::right, whole.b, k, column);
    tile.c += (piece * p.M + row) * whole.c_stride + column;  // piece is 0 if C itself is written
    multiply(tile);
  });
  if (partial) collect(p, partial, pieces);
}

}  // namespace yonder
