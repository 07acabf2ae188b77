#pragma once
#include <cstdint>
#include <string>
#include <utility>

#include "core/simd/matrix.h"
#include "core/tensor.h"

/// \file
/// The only door to oneDNN (f32), its stand-in for double, and large products of bf16.
namespace yonder {

/// The stride of a matrix in memory of our own. Strides that are multiples of 1 KiB cause cache-set
/// conflicts, which make products up to a half slower; such a leading dimension is padded by one
/// cache line.
inline std::int64_t padded_stride(std::int64_t width) { return width % 256 ? width : width + 16; }
/// w [rows, width] as [rows, padded_stride(width)]; w itself if that is its width.
Tensor pad_rows(const Tensor& w);

/// C [M, N] = A [M, K] · B [K, N], or C += A·B if `add`. Runs in fixed tiles from inside one
/// parallel loop, long sums over K in fixed pieces added in order: the same bits for any number of
/// threads.
struct Product {
  std::int64_t M, N, K;       ///< extents, as above
  Matrix a, b;                ///< A and B
  real* c = nullptr;          ///< element (0, 0) of C
  std::int64_t c_stride = 0;  ///< reals from row to row of C
  bool add = false;           ///< add to C instead of overwriting it
};
void matmul(const Product&);  ///< by all threads

/// Adds up the multiplications and additions of matrix products while it is in scope: those of
/// matmul(), and what other operations of its thread add. Outside of any scope nothing is counted.
class ProductCount {
 public:
  ProductCount() : outer_(std::exchange(current_, this)) {}
  ~ProductCount() { current_ = outer_; }
  ProductCount(const ProductCount&) = delete;
  ProductCount& operator=(const ProductCount&) = delete;

  double flops() const { return flops_; }  ///< so far
  /// Adds what `flops` returns to the innermost scope; without one it isn't called.
  template <class F>
  static void add(F&& flops) {
    if (current_) current_->flops_ += flops();
  }

 private:
  double flops_ = 0;
  ProductCount* outer_;
  static inline thread_local ProductCount* current_ = nullptr;
};

/// How the factors of a product are held while they are multiplied; the sums are `real` either way.
enum class Precision { f32, bf16 };
/// "f32" or "bf16". UsageError for bf16 where the processor, or the build, has no products of it.
Precision precision_named(const std::string&);

/// The precision of all products within a scope; f32 outside of any.
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

/// A right factor [K, N] that several products share, packed once by all threads where products are
/// of bf16; else nothing but itself. What it is made of outlives it.
class RightFactor {
 public:
  RightFactor(const Matrix&, std::int64_t K, std::int64_t N);  ///< as it stands in a Product
  operator const Matrix&() const { return matrix_; }           ///< for Product::b

 private:
  Matrix matrix_;
  Tensor storage_;
};

/// The same by the calling thread alone and in one piece, for work that is already split.
void multiply(const Product&);

/// The ways in which oneDNN multiplies: its BLAS, its primitive with B as it lies in memory, and
/// with B in the order that it likes best.
enum class Library { blas, primitive, packed };
/// Multiplies [M, K] · [K, N] of zeros `repeats` times in the calling thread and the precision in
/// scope, for a benchmark of what this machine can reach. False if the library has no such product.
bool repeat_product(Library, std::int64_t M, std::int64_t N, std::int64_t K, int repeats);

}  // namespace yonder
