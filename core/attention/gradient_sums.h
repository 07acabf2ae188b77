#pragma once
#include <vector>

#include "core/attention/bias_strip.h"
#include "core/attention/row_state.h"

/// \file
/// Gradients of keys, values, gates and tables, to which every query tile adds.
namespace yonder::fused {

/// Sums over queries, separate for each part of the work and then added in order. The queries of a
/// head are split into parts only if there are few heads; the number depends on extents alone.
struct GradientSums {
  int parts;         ///< number of parts per head
  Tensor k[2], v;    ///< [B·H·parts, Tk up to whole tiles, wide(d)]; empty if not tracked
  TableSums tables;  ///< by distance
  std::vector<Tensor> contextual;  ///< [B·H·parts, R up to stripes, wide(dk)]
  Tensor gates;                    ///< [B·H·parts, Tk up to whole tiles, 1] d(loss)/dC_t
  Tensor sink;                     ///< [B·H·parts, 1, 1], initially 0
  Tensor decay;                    ///< [B·H·parts, Tk up to whole tiles, wide(dk)] d(loss)/dP_t
  /// [B·H·parts, Tk up to whole tiles, ..] as PathSums
  struct {
    Tensor w, k, minus_gw, g, l_transposed, beta;
  } path;          ///< of PaTH
  Tensor strip;    ///< [groups, H, Tk, side] of the current strip
  int groups = 1;  ///< of sequences, with one strip gradient each

  GradientSums(const AttentionCall&, const ByDistance&, const Strips&);  ///< uninitialized
  /// The sums by key, to be cleared before a part begins.
  std::vector<Tensor> by_key() const {
    return {
        k[0],     k[1], v, gates, decay, path.w, path.k, path.minus_gw, path.g, path.l_transposed,
        path.beta};
  }
  /// The sums of PaTH in part n.
  PathSums path_of(std::int64_t n) const {
    return {.w = part(path.w, n),
            .k = part(path.k, n),
            .minus_gw = part(path.minus_gw, n),
            .g = part(path.g, n),
            .l_transposed = part(path.l_transposed, n)};
  }
  /// Returns part n, or null.
  static real* part(const Tensor& sum, std::int64_t n) {
    return sum ? &sum[n * sum.dim(1) * sum.dim(2)] : nullptr;
  }
  /// Zeroes part n.
  static void clear(const Tensor& sum, std::int64_t n) {
    if (sum) std::fill_n(part(sum, n), std::int64_t(sum.dim(1)) * sum.dim(2), real(0));
  }
};

/// Whether the gradient of an operand is added to or written for the first time. Allocates its
/// storage, because first use must not happen in two threads at once. Operands are queried in the
/// order in which they are written, so that one tensor may be several operands.
struct Onto {
  bool q[Pairing::most_of_them] = {}, k[2] = {}, v = false;  ///< whether to add
  explicit Onto(const AttentionCall&);                       ///< queries the gradients
};

/// Adds the parts of one head to the gradients of keys, values and gates, in order.
void add_head(const AttentionCall&, const PackedProducts&, const GradientSums&, const Onto&,
              int head);
/// Adds the parts to the gradients of contextual tables, in order.
void add_contextual(const AttentionCall&, const GradientSums&);

}  // namespace yonder::fused
