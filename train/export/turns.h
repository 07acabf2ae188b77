#pragma once
#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

#include "core/attention.h"
#include "core/random.h"

/// \file
/// What an encoding does to queries and keys, found by probing it.
namespace yonder {

/// @{
/// A tensor to probe a function with.
inline Var filled(real value, Shape shape) {
  const Tensor x = Tensor::uninitialized(std::move(shape));
  std::fill(x.flat().begin(), x.flat().end(), value);
  return Var(x);
}
inline Var noise(Shape shape) {
  const Random random(0, "export");
  const Tensor x = Tensor::uninitialized(std::move(shape));
  for (std::int64_t i = 0; i < x.size(); ++i) x[i] = real(random.normal(std::uint64_t(i)));
  return Var(x);
}
/// @}
/// Exact equality.
inline bool equal(const Tensor& a, const Tensor& b) {
  return a.shape == b.shape && std::equal(a.flat().begin(), a.flat().end(), b.flat().begin());
}
/// Equality up to rounding.
inline bool alike(const Tensor& a, const Tensor& b, double tolerance = 1e-4) {
  const auto near = [tolerance](real x, real y) {
    return std::abs(x - y) <= tolerance * (1 + std::abs(y));
  };
  return a.shape == b.shape && std::equal(a.flat().begin(), a.flat().end(), b.flat().begin(), near);
}

/// x becomes own ∘ x + other ∘ x[partner], by position and head.
struct TurnTables {
  /// One product q·k; its tables stack own and other, [2, M, H or 1, d].
  struct Product {
    Tensor q, k;  ///< tables of queries and keys
    int chunk;    ///< positions per chunk
    int from;     ///< smallest distance in chunks at which it applies
  };
  std::vector<int> partner;       ///< [d] paired column of each; itself if it has none
  std::vector<Product> products;  ///< empty: no rotation
  Tensor q_columns, k_columns;    ///< [M, H, e] appended to q and k, by position alone; or empty
  bool known = true;              ///< false: tables can't express it
};

/// The tables of `turned`, which computes Dots of x [1, up to M, H, d] as q and as k at the first
/// positions.
TurnTables turn_tables_of(const std::function<Dots(const Var& x)>& turned, const Shape& shape);

}  // namespace yonder
