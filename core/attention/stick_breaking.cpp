#include "core/attention/stick_breaking.h"

namespace yonder::fused {
namespace {

using tile::lanes;
using tile::Vector;
namespace hn = tile::hn;

// σ(x) and 1 − σ(x); 0 and 1 for −∞
struct Break {
  Vector taken, left;

  explicit Break(Vector x) {
    const Vector e = tile::exp(tile::all(0) - hn::Abs(x)), more = tile::all(1) / (tile::all(1) + e);
    const auto positive = hn::Ge(x, tile::all(0));
    taken = hn::IfThenElse(positive, more, e * more);
    left = hn::IfThenElse(positive, e * more, more);
  }
};

}  // namespace

Sticks::Sticks(Workspace& memory) : rest_(memory.take(side)), taken_(memory.zeros(side)) {
  std::fill_n(rest_, side, real(1));
}

void Sticks::weigh(const TilePair& pair, Square s) const {
  for (int i = 0; i < side; i += lanes) {
    const Range j = pair.rows_of(i);
    Vector rest = tile::load(rest_ + i);
    for (int r = j.end - 1; r >= j.begin; --r) {
      const Break b(tile::load(s.row(r) + i));
      tile::store(b.taken * rest, s.row(r) + i);
      rest = rest * b.left;
    }
    tile::store(rest, rest_ + i);
  }
}

void Sticks::differentiate(const TilePair& pair, const real* minus_d, Square s, Square ds) const {
  for (int i = 0; i < side; i += lanes) {
    const Range j = pair.rows_of(i);
    Vector rest = tile::load(rest_ + i), taken = tile::load(taken_ + i);
    const Vector minus = tile::load(minus_d + i);
    for (int r = j.end - 1; r >= j.begin; --r) {
      const Break b(tile::load(s.row(r) + i));
      const Vector weight = b.taken * rest, own = weight * tile::load(ds.row(r) + i);
      taken = taken + own;
      tile::store(weight, s.row(r) + i);
      tile::store(hn::MulAdd(b.taken, minus + taken, b.left * own), ds.row(r) + i);
      rest = rest * b.left;
    }
    tile::store(rest, rest_ + i);
    tile::store(taken, taken_ + i);
  }
}

}  // namespace yonder::fused
