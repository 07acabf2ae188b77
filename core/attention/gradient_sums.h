#pragma once
#include <vector>

#include "core/attention/bias_strip.h"
#include "core/attention/row_state.h"

/// \file
/// Gradients of keys, values, gates and tables, which every tile of queries adds to.
namespace yonder::fused {

/// Sums over queries, of which every part of the work has its own; they are added up in order. The
/// queries of a head are cut into parts only if there are few heads: how many depends on extents
/// alone.
struct GradientSums {
  int parts;         ///< of the queries of a head
  Tensor k[2], v;    ///< [B·H·parts, Tk up to whole tiles, wide(d)]; empty if not tracked
  TableSums tables;  ///< by distance
  std::vector<Tensor> contextual;  ///< [B·H·parts, R up to stripes, wide(dk)]
  Tensor gates;                    ///< [B·H·parts, Tk up to whole tiles, 1] d(loss)/dC_t
  Tensor sink;                     ///< [B·H·parts, 1, 1]
  Tensor decay;                    ///< [B·H·parts, Tk up to whole tiles, wide(dk)] d(loss)/dP_t
  /// [B·H·parts, Tk up to whole tiles, ..] as PathSums
  struct {
    Tensor w, k, minus_gw, g, l_turned, beta;
  } path;          ///< of PaTH
  Tensor strip;    ///< [groups, H, Tk, side] of the present strip
  int groups = 1;  ///< of sequences that share a strip's gradient

  GradientSums(const AttentionCall&, const ByDistance&, const Strips&);  ///< without content
  /// All that is cleared before a part begins.
  std::vector<Tensor> by_key() const {
    return {k[0],   k[1],          v,      gates,         decay,    path.w,
            path.k, path.minus_gw, path.g, path.l_turned, path.beta};
  }
  /// PaTH's of part n.
  PathSums path_of(std::int64_t n) const {
    return {.w = part(path.w, n),
            .k = part(path.k, n),
            .minus_gw = part(path.minus_gw, n),
            .g = part(path.g, n),
            .l_turned = part(path.l_turned, n)};
  }
  /// Where part n begins, or null.
  static real* part(const Tensor& sum, std::int64_t n) {
    return sum ? &sum[n * sum.dim(1) * sum.dim(2)] : nullptr;
  }
  /// Zeros in part n.
  static void clear(const Tensor& sum, std::int64_t n) {
    if (sum) std::fill_n(part(sum, n), std::int64_t(sum.dim(1)) * sum.dim(2), real(0));
  }
};

/// Whether the gradient of an operand holds something to add to, or is written for the first time.
/// Storage is made here: its first use must not happen in two threads at once. Asked in the order
/// in which they are written, so that one tensor may be several operands.
struct Onto {
  bool q[Pairing::most_of_them] = {}, k[2] = {}, v = false;  ///< whether there is something
  explicit Onto(const AttentionCall&);                       ///< asks the gradients
};

/// Adds the parts of one head to the gradients of keys, values and gates, in order.
void add_head(const AttentionCall&, const PackedProducts&, const GradientSums&, const Onto&,
              int head);
/// Adds the parts to the gradients of contextual tables, in order.
void add_contextual(const AttentionCall&, const GradientSums&);

}  // namespace yonder::fused
