#include "core/attention/forget_gate.h"

namespace yonder::fused {

using tile::lanes;
using tile::Vector;

GateSums::GateSums(const Var& log_gate) {
  if (!log_gate) return;
  gates_ = log_gate.value();
  const int B = gates_.dim(0), T = gates_.dim(1), H = gates_.dim(2);
  for (int b = 0; b < B; ++b)
    for (int h = 0; h < H; ++h) {
      double sum = 0;
      for (int t = 0; t < T; ++t) {
        if (t % side == 0) starts_.push_back(sum);
        sum += gate(b, h, t);
      }
    }
}

double GateSums::before(int b, int h, int t) const {
  const int tiles = (gates_.dim(1) + side - 1) / side;
  const int end = std::clamp(t, 0, gates_.dim(1)), tile = std::min(end / side, tiles - 1);
  double sum = starts_[(std::size_t(b) * gates_.dim(2) + h) * tiles + tile];
  for (int u = tile * side; u < end; ++u) sum += gate(b, h, u);
  return sum;
}

void GateSums::write(int b, int h, int first, int count, double from, real* to) const {
  double sum = before(b, h, first) - from;
  for (int n = 0; n < count; ++n) to[n] = real(sum += gate(b, h, first + n));
}

Gates::Gates(const QueryTile& queries, Workspace& memory)
    : queries_(memory.zeros(side)),
      keys_(memory.take(side)),
      by_query_(memory.zeros(side)),
      by_key_(memory.take(side * lanes)) {
  const AttentionCall& call = queries.call;
  const int b = queries.b, h = queries.h, own = call.own_key(queries.first);
  start_ = call.gates.before(b, h, own);
  call.gates.write(b, h, own, queries.count, start_, queries_);
}

void Gates::add_scores(const TilePair& pair, Square s) const {
  const QueryTile& queries = pair.queries;
  pair.call.gates.write(queries.b, queries.h, pair.keys.first, pair.keys.count, start_, keys_);
  for (int j = 0; j < pair.keys.count; ++j)
    for (int i = 0; i < side; i += lanes) {
      const Vector sum = tile::load(queries_ + i) - tile::all(keys_[j]);
      tile::store(tile::load(s.row(j) + i) + sum, s.row(j) + i);
    }
}

void Gates::differentiate(const TilePair& pair, Square ds, real* dc) const {
  std::fill_n(by_key_, pair.keys.count * lanes, real(0));
  for (int i = 0; i < side; i += lanes) {
    const IndexRange j = pair.rows_of(i);
    Vector sum = tile::load(by_query_ + i);
    for (int r = j.begin; r < std::min(j.end, pair.keys.count); ++r) {
      const Vector d = tile::load(ds.row(r) + i);
      sum = sum + d;
      tile::store(tile::load(by_key_ + r * lanes) + d, by_key_ + r * lanes);
    }
    tile::store(sum, by_query_ + i);
  }
  for (int j = 0; j < pair.keys.count; ++j)
    dc[pair.keys.first + j] -=
        tile::hn::GetLane(tile::hn::SumOfLanes(tile::Reals(), tile::load(by_key_ + j * lanes)));
}

void Gates::finish(const QueryTile& queries, real* dc) const {
  for (int i = 0; i < queries.count; ++i) {
    const int own = std::min(queries.call.own_key(queries.first + i), queries.call.Tk - 1);
    if (own >= 0) dc[own] += by_query_[i];
  }
}

void add_gate_gradient(const AttentionCall& call, int b, int h, const real* dc) {
  const Tensor& grad = call.scores.log_gate.grad();
  double sum = 0;
  for (int t = call.Tk - 1; t >= 0; --t) {
    sum += dc[t];
    grad[(std::int64_t(b) * call.Tk + t) * call.H + h] += real(sum);
  }
}

}  // namespace yonder::fused
