#pragma once
#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "core/real.h"
#include "core/tensor_pool.h"

namespace yonder {

using Shape = std::vector<int>;  ///< extents of the axes

/// Number of elements of this shape.
inline std::int64_t count(const Shape& shape) {
  std::int64_t n = 1;
  for (int d : shape) n *= d;
  return n;
}

/// A contiguous row-major block of reals. Copying a Tensor shares its storage.
struct Tensor {
  Shape shape;                   ///< extents of the axes
  std::shared_ptr<real[]> data;  ///< row-major; null: no tensor

  Tensor() = default;

  /// Filled with zeros.
  explicit Tensor(Shape s) : Tensor(uninitialized(std::move(s))) {
    std::fill_n(data.get(), size(), real(0));
  }

  /// For results whose every element is written.
  static Tensor uninitialized(Shape s) {
    Tensor t;
    t.data = pool::take(count(s));
    t.shape = std::move(s);
    return t;
  }

  /// The same storage in another shape of the same size.
  Tensor view(Shape s) const {
    Tensor t = *this;
    t.shape = std::move(s);
    return t;
  }

  std::int64_t size() const { return data ? count(shape) : 0; }  ///< number of elements
  /// Extent of axis i; negative i counts from the last axis.
  int dim(int i) const { return shape[i < 0 ? int(shape.size()) + i : i]; }
  /// All elements in order.
  std::span<real> flat() const { return {data.get(), std::size_t(size())}; }
  real& operator[](std::int64_t i) const { return data[i]; }  ///< element i of flat()
  explicit operator bool() const { return data != nullptr; }  ///< whether it has storage
};

}  // namespace yonder
