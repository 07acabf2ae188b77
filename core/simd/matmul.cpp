#include "core/simd/matmul.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <dnnl.hpp>
#include <map>
#include <stdexcept>
#include <utility>

#include "core/error.h"
#include "core/parallel.h"
#include "core/simd/simd_loops.h"
#include "core/tensor.h"

namespace yonder {
namespace {

Precision now = Precision::f32;
[[maybe_unused]] bool emulated = false;

// The part of m that begins at (row, column).
Matrix part(const Matrix& m, std::int64_t row, std::int64_t column) {
  const std::int64_t at = m.transposed ? column * m.stride + row : row * m.stride + column;
  return {m.data + at, m.stride, m.transposed, m.half ? m.half + at : nullptr};
}

// 0..whole−1 in parts of equal size, the last one smaller.
struct Tiling {
  std::int64_t whole, size;
  // Parts near `wanted` long, in whole vectors: no slivers.
  static Tiling near(std::int64_t whole, std::int64_t wanted) {
    const std::int64_t parts = std::max<std::int64_t>(1, (whole + wanted / 2) / wanted);
    return {whole, std::max<std::int64_t>(16, ((whole + parts - 1) / parts + 15) / 16 * 16)};
  }
  std::int64_t parts() const { return (whole + size - 1) / size; }
  std::int64_t begin(std::int64_t part) const { return part * size; }
  std::int64_t length(std::int64_t part) const { return std::min(size, whole - part * size); }
};

struct Tiles {
  Tiling rows, columns, depth;
};

// Tiles of 256 × 128 over all of K reach 98 % of oneDNN's best, 128 × 128 about 95 %. Where that
// makes fewer than eight tiles (one per thread), tiles get lower; below 128 rows, which costs a
// tenth, only if K is short, else the sum over K is split. Waking another thread pays off from half
// a million multiplications on, about 10 µs.
Tiles tiles(const Product& p) {
  const std::int64_t enough = std::min<std::int64_t>(p.M * p.N * p.K >> 19, 8);
  if (enough < 2) return {{p.M, p.M}, {p.N, p.N}, {p.K, p.K}};
  Tiles t{Tiling::near(p.M, 256), Tiling::near(p.N, 128), {p.K, p.K}};
  for (std::int64_t height = 128; height >= (p.K < 1024 ? 32 : 128); height /= 2)
    if (t.rows.parts() * t.columns.parts() < enough) t.rows = Tiling::near(p.M, height);
  const std::int64_t count = t.rows.parts() * t.columns.parts();
  const std::int64_t pieces = std::min((enough + count - 1) / count, p.K / 256);
  if (pieces > 1) t.depth = Tiling::near(p.K, (p.K + pieces - 1) / pieces);
  return t;
}

// C = or += the partial products [pieces, M, padded_stride(N)], one after the other.
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
  Tensor turned;
  if (p.b.transposed) {
    turned = Tensor::uninitialized({int(p.K), int(p.N)});
    for (std::int64_t k = 0; k < p.K; ++k)
      for (std::int64_t j = 0; j < p.N; ++j) turned[k * p.N + j] = p.b.data[j * p.b.stride + k];
    p.b = {turned.data.get(), p.N};
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

// x rounded to the upper half of its bits, to the nearest, ties to even; NaN stays NaN.
std::uint32_t rounded(float x) {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  const bool nan = (bits & 0x7fffffff) > 0x7f800000;
  return (nan ? bits | 0x400000 : bits + 0x7fff + (bits >> 16 & 1)) & 0xffff0000;
}

// The elements of m [rows, columns], rounded to bf16 but held as floats, in rows without gaps.
void round_to(float* to, const Matrix& m, std::int64_t rows, std::int64_t columns) {
  const std::int64_t down = m.transposed ? 1 : m.stride, along = m.transposed ? m.stride : 1;
  for (std::int64_t i = 0; i < rows; ++i)
    for (std::int64_t k = 0; k < columns; ++k)
      *to++ = std::bit_cast<float>(rounded(m.data[i * down + k * along]));
}

void multiply_emulated(Product p) {
  const Tensor a = Tensor::uninitialized({int(p.M), int(p.K)});
  const Tensor b = Tensor::uninitialized({int(p.K), int(p.N)});
  round_to(a.data.get(), p.a, p.M, p.K);
  round_to(b.data.get(), p.b, p.K, p.N);
  p.a = {a.data.get(), p.K}, p.b = {b.data.get(), p.N};
  multiply_f32(p);
}

// n neighbouring numbers as bf16.
void round_row(const float* from, std::int64_t n, std::uint16_t* to) {
  for (std::int64_t k = 0; k < n; ++k) to[k] = std::uint16_t(rounded(from[k]) >> 16);
}

std::uint16_t* halves(const Tensor& t) { return reinterpret_cast<std::uint16_t*>(t.data.get()); }

// Room for so many numbers of bf16.
Tensor half_storage(std::int64_t n) { return Tensor::uninitialized({int((n + 1) / 2)}); }

// Rounds `m`, whose rows in memory have `width` numbers, into `storage` unless it is rounded.
enum class By { one_thread, all };
Matrix rounded_once(Matrix m, std::int64_t rows, std::int64_t columns, Tensor& storage, By by) {
  if (m.half) return m;
  if (m.transposed) std::swap(rows, columns);
  storage = half_storage(rows * columns);
  std::uint16_t* const to = halves(storage);
  const auto round = [&](std::int64_t r) {
    round_row(m.data + r * m.stride, columns, to + r * columns);
  };
  if (by == By::all) parallel_rows(rows, columns, round);
  else
    for (std::int64_t r = 0; r < rows; ++r) round(r);
  return {m.data, columns, m.transposed, to};
}

// oneDNN's product of bf16 factors with f32 sums, made once for every kind of tile.
struct Kind {
  std::int64_t M, N, K, a_stride, b_stride, c_stride;
  bool a_transposed, b_transposed, add;
  auto operator<=>(const Kind&) const = default;

  using Memory = dnnl::memory::desc;
  using Type = dnnl::memory::data_type;
  static dnnl::memory::dims strides(std::int64_t stride, bool transposed) {
    return transposed ? dnnl::memory::dims{1, stride} : dnnl::memory::dims{stride, 1};
  }
  Memory a() const { return {{M, K}, Type::bf16, strides(a_stride, a_transposed)}; }
  Memory b() const { return {{K, N}, Type::bf16, strides(b_stride, b_transposed)}; }
  Memory c() const { return {{M, N}, Type::f32, strides(c_stride, false)}; }

  // Throws dnnl::error where the processor has no bf16.
  dnnl::matmul make(const dnnl::engine& engine) const {
    dnnl::post_ops after;
    if (add) after.append_sum(1);
    dnnl::primitive_attr how;
    how.set_post_ops(after);
#if DNNL_VERSION_MAJOR >= 3
    return dnnl::matmul(dnnl::matmul::primitive_desc(engine, a(), b(), c(), how));
#else
    return dnnl::matmul(dnnl::matmul::primitive_desc({a(), b(), c()}, how, engine));
#endif
  }
};

const dnnl::engine& engine() {
  static const dnnl::engine cpu(dnnl::engine::kind::cpu, 0);
  return cpu;
}

void multiply_bf16(const Product& p) {
  thread_local std::map<Kind, dnnl::matmul> known;
  thread_local dnnl::stream stream(engine());
  Tensor a_storage, b_storage;
  const Matrix a = rounded_once(p.a, p.M, p.K, a_storage, By::one_thread);
  const Matrix b = rounded_once(p.b, p.K, p.N, b_storage, By::one_thread);
  const Kind kind{p.M, p.N, p.K, a.stride, b.stride, p.c_stride, a.transposed, b.transposed, p.add};
  auto found = known.find(kind);
  if (found == known.end()) found = known.emplace(kind, kind.make(engine())).first;
  const auto memory = [](const Kind::Memory& m, const void* at) {
    return dnnl::memory(m, engine(), const_cast<void*>(at));
  };
  found->second.execute(stream, {{DNNL_ARG_SRC, memory(kind.a(), a.half)},
                                 {DNNL_ARG_WEIGHTS, memory(kind.b(), b.half)},
                                 {DNNL_ARG_DST, memory(kind.c(), p.c)}});
  stream.wait();
}

bool has_bf16() {
  try {
    Kind{16, 16, 16, 16, 16, 16, false, false, false}.make(engine());
    return true;
  } catch (const dnnl::error&) { return false; }
}

bool rounds() { return now == Precision::bf16 && !emulated; }

}  // namespace

void multiply(const Product& p) {
  if (now == Precision::f32) multiply_f32(p);
  else if (emulated) multiply_emulated(p);
  else multiply_bf16(p);
}

bool repeat_product(Library library, std::int64_t M, std::int64_t N, std::int64_t K, int repeats) {
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
}
#endif

Rounded::Rounded(const Tensor& matrix) : matrix_(matrix) {
#ifndef YONDER_DOUBLE
  const std::int64_t rows = matrix.dim(0), stride = matrix.dim(1);
  if (rounds()) rounded_once({matrix.data.get(), stride}, rows, stride, half_, By::all);
#endif
}

const std::uint16_t* Rounded::half() const {
  return half_ ? reinterpret_cast<const std::uint16_t*>(half_.data.get()) : nullptr;
}

Precision precision_named(const std::string& name) {
  if (name == "f32") return Precision::f32;
#ifdef YONDER_DOUBLE
  throw UsageError("precision: " + name + " is not available in the double-precision build");
#else
  if (!emulated && !has_bf16())
    throw UsageError(
        "precision: this processor has no bf16 instructions that oneDNN can use; "
        "keep --precision f32");
  return Precision::bf16;
#endif
}

WithPrecision::WithPrecision(Precision precision) : outer_(std::exchange(now, precision)) {}
WithPrecision::~WithPrecision() { now = outer_; }

void emulate_bf16(bool on) { emulated = on; }

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
  if (p.M == 0 || p.N == 0) return;
  if (p.K == 0) return collect(p, {}, 0);
#ifndef YONDER_DOUBLE
  Tensor a_storage, b_storage;
  if (rounds()) {
    p.a = rounded_once(p.a, p.M, p.K, a_storage, By::all);
    p.b = rounded_once(p.b, p.K, p.N, b_storage, By::all);
  }
#endif
  const Tiles t = tiles(p);
  const std::int64_t I = t.rows.parts(), J = t.columns.parts(), pieces = t.depth.parts();
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
    tile.a = part(whole.a, row, k), tile.b = part(whole.b, k, column);
    tile.c += (piece * p.M + row) * whole.c_stride + column;  // piece is 0 if C itself is written
    multiply(tile);
  });
  if (partial) collect(p, partial, pieces);
}

}  // namespace yonder
