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

StickBreaking::StickBreaking(Workspace& memory)
    : remainder_(memory.take(side)), taken_(memory.zeros(side)) {
  std::fill_n(remainder_, side, real(1));
}

void StickBreaking::write_weights(const TilePair& pair, Square s) const {
  for (int i = 0; i < side; i += lanes) {
    const IndexRange j = pair.rows_of(i);
    Vector remainder = tile::load(remainder_ + i);
    for (int r = j.end - 1; r >= j.begin; --r) {
      const Break b(tile::load(s.row(r) + i));
      tile::store(b.taken * remainder, s.row(r) + i);
      remainder = remainder * b.left;
    }
    tile::store(remainder, remainder_ + i);
  }
}

void StickBreaking::differentiate(const TilePair& pair, const real* minus_d, Square s,
                                  Square ds) const {
  for (int i = 0; i < side; i += lanes) {
    const IndexRange j = pair.rows_of(i);
    Vector remainder = tile::load(remainder_ + i), taken = tile::load(taken_ + i);
    const Vector minus = tile::load(minus_d + i);
    for (int r = j.end - 1; r >= j.begin; --r) {
      const Break b(tile::load(s.row(r) + i));
      const Vector weight = b.taken * remainder, own = weight * tile::load(ds.row(r) + i);
      taken = taken + own;
      tile::store(weight, s.row(r) + i);
      tile::store(hn::MulAdd(b.taken, minus + taken, b.left * own), ds.row(r) + i);
      remainder = remainder * b.left;
    }
    tile::store(remainder, remainder_ + i);
    tile::store(taken, taken_ + i);
  }
}

}  // namespace yonder::fused
