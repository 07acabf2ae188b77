#include "core/attention/contextual.h"

namespace yonder::fused {
namespace {

using tile::lanes;
using tile::Reals;
using tile::stripe;
using tile::Vector;
namespace hn = tile::hn;

using Indices = hn::RebindToSigned<Reals>;
using Index = hn::TFromD<Indices>;

// 1/(1 + e^−x), 0 for −∞
Vector sigmoid(Vector x) {
  const Vector e = tile::exp(tile::all(0) - hn::Abs(x)), one = tile::all(1);
  return hn::IfThenElse(hn::Ge(x, tile::all(0)), one, e) / (one + e);
}

// A position between two rows of the table, for queries from i on.
struct Between {
  hn::Vec<Indices> low, high;
  Vector share;  // f

  Between(Vector sum, int rows, int i) {
    const Vector most = tile::all(real(rows - 1));
    const Vector p =
        hn::IfThenElse(hn::Lt(sum, most), sum, most);  // so a NaN never becomes an index
    const Vector whole = hn::Floor(p), next = hn::Min(whole + tile::all(1), most);
    const Indices indices;
    const auto column = hn::Iota(indices, Index(i));
    low = hn::ConvertTo(indices, whole * tile::all(side)) + column;
    high = hn::ConvertTo(indices, next * tile::all(side)) + column;
    share = p - whole + (sum - sum);  // NaN stays NaN
  }
};

std::size_t rows_up(const ContextualTerm& term) {
  return std::size_t(tile::up_to(stripe, term.table.dim(0)));
}

}  // namespace

std::size_t Contextual::reals(const AttentionCall& call) {
  std::size_t sum = 2 * side + 2 * (Square::size + 16);
  for (const ContextualTerm& term : call.scores.contextual)
    sum += rows_up(term) * (wide(call.dk) + 2 * side) + 3 * 16;
  return sum;
}

Contextual::Contextual(const QueryTile& queries, Workspace& memory)
    : carry_(memory.zeros(side)), slope_(memory.zeros(side)), dots_(memory), sums_(memory) {
  const int d = queries.call.dk, width = wide(d);
  for (const ContextualTerm& term : queries.call.scores.contextual) {
    const std::size_t rows = rows_up(term);
    terms_.push_back({.rows = term.table.dim(0),
                      .e = memory.zeros(rows * width),
                      .x = memory.zeros(rows * side),
                      .dx = memory.zeros(rows * side)});
    const Term& here = terms_.back();
    for (int r = 0; r < here.rows; ++r)
      std::copy_n(&term.table.value()[std::int64_t(r) * d], d, here.e + r * width);
    for (int r = 0; r < here.rows; r += stripe)
      tile::multiply({here.e + r * width, width, 1}, {queries.q_transposed[0], side}, side, d,
                     {here.x + r * side, side});
  }
}

void Contextual::walk(const TilePair& pair, Square s) {
  for (int i = 0; i < side; i += lanes) {
    Vector sum = tile::load(carry_ + i);
    for (int j = pair.keys.rows() - 1; j >= 0; --j) {
      const Vector dot = tile::load(s.row(j) + i);
      sum = sum + sigmoid(dot);
      tile::store(dot, dots_.row(j) + i);
      tile::store(sum, sums_.row(j) + i);
    }
    tile::store(sum, carry_ + i);
  }
}

void Contextual::add_scores(const TilePair& pair, Square s) const {
  const Reals reals;
  for (const Term& term : terms_)
    for (int j = 0; j < pair.keys.rows(); ++j)
      for (int i = 0; i < side; i += lanes) {
        const Between at(tile::load(sums_.row(j) + i), term.rows, i);
        const Vector low = hn::GatherIndex(reals, term.x, at.low);
        const Vector high = hn::GatherIndex(reals, term.x, at.high);
        const Vector score = hn::MulAdd(at.share, high - low, low);
        tile::store(tile::load(s.row(j) + i) + score, s.row(j) + i);
      }
}

Square Contextual::differentiate(const TilePair& pair, Square ds) {
  const Reals reals;
  // Every lane has its own column, so the lanes of a vector never write to the same element.
  const auto add = [&](real* x, auto index, Vector what) {
    hn::ScatterIndex(hn::GatherIndex(reals, x, index) + what, reals, x, index);
  };
  for (int i = 0; i < side; i += lanes) {
    const IndexRange rows = pair.rows_of(i);
    Vector slope = tile::load(slope_ + i);
    for (int j = rows.begin; j < rows.end; ++j) {
      const Vector d = tile::load(ds.row(j) + i), sum = tile::load(sums_.row(j) + i);
      for (const Term& term : terms_) {
        const Between at(sum, term.rows, i);
        const Vector low = hn::GatherIndex(reals, term.x, at.low);
        slope = hn::MulAdd(d, hn::GatherIndex(reals, term.x, at.high) - low, slope);
        add(term.dx, at.low, d - d * at.share);
        add(term.dx, at.high, d * at.share);
      }
      const Vector gate = sigmoid(tile::load(dots_.row(j) + i));
      tile::store(hn::MulAdd(slope, gate - gate * gate, d), dots_.row(j) + i);
    }
    tile::store(slope, slope_ + i);
  }
  return dots_;
}

void Contextual::finish(const QueryTile& queries, real* dq, const std::vector<real*>& de) const {
  const int width = wide(queries.call.dk);
  for (std::size_t n = 0; n < terms_.size(); ++n) {
    const Term& term = terms_[n];
    for (int i = 0; i < side; i += stripe)
      tile::multiply({term.dx + i, 1, side}, {term.e, width}, width, term.rows,
                     {dq + i * width, width});
    for (int r = 0; r < term.rows && de[n]; r += stripe)
      tile::multiply({term.dx + r * side, side, 1}, {queries.q[0], width}, width, side,
                     {de[n] + r * width, width});
  }
}

}  // namespace yonder::fused
