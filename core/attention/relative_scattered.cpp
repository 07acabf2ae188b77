#include "core/attention/tile_pair.h"

/// \file
/// Relative terms at any positions: each pair looks up its own distance.
namespace yonder::fused {
namespace {

using tile::lanes;
using tile::Vector;

real dot(const real* x, const real* y, int width) {
  Vector sum = tile::all(0);
  for (int c = 0; c < width; c += lanes)
    sum = tile::hn::MulAdd(tile::load(x + c), tile::load(y + c), sum);
  return tile::hn::GetLane(tile::hn::SumOfLanes(tile::Reals(), sum));
}

// to += w x
void add(real w, const real* x, int width, real* to) {
  for (int c = 0; c < width; c += lanes)
    tile::store(tile::hn::MulAdd(tile::all(w), tile::load(x + c), tile::load(to + c)), to + c);
}

// Calls f(i, j, index of the distance in a table) for every visible pair.
template <class F>
void each_pair(const TilePair& pair, F&& f) {
  for (int j = 0; j < pair.keys.count; ++j) {
    const IndexRange seen = pair.seen_by(j);
    for (int i = seen.begin; i < std::min(seen.end, pair.queries.count); ++i) {
      const int d = pair.distance(i, j);
      assert(d >= pair.tables.least && d < pair.tables.least + pair.tables.count);
      f(i, j, pair.tables.place(d));
    }
  }
}

class Scattered final : public Relative {
 public:
  void stretch(const TilePair& pair, Square s) const override {
    const real* f = &pair.tables.f[0];
    each_pair(pair, [&](int i, int j, std::ptrdiff_t r) { s.row(j)[i] *= f[r]; });
  }

  void add_scores(const TilePair& pair, Square s) const override {
    const ByDistance& tables = pair.tables;
    const int h = pair.queries.h, width = wide(pair.call.dk);
    const real* c = tables.c ? &tables.c[h * tables.stride] : nullptr;
    const real* A = tables.A ? tables.A.rows_of(h) : nullptr;
    const real* B = tables.B ? tables.B.rows_of(h) : nullptr;
    each_pair(pair, [&](int i, int j, std::ptrdiff_t r) {
      real sum = c ? c[r] : 0;
      if (A) sum += dot(pair.queries.q[0] + i * width, A + r * width, width);
      if (B) sum += dot(pair.keys.k[0] + j * width, B + r * width, width);
      s.row(j)[i] += sum;
    });
  }

  void add_values(const TilePair& pair, Square p, real* z) const override {
    if (!pair.tables.V) return;
    const int width = wide(pair.call.dv);
    const real* V = pair.tables.V.rows_of(pair.queries.h);
    each_pair(pair, [&](int i, int j, std::ptrdiff_t r) {
      add(p.row(j)[i], V + r * width, width, z + i * width);
    });
  }

  void add_value_products(const TilePair& pair, const real* dz, const real*,
                          Square ds) const override {
    if (!pair.tables.V) return;
    const int width = wide(pair.call.dv);
    const real* V = pair.tables.V.rows_of(pair.queries.h);
    each_pair(pair, [&](int i, int j, std::ptrdiff_t r) {
      ds.row(j)[i] += dot(dz + i * width, V + r * width, width);
    });
  }

  void add_to_queries(const TilePair& pair, Square ds, real* dq) const override {
    if (!pair.tables.A) return;
    const int width = wide(pair.call.dk);
    const real* A = pair.tables.A.rows_of(pair.queries.h);
    each_pair(pair, [&](int i, int j, std::ptrdiff_t r) {
      add(ds.row(j)[i], A + r * width, width, dq + i * width);
    });
  }

  void add_to_keys(const TilePair& pair, Square ds, real* dk) const override {
    if (!pair.tables.B) return;
    const int width = wide(pair.call.dk);
    const real* B = pair.tables.B.rows_of(pair.queries.h);
    each_pair(pair, [&](int i, int j, std::ptrdiff_t r) {
      add(ds.row(j)[i], B + r * width, width, dk + j * width);
    });
  }

  void add_to_tables(const TilePair& pair, Square p, Square ds, const real* dz,
                     const Sums& sums) const override {
    if (!sums.c && !sums.A && !sums.B && !sums.V) return;
    const int width = wide(pair.call.dk), v_width = wide(pair.call.dv);
    const real *q = pair.queries.q[0], *k = pair.keys.k[0];
    each_pair(pair, [&](int i, int j, std::ptrdiff_t r) {
      if (sums.c) sums.c[r] += ds.row(j)[i];
      if (sums.A) add(ds.row(j)[i], q + i * width, width, sums.A + r * width);
      if (sums.B) add(ds.row(j)[i], k + j * width, width, sums.B + r * width);
      if (sums.V) add(p.row(j)[i], dz + i * v_width, v_width, sums.V + r * v_width);
    });
  }
};

}  // namespace

const Relative& relative_scattered() {
  static const Scattered the;
  return the;
}

}  // namespace yonder::fused
