#pragma once
#include <algorithm>
#include <cassert>
#include <vector>

#include "core/attention.h"
#include "core/simd/bf16.h"
#include "core/simd/microkernel.h"

/// \file
/// What the files of core/attention share: the extents of a call, who sees whom, tables by
/// distance.

/// Attention by tiles of queries and keys.
namespace yonder::fused {

/// Queries, and keys, of a tile.
inline constexpr int side = 64;

/// The integers begin..end−1.
struct IndexRange {
  int begin, end;                                        ///< the first, and one past the last
  int size() const { return std::max(end - begin, 0); }  ///< how many they are
  bool empty() const { return end <= begin; }            ///< whether there are none
};

/// Which pairs see each other: least ≤ i − j ≤ most, for rows i and j counted from 0.
struct Band {
  static constexpr int unlimited = 1 << 29;  ///< farther than any two tokens are
  int least, most;                           ///< of i − j

  /// The same band for rows counted from i0 and j0.
  Band from(int i0, int j0) const { return {least - i0 + j0, most - i0 + j0}; }
  /// Of `all` keys those that a query of `i` may see.
  IndexRange keys(IndexRange i, int all) const {
    return {std::clamp(i.begin - most, 0, all), std::clamp(i.end - least, 0, all)};
  }
  /// Of `all` queries those that see a key of `j`.
  IndexRange queries(IndexRange j, int all) const {
    return {std::clamp(j.begin + least, 0, all), std::clamp(j.end + most, 0, all)};
  }
  /// Whether everything in a tile is visible.
  bool full() const { return least <= 1 - side && most >= side - 1; }
  /// Whether it holds a distance of lowest..highest.
  bool intersects(int lowest, int highest) const { return lowest <= most && highest >= least; }
};

/// Whether weights are broken off a stick, key by key.
constexpr bool breaks_sticks(Weights w) {
  return w == Weights::stick_breaking || w == Weights::stick_breaking_remainder_to_own;
}

/// What a head sees: most keys, and the first ones of a sequence.
struct Visibility {
  Band near, sinks;  ///< those in the window; the attention sinks
};

/// A column count as whole vectors.
constexpr int wide(int d) { return tile::up_to(tile::lanes, d); }

/// A product q·k and the pairs that it serves: near ones or those beyond far_window, by their
/// distance; or, by how many chunks they are apart, the own chunk, the one before, older ones.
struct Pairing {
  static constexpr int most_of_them = 3;  ///< near, far on the left, far on the right
  Var q, k;                               ///< [B, Tq, H, dk], [B, Tk, H, dk]
  int least, most;                        ///< distances i − j, or chunks
  bool far_k = false;                     ///< whether k is Dots::far_k
};

/// C_t = Σ_{u ≤ t} log_gate_u of one call. In double, and returned as differences, so that far from
/// the start neighbours still differ by their gate and not by rounding.
class GateSums {
 public:
  GateSums() = default;
  explicit GateSums(const Var& log_gate);  ///< [B, Tk, H]; empty: no gates

  explicit operator bool() const { return bool(gates_); }  ///< whether there are gates
  /// C of the last token before key row t of head h; beyond both ends that of the end.
  double before(int b, int h, int t) const;
  /// to[n] = C_{first+n} − from, for n < count.
  void write(int b, int h, int first, int count, double from, real* to) const;

 private:
  Tensor gates_;                // [B, Tk, H]
  std::vector<double> starts_;  // [B, H, tiles + 1], before each tile

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
  bool consecutive;                    ///< both rise by one from row to row
  int B, Tq, Tk, H, dk, dv;            ///< sequences, queries, keys, heads, columns of k and v
  int sinks;                           ///< key rows that Visibility::sinks is for
  std::vector<Visibility> visibility;  ///< [H]
  Band band;                           ///< around all that is seen
  std::vector<Pairing> pairings;       ///< near, left, right; or by chunks
  GateSums gates;                      ///< of scores.log_gate
  bool bf16;                           ///< whether factors of its products are rounded
  bool bf16_only;                      ///< and nothing else reads queries, keys and values

  int query_tiles() const { return (Tq + side - 1) / side; }  ///< that Tq queries fill
  /// Rows of sequence b that are no padding.
  int queries_of(int b) const { return std::clamp(queries.length(b) - queries.first, 0, Tq); }
  int keys_of(int b) const { return std::clamp(keys.length(b) - keys.first, 0, Tk); }  ///< alike
  int distance(int b, int i, int j) const { return queries(b, i) - keys(b, j); }  ///< in positions
  /// The key row that has the token of query row t.
  int own_key(int t) const { return t + queries.first - keys.first; }
  /// scale · row, the factor of query t.
  real factor(int b, int t) const {
    const Tensor& row = dots.row;
    return row ? scores.scale * row[row.dim(0) == 1 ? t : b * Tq + t] : scores.scale;
  }
  /// Head h of row t in x [B, T, H, d].
  static std::int64_t at(const Tensor& x, int b, int t, int h) {
    return ((std::int64_t(b) * x.dim(1) + t) * x.dim(2) + h) * x.dim(3);
  }
};

/// One of A, B, V by distance, in both orders.
struct DistanceTable {
  int heads = 0;  ///< 1 if shared by all
  Tensor rows;    ///< [heads, stride, wide(d)]
  Tensor turned;  ///< [heads, d, stride]

  explicit operator bool() const { return heads > 0; }            ///< whether the call has it
  const real* rows_of(int h) const { return part(rows, h); }      ///< [stride, wide(d)]
  const real* turned_of(int h) const { return part(turned, h); }  ///< [d, stride]

 private:
  const real* part(const Tensor& x, int h) const {
    return &x[std::int64_t(h % heads) * x.dim(1) * x.dim(2)];
  }
};

/// Relative terms by distance i − j, all terms of a call added up: with consecutive positions a row
/// of keys meets a contiguous piece of them. A margin of zeros on both sides is read by tiles that
/// stick out over what is visible.
struct ByDistance {
  static constexpr int margin = 2 * side;  ///< zeros on either side
  int least = 0, count = 0;                ///< distances least..least+count−1 are visible
  int stride = 0;                          ///< at least margin + count + margin
  Tensor c;                                ///< [H, stride]
  Tensor f;                                ///< [stride]
  DistanceTable A, B, V;                   ///< B times scale
  Tensor u;                       ///< [H, wide(dk)] sum of the Bs that are one row, times scale
  std::vector<int> change_count;  ///< [count] changes of A, B or V up to a distance

  /// Whether something is to be added that depends on the distance.
  bool any() const { return c || A || B || V; }
  /// Whether A, B and V say the same of all distances of first..last that are visible.
  bool constant_bias(int first, int last) const {
    first = std::max(first - least, 0), last = std::min(last - least, count - 1);
    return first <= last && change_count[first] == change_count[last];
  }
  /// Where distance d stands; beyond what is visible only up to the margin.
  std::ptrdiff_t place(int d) const { return std::ptrdiff_t(d) - least + margin; }
};
ByDistance by_distance(const AttentionCall&);  ///< sums the terms of the call
/// Rows of a relative table that the call's visible pairs read.
int rows_read(const AttentionCall&, const Buckets&);

/// Gradients of the tables by distance in one part of the work; empty where nothing is tracked.
struct TableSums {
  Tensor c;        ///< [parts, H, stride]
  Tensor A, B, V;  ///< [parts, H, stride, wide(d)]
  Tensor u;        ///< [parts, H, 1, wide(dk)]

  /// Without content: each part clears its own.
  TableSums(const AttentionCall&, const ByDistance&, int parts);
  void clear(int part, int h) const;  ///< zeros for one head of one part
  /// Where those of one head in one part begin, or null.
  static real* of(const Tensor& sum, int part, int h) {
    const int width = sum && sum.shape.size() == 4 ? sum.dim(3) : 1;
    return sum ? &sum[(std::int64_t(part) * sum.dim(1) + h) * sum.dim(2) * width] : nullptr;
  }
  /// Adds up the parts, in order, and then to the buckets of every tracked table.
  void fold(const AttentionCall&, const ByDistance&) const;
};

/// Memory of one task, cut into arrays of whole cache lines.
class Workspace {
 public:
  /// Takes `reals` from the pool.
  explicit Workspace(std::size_t reals)
      : memory_(pool::take(reals)), next_(memory_.get()), end_(next_ + reals) {}
  /// An array whose content is undefined.
  real* take(std::size_t reals) {
    real* array = next_;
    next_ += (reals + 15) / 16 * 16;
    assert(next_ <= end_);
    return array;
  }
  /// An array of zeros.
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

/// z [B, Tq, H, dv] and of each row, [B, H, Tq], the log-sum-exp, +∞ where nothing is visible; of
/// sticks what is left. Not of entmax.
void forward(const AttentionCall&, const Tensor& z, const Tensor& log_sum_exp);
/// z, of each row the threshold τ, +∞ where nothing is visible, and what backward() asks for as z:
/// `centre` [B, Tq, H, dv], unless empty.
void forward_entmax(const AttentionCall&, const Tensor& z, const Tensor& threshold,
                    const Tensor& centre);
/// What the heads of a call do with the observed rows.
std::vector<HeadSums> observe(const AttentionCall&, const Tensor& log_sum_exp,
                              const AttentionObserver&);
/// Adds to the gradients of everything tracked. Of entmax z is the `centre` and log_sum_exp the
/// threshold of forward_entmax().
void backward(const AttentionCall&, const Tensor& z, const Tensor& log_sum_exp, const Tensor& dz);

}  // namespace yonder::fused
