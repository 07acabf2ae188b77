#pragma once
#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "core/real.h"
#include "core/tensor_pool.h"

namespace yonder {

using Shape = std::vector<int>;

inline std::int64_t count(const Shape& shape) {
  std::int64_t n = 1;
  for (int d : shape) n *= d;
  return n;
}

/// A contiguous row-major block of reals. Copying a Tensor shares its storage.
struct Tensor {
  Shape shape;
  std::shared_ptr<real[]> data;

  Tensor() = default;

  /// Filled with zeros.
  explicit Tensor(Shape s) : Tensor(uninitialized(std::move(s))) {
    std::fill_n(data.get(), size(), real(0));
  }

  /// For results of which every element is written.
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

  std::int64_t size() const { return data ? count(shape) : 0; }
  /// Extent of axis i; negative i counts from the last axis.
  int dim(int i) const { return shape[i < 0 ? int(shape.size()) + i : i]; }
  std::span<real> flat() const { return {data.get(), std::size_t(size())}; }
  real& operator[](std::int64_t i) const { return data[i]; }
  explicit operator bool() const { return data != nullptr; }
};

}  // namespace yonder
