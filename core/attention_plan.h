#pragma once
#include <algorithm>
#include <cassert>

#include "core/attention.h"
#include "core/tile.h"

/// \file
/// What the files attention*.cpp share: extents of a call, tiles, tables by distance.
namespace yonder::fused {

/// Queries, and keys, of a tile.
inline constexpr int side = 64;

struct Range {
  int begin, end;
  int size() const { return std::max(end - begin, 0); }
  bool empty() const { return end <= begin; }
};

/// Which pairs see each other: least ≤ i − j ≤ most, for rows i and j counted from 0.
struct Band {
  static constexpr int unlimited = 1 << 29;
  int least, most;

  /// The same band for rows counted from i0 and j0.
  Band from(int i0, int j0) const { return {least - i0 + j0, most - i0 + j0}; }
  /// Of `all` keys, those that a query of `i` may see; and of `all` queries, those that see one of
  /// `j`.
  Range keys(Range i, int all) const {
    return {std::clamp(i.begin - most, 0, all), std::clamp(i.end - least, 0, all)};
  }
  Range queries(Range j, int all) const {
    return {std::clamp(j.begin + least, 0, all), std::clamp(j.end + most, 0, all)};
  }
  /// Whether everything in a tile is visible.
  bool full() const { return least <= 1 - side && most >= side - 1; }
};

/// One call: operands and extents.
struct Plan {
  Dots dots;
  Var v;
  Scores scores;
  Positions queries, keys;
  bool consecutive;
  int B, Tq, Tk, H, dk, dv;
  Band band;

  int query_tiles() const { return (Tq + side - 1) / side; }
  /// Rows of sequence b that are no padding.
  int queries_of(int b) const { return std::clamp(queries.length(b) - queries.first, 0, Tq); }
  int keys_of(int b) const { return std::clamp(keys.length(b) - keys.first, 0, Tk); }
  /// scale · row, the factor of query t.
  real factor(int b, int t) const {
    const Tensor& row = scores.row;
    return row ? scores.scale * row[row.dim(0) == 1 ? t : b * Tq + t] : scores.scale;
  }
  /// Head h of row t in x [B, T, H, d].
  static std::int64_t at(const Tensor& x, int b, int t, int h) {
    return ((std::int64_t(b) * x.dim(1) + t) * x.dim(2) + h) * x.dim(3);
  }
};

/// Relative terms by distance i − j, all terms of a call added up: with consecutive positions a row
/// of keys meets a contiguous piece of them. A margin of zeros on both sides is read by tiles that
/// stick out over what is visible.
struct ByDistance {
  static constexpr int margin = 2 * side;
  int least = 0, count = 0;  ///< distances least..least+count−1 are visible
  int stride = 0;            ///< margin + count + margin, rounded up
  Tensor c;                  // [H, stride]; empty without any c

  /// Where distance d stands in a row of `stride`; beyond what is visible only up to the margin.
  std::ptrdiff_t place(int d) const { return std::ptrdiff_t(d) - least + margin; }
};
ByDistance by_distance(const Plan&);

/// Gradients of the tables by distance, one for each part of the work. fold() adds the parts up,
/// in order, and then to the buckets of every tracked table.
struct DistanceGradients {
  Tensor c;  // [parts, H, stride]
};
DistanceGradients distance_gradients(const Plan&, const ByDistance&, int parts);
void fold(const Plan&, const ByDistance&, const DistanceGradients&);

/// Memory of one task, cut into arrays of whole cache lines.
class Workspace {
 public:
  explicit Workspace(std::size_t reals)
      : memory_(pool::take(reals)), next_(memory_.get()), end_(next_ + reals) {}
  real* take(std::size_t reals) {
    real* array = next_;
    next_ += tile::up_to(16, int(reals));
    assert(next_ <= end_);
    return array;
  }
  real* zeros(std::size_t reals) {
    real* array = take(reals);
    std::fill(array, next_, real(0));
    return array;
  }

 private:
  std::shared_ptr<real[]> memory_;
  real *next_, *end_;
};

/// Scores, probabilities or their gradients of a tile, stored by key: at[j·stride + i]. So the
/// lanes of a vector are queries, and maxima and sums over keys never cross lanes.
struct Square {
  static constexpr int stride = side + 16;
  static constexpr int size = side * stride;
  real* at;
  real* row(int j) const { return at + j * stride; }
};

/// A column count that is whole vectors.
constexpr int wide(int d) { return tile::up_to(tile::lanes, d); }

/// Rows of x [B, T, H, d] for one head, [side, wide(d)], zeros below and beside.
struct Rows {
  const Tensor& x;
  int b, first, count, h;
  void copy(real* rows) const;
};

/// Keys and values of a tile.
struct KeyTile {
  int first, count;
  real *k, *v;  // [side, wide(dk)], [side, wide(dv)]

  KeyTile(const Plan& plan, Workspace& memory)
      : first(0),
        count(0),
        k(memory.take(side * wide(plan.dk))),
        v(memory.take(side * wide(plan.dv))) {}
  void load(const Plan&, int b, int h, int begin);
  /// Rows that are computed: the last ones may be zeros.
  int rows() const { return tile::up_to(tile::stripe, count); }
};

/// Queries of a tile and their scores.
struct QueryTile {
  const Plan& plan;
  const ByDistance& tables;
  int b, h, first, count;
  real* q;         // [side, wide(dk)], times scale · row
  real* q_turned;  // [dk, side], the same transposed

  struct Place {
    int b, h, first;
  };
  QueryTile(const Plan&, const ByDistance&, Place, Workspace&);
  static std::size_t reals(const Plan& plan) { return 2 * side * (wide(plan.dk) + 16); }

  /// Keys that some query of the tile sees, in whole tiles from a multiple of `side`.
  Range keys() const;
  Band band(const KeyTile& keys) const { return plan.band.from(first, keys.first); }
  /// score_ij of a tile; −∞ where j is not visible. Parts that no query sees are left undefined
  /// outside of rows_of().
  void scores(const KeyTile&, Square) const;
};

/// Keys of a tile whose scores a vector of queries i..i+lanes−1 needs, with a stripe more on both
/// sides for products that take whole stripes.
inline Range rows_of(const Band& band, int i, int rows) {
  const Range seen = band.keys({i, i + tile::lanes}, rows);
  return {std::max(seen.begin - tile::stripe, 0), std::min(seen.end + tile::stripe, rows)};
}

/// [rows, columns] → [columns, side]
void turn(const real* from, int stride, int columns, real* to);

/// z [B, Tq, H, dv] and the log-sum-exp of each row, [B, H, Tq], +∞ where nothing is visible.
void forward(const Plan&, const ByDistance&, const Tensor& z, const Tensor& log_sums);
/// Adds to the gradients of everything tracked.
void backward(const Plan&, const Tensor& z, const Tensor& log_sums, const Tensor& dz);

}  // namespace yonder::fused
