#pragma once
#include <algorithm>
#include <cassert>
#include <vector>

#include "core/attention.h"
#include "core/simd/bf16.h"
#include "core/simd/microkernel.h"

/// \file
/// Shared by the files of core/attention: the extents of a call, visibility, tables by distance.

/// Attention by tiles of queries and keys.
namespace yonder::fused {

/// Number of queries, and of keys, per tile.
inline constexpr int side = 64;

/// The integers begin..end−1.
struct IndexRange {
  int begin, end;                                        ///< the first, and one past the last
  int size() const { return std::max(end - begin, 0); }  ///< number of integers
  bool empty() const { return end <= begin; }            ///< whether there are none
};

/// Visible pairs: least ≤ i − j ≤ most, for rows i and j counted from 0.
struct Band {
  static constexpr int unlimited = 1 << 29;  ///< larger than any distance
  int least, most;                           ///< limits of i − j

  /// The same band for rows counted from i0 and j0.
  Band from(int i0, int j0) const { return {least - i0 + j0, most - i0 + j0}; }
  /// The keys, out of `all`, that a query in `i` may see.
  IndexRange keys(IndexRange i, int all) const {
    return {std::clamp(i.begin - most, 0, all), std::clamp(i.end - least, 0, all)};
  }
  /// The queries, out of `all`, that see a key in `j`.
  IndexRange queries(IndexRange j, int all) const {
    return {std::clamp(j.begin + least, 0, all), std::clamp(j.end + most, 0, all)};
  }
  /// Whether all pairs of a tile are visible.
  bool full() const { return least <= 1 - side && most >= side - 1; }
  /// Whether it contains a distance in lowest..highest.
  bool intersects(int lowest, int highest) const { return lowest <= most && highest >= least; }
};

/// Whether the weights are stick-breaking weights.
constexpr bool breaks_sticks(Weights w) {
  return w == Weights::stick_breaking || w == Weights::stick_breaking_remainder_to_own;
}

/// The keys that a head sees.
struct Visibility {
  Band near, sinks;  ///< for keys in the window; for the attention sinks
};

/// A number of columns, rounded up to whole vectors.
constexpr int wide(int d) { return tile::up_to(tile::lanes, d); }

/// A product q·k and the pairs that use it: by distance, near ones or those beyond far_window; or
/// by chunk distance, those in the same chunk, the previous one or older ones.
struct Pairing {
  static constexpr int most_of_them = 3;  ///< near, far on the left, far on the right
  Var q, k;                               ///< [B, Tq, H, dk], [B, Tk, H, dk]
  int least, most;                        ///< limits of i − j or of the chunk distance
  bool far_k = false;                     ///< whether k is Dots::far_k
};

/// C_t = Σ_{u ≤ t} log_gate_u of one call. Summed in double and returned as differences, so that
/// far from the start neighbours still differ by their gate, not by rounding.
class GateSums {
 public:
  GateSums() = default;
  explicit GateSums(const Var& log_gate);  ///< [B, Tk, H]; empty: no gates

  explicit operator bool() const { return bool(gates_); }  ///< whether there are gates
  /// C of the last token before key row t of head h; t is clamped to 0..Tk.
  double before(int b, int h, int t) const;
  /// to[n] = C_{first+n} − from, for n < count.
  void write(int b, int h, int first, int count, double from, real* to) const;

 private:
  Tensor gates_;                // [B, Tk, H]
  std::vector<double> starts_;  // [B, H, tiles], C before each tile

  real gate(int b, int h, int t) const {
    return t >= 0 && t < gates_.dim(1)
               ? gates_[(std::int64_t(b) * gates_.dim(1) + t) * gates_.dim(2) + h]
               : real(0);
  }
};

/// One call: operands and extents.
struct AttentionCall {
  Dots dots;                           ///< queries and keys
  Var v;                               ///< values, [B, Tk, H, dv]
  ScoreTerms scores;                   ///< relative terms, biases, gates
  Positions queries, keys;             ///< of the rows of q, and of k and v
  bool consecutive;                    ///< whether both increase by one per row
  int B, Tq, Tk, H, dk, dv;            ///< sequences, queries, keys, heads, columns of k and v
  int sinks;                           ///< number of key rows that are attention sinks
  std::vector<Visibility> visibility;  ///< [H]
  Band band;                           ///< contains all visible pairs
  std::vector<Pairing> pairings;       ///< near, left, right; or by chunk distance
  GateSums gates;                      ///< of scores.log_gate
  bool bf16;                           ///< whether factors are rounded to bf16
  bool bf16_only;                      ///< bf16, and no term reads unrounded factors

  int query_tiles() const { return (Tq + side - 1) / side; }  ///< tiles that hold Tq queries
  /// Query rows of sequence b that are not padding.
  int queries_of(int b) const { return std::clamp(queries.length(b) - queries.first, 0, Tq); }
  int keys_of(int b) const { return std::clamp(keys.length(b) - keys.first, 0, Tk); }  ///< keys
  int distance(int b, int i, int j) const { return queries(b, i) - keys(b, j); }  ///< in positions
  /// The key row of the token of query row t.
  int own_key(int t) const { return t + queries.first - keys.first; }
  /// scale · row, the factor of query t.
  real factor(int b, int t) const {
    const Tensor& row = dots.row;
    return row ? scores.scale * row[row.dim(0) == 1 ? t : b * Tq + t] : scores.scale;
  }
  /// Index of head h of row t in x [B, T, H, d].
  static std::int64_t at(const Tensor& x, int b, int t, int h) {
    return ((std::int64_t(b) * x.dim(1) + t) * x.dim(2) + h) * x.dim(3);
  }
};

/// One of A, B, V by distance, in both layouts.
struct DistanceTable {
  int heads = 0;      ///< 1 if shared by all
  Tensor rows;        ///< [heads, stride, wide(d)]
  Tensor transposed;  ///< [heads, d, stride]

  explicit operator bool() const { return heads > 0; }        ///< whether the call has it
  const real* rows_of(int h) const { return part(rows, h); }  ///< [stride, wide(d)]
  const real* transposed_of(int h) const { return part(transposed, h); }  ///< [d, stride]

 private:
  const real* part(const Tensor& x, int h) const {
    return &x[std::int64_t(h % heads) * x.dim(1) * x.dim(2)];
  }
};

/// Relative terms by distance i − j, combined over all terms of a call: with consecutive positions
/// a row of a tile reads a contiguous piece. The margin of zeros on both sides is read by tiles
/// that extend beyond the visible distances.
struct ByDistance {
  static constexpr int margin = 2 * side;  ///< zeros on either side
  int least = 0, count = 0;                ///< distances least..least+count−1 are visible
  int stride = 0;                          ///< at least margin + count + margin
  Tensor c;                                ///< [H, stride]
  Tensor f;                                ///< [stride]
  DistanceTable A, B, V;                   ///< B is multiplied by scale
  Tensor u;                                ///< [H, wide(dk)] sum of one-row tables B, times scale
  std::vector<int> change_count;  ///< [count] number of row changes of A, B, V up to each distance

  /// Whether there are added terms that depend on the distance.
  bool any() const { return c || A || B || V; }
  /// Whether A, B and V are the same for all visible distances in first..last.
  bool constant_bias(int first, int last) const {
    first = std::max(first - least, 0), last = std::min(last - least, count - 1);
    return first <= last && change_count[first] == change_count[last];
  }
  /// Index of distance d, at most `margin` outside the visible distances.
  std::ptrdiff_t place(int d) const { return std::ptrdiff_t(d) - least + margin; }
};
ByDistance by_distance(const AttentionCall&);  ///< combines the terms of the call
/// Number of rows of a relative table that the call's visible pairs read.
int rows_read(const AttentionCall&, const Buckets&);

/// Gradients of the tables by distance, one copy per part of the work; empty if not tracked.
struct TableSums {
  Tensor c;        ///< [parts, H, stride]
  Tensor A, B, V;  ///< [parts, H, stride, wide(d)]
  Tensor u;        ///< [parts, H, 1, wide(dk)]

  /// Uninitialized: each part clears its own.
  TableSums(const AttentionCall&, const ByDistance&, int parts);
  void clear(int part, int h) const;  ///< zeroes one head of one part
  /// Returns the sums of one head in one part, or null.
  static real* of(const Tensor& sum, int part, int h) {
    const int width = sum && sum.shape.size() == 4 ? sum.dim(3) : 1;
    return sum ? &sum[(std::int64_t(part) * sum.dim(1) + h) * sum.dim(2) * width] : nullptr;
  }
  /// Sums the parts, in order, and adds the result to the gradient of every tracked table.
  void fold(const AttentionCall&, const ByDistance&) const;
};

/// Memory of one task, split into arrays of whole cache lines.
class Workspace {
 public:
  /// Takes `reals` from the pool.
  explicit Workspace(std::size_t reals)
      : memory_(pool::take(reals)), next_(memory_.get()), end_(next_ + reals) {}
  /// Returns an uninitialized array.
  real* take(std::size_t reals) {
    real* array = next_;
    next_ += (reals + 15) / 16 * 16;
    assert(next_ <= end_);
    return array;
  }
  /// Returns an array of zeros.
  real* zeros(std::size_t reals) {
    real* array = take(reals);
    std::fill(array, next_, real(0));
    return array;
  }

 private:
  std::shared_ptr<real[]> memory_;
  real *next_, *end_;
};

using bf16::packed_reals;

/// Writes z [B, Tq, H, dv] and the log-sum-exp of each row [B, H, Tq], +∞ if no key is visible; for
/// stick-breaking, the remainder instead. Not for entmax.
void forward(const AttentionCall&, const Tensor& z, const Tensor& log_sum_exp);
/// Writes z, the threshold τ of each row, +∞ if no key is visible, and, unless it is empty,
/// `centre` [B, Tq, H, dv], which backward() takes as z.
void forward_entmax(const AttentionCall&, const Tensor& z, const Tensor& threshold,
                    const Tensor& centre);
/// Returns the sums of each head over the observed rows.
std::vector<HeadSums> observe(const AttentionCall&, const Tensor& log_sum_exp,
                              const AttentionObserver&);
/// Adds to the gradients of everything tracked. For entmax, z is the `centre` and log_sum_exp the
/// threshold of forward_entmax().
void backward(const AttentionCall&, const Tensor& z, const Tensor& log_sum_exp, const Tensor& dz);

}  // namespace yonder::fused
