#pragma once
#include <cstring>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/parallel.h"
#include "core/random.h"
#include "core/tensor.h"

/// \file
/// Tensors for tests, and bitwise comparison.
namespace yonder {

/// Standard normal values that depend on `name` alone.
inline Tensor normal(Shape shape, std::string_view name = "x") {
  Tensor x = Tensor::uninitialized(std::move(shape));
  const Random random(1, name);
  for (std::int64_t i = 0; i < x.size(); ++i) x[i] = real(random.normal(i));
  return x;
}

inline bool same_bits(const Tensor& a, const Tensor& b) {
  return a.shape == b.shape && !std::memcmp(a.data.get(), b.data.get(), a.size() * sizeof(real));
}

/// Runs `compute` with 1, 2, 3, 4 and 8 threads. Returns "" if all results are bit-identical, else
/// which one is not: "result 1 with 3 threads".
inline std::string differing(const std::function<std::vector<Tensor>()>& compute) {
  const int before = threads();
  std::string where;
  set_threads(1);
  const std::vector<Tensor> expected = compute();
  for (const int n : {2, 3, 4, 8}) {
    set_threads(n);
    const std::vector<Tensor> got = compute();
    for (std::size_t i = 0; i < expected.size(); ++i)
      if (!same_bits(expected[i], got.at(i)))
        where = "result " + std::to_string(i) + " with " + std::to_string(n) + " threads";
  }
  set_threads(before);
  return where;
}

}  // namespace yonder
