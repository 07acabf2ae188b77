#pragma once
#include <cstdint>
#include <string>
#include <utility>

#include "core/simd/matrix.h"
#include "core/tensor.h"

/// \file
/// The only interface to oneDNN (f32), its replacement for double, and large bf16 products.
namespace yonder {

/// The stride of a matrix that we allocate. Strides that are multiples of 1 KiB cause cache-set
/// conflicts, which make products up to 50 % slower; such a leading dimension is padded by one
/// cache line.
inline std::int64_t padded_stride(std::int64_t width) { return width % 256 ? width : width + 16; }
/// w [rows, width] as [rows, padded_stride(width)]; w itself if it needs no padding.
Tensor pad_rows(const Tensor& w);

/// C [M, N] = A [M, K] · B [K, N], or C += A·B if `add`. Runs as fixed tiles in one parallel loop,
/// with long sums over K in fixed pieces added in order: bit-identical for any number of threads.
struct Product {
  std::int64_t M, N, K;       ///< extents, as above
  Matrix a, b;                ///< A and B
  real* c = nullptr;          ///< element (0, 0) of C
  std::int64_t c_stride = 0;  ///< reals from row to row of C
  bool add = false;           ///< add to C instead of overwriting it
};
void matmul(const Product&);  ///< by all threads

/// Counts the multiplications and additions of matrix products while it is in scope: those of
/// matmul(), and what other operations on its thread add. Nothing is counted outside any scope.
class ProductCount {
 public:
  ProductCount() : outer_(std::exchange(current_, this)) {}
  ~ProductCount() { current_ = outer_; }
  ProductCount(const ProductCount&) = delete;
  ProductCount& operator=(const ProductCount&) = delete;

  double flops() const { return flops_; }  ///< so far
  /// Adds what `flops` returns to the innermost scope; `flops` isn't called if there is none.
  template <class F>
  static void add(F&& flops) {
    if (current_) current_->flops_ += flops();
  }

 private:
  double flops_ = 0;
  ProductCount* outer_;
  static inline thread_local ProductCount* current_ = nullptr;
};

/// The number format of a product's factors; sums are `real` either way.
enum class Precision { f32, bf16 };
/// Parses "f32" or "bf16". Throws UsageError for bf16 if the processor or the build lacks it.
Precision precision_named(const std::string&);

/// Sets the precision of all products in its scope; it is f32 outside any scope.
class WithPrecision {
 public:
  explicit WithPrecision(Precision);  ///< of all products in the scope
  ~WithPrecision();
  WithPrecision(const WithPrecision&) = delete;
  WithPrecision& operator=(const WithPrecision&) = delete;

 private:
  Precision outer_;
};

/// The precision in scope.
Precision precision();

/// A right factor [K, N] shared by several products; in bf16 it is packed once, by all threads. The
/// memory of the given matrix must outlive this object.
class RightFactor {
 public:
  RightFactor(const Matrix&, std::int64_t K, std::int64_t N);  ///< as in Product::b
  operator const Matrix&() const { return matrix_; }           ///< for Product::b

 private:
  Matrix matrix_;
  Tensor storage_;
};

/// matmul() by the calling thread alone, without tiling, for work that is already split.
void multiply(const Product&);

/// The ways in which oneDNN multiplies: its BLAS, its matmul primitive with B row-major, and with B
/// in the layout that oneDNN prefers.
enum class Library { blas, primitive, packed };
/// Multiplies zeros [M, K] · [K, N] `repeats` times on the calling thread in the current precision,
/// to benchmark what this machine can reach. False if the library has no such product.
bool repeat_product(Library, std::int64_t M, std::int64_t N, std::int64_t K, int repeats);

}  // namespace yonder
