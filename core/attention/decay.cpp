#include "core/attention/decay.h"

#include "core/parallel.h"

namespace yonder::fused {
namespace {

using tile::lanes;
using tile::Vector;
namespace hn = tile::hn;

// to[c] = to[c] · by[c]
void multiply(real* to, const real* by, int n) {
  for (int c = 0; c < n; c += lanes) tile::store(tile::load(to + c) * tile::load(by + c), to + c);
}

// to[c] = to[c] · by[c] + f x[c]
void multiply_add(real* to, const real* by, real f, const real* x, int n) {
  const Vector factor = tile::all(f);
  for (int c = 0; c < n; c += lanes)
    tile::store(hn::MulAdd(tile::load(to + c), tile::load(by + c), factor * tile::load(x + c)),
                to + c);
}

// to[c] += x[c] · by[c]
void add_product(real* to, const real* x, const real* by, int n) {
  for (int c = 0; c < n; c += lanes)
    tile::store(hn::MulAdd(tile::load(x + c), tile::load(by + c), tile::load(to + c)), to + c);
}

void exponentiate(real* x, std::int64_t n) {
  for (std::int64_t i = 0; i < n; i += lanes) tile::store(tile::exp(tile::load(x + i)), x + i);
}

}  // namespace

PackedDecay::PackedDecay(const AttentionCall& call) {
  const int width = wide(call.dk), tiles = (call.Tk + side - 1) / side;
  const Shape shape{call.B * call.H, tiles * side, width};
  k = Tensor::uninitialized(shape), fade = Tensor::uninitialized(shape);
  gate = Tensor::uninitialized(shape);
  ends.resize(std::size_t(call.B) * call.H * tiles * width);
  parallel_for(std::int64_t(call.B) * call.H, [&](std::int64_t n) {
    const int b = int(n / call.H), h = int(n % call.H);
    std::vector<double> sum(static_cast<std::size_t>(width)), after(sum);
    for (int t = 0; t < tiles; ++t) {
      const int first = t * side, count = std::clamp(call.keys_of(b) - first, 0, side);
      const std::int64_t at = (n * tiles + t) * side * width;
      real *log = &gate[at], *exponent = &fade[at], *key = &k[at];
      Rows{call.dots.log_decay.value(), b, first, count, h}.copy(log);
      Rows{call.dots.k.value(), b, first, count, h}.copy(key);
      std::fill(after.begin(), after.end(), 0);
      for (int j = side - 1; j >= 0; --j)
        for (int c = 0; c < width; ++c) {
          exponent[j * width + c] = real(after[std::size_t(c)]);
          after[std::size_t(c)] += double(log[j * width + c]);
        }
      for (int c = 0; c < width; ++c) {
        sum[std::size_t(c)] += after[std::size_t(c)];
        ends[std::size_t((n * tiles + t) * width + c)] = sum[std::size_t(c)];
      }
      exponentiate(log, side * width), exponentiate(exponent, side * width);
      multiply(key, exponent, side * width);
    }
  });
}

Decay::Decay(const QueryTile& queries, const PackedDecay& packed, Workspace& memory)
    : queries_(queries),
      packed_(packed),
      width_(wide(queries.call.dk)),
      keys_(queries.call.keys_of(queries.b)),
      own_(queries.call.own_key(queries.first)),
      start_(static_cast<std::size_t>(width_)),
      grown_(memory.take(side * width_)),
      faded_(memory.take(side * width_)),
      turned_(memory.take(side * width_)),
      scaled_(memory.take(side * width_)),
      plain_(memory.take(side * width_)),
      sum_(memory.take(side * width_)),
      dq_(memory.zeros(side * width_)),
      factor_(memory.take(width_)),
      passed_(memory.take(width_)) {
  const AttentionCall& call = queries.call;
  const Tensor& log = call.dots.log_decay.value();
  const auto add = [&](int key, std::vector<double>& to) {
    if (key < 0 || key >= keys_) return;
    const real* from = &log[AttentionCall::at(log, queries.b, key, queries.h)];
    for (int c = 0; c < call.dk; ++c) to[std::size_t(c)] += double(from[c]);
  };
  const int last = std::min(own_, keys_ - 1), tile = last >= 0 ? last / side : 0;
  if (tile > 0) {
    const double* end = &packed.ends[std::size_t((row(0) / side + tile - 1) * width_)];
    std::copy_n(end, width_, start_.begin());
  }
  for (int t = tile * side; t <= last; ++t) add(t, start_);
  std::vector<double> from_start(start_.size());
  for (int i = 0; i < side; ++i) {
    if (i > 0 && i < queries.count) add(own_ + i, from_start);
    for (int c = 0; c < width_; ++c) grown_[i * width_ + c] = real(from_start[std::size_t(c)]);
  }
  exponentiate(grown_, side * width_);
  std::copy_n(queries.q[0], side * width_, faded_);
  multiply(faded_, grown_, side * width_);
  turn(faded_, width_, turned_);
}

// e^(start − P of the last key), for a tile of keys before all queries.
void Decay::write_factor(const TilePair& pair) {
  const double* end = &packed_.ends[std::size_t(row(pair.keys.first) / side * width_)];
  for (int c = 0; c < width_; ++c)
    factor_[c] = real(std::min(start_[std::size_t(c)] - end[c], 0.0));
  exponentiate(factor_, width_);
}

void Decay::dot_products(const TilePair& pair, Square s) {
  if (!apart(pair)) return mixed_products(pair, s);
  write_factor(pair);
  for (int c = 0; c < width_; ++c)
    for (int i = 0; i < side; i += lanes)
      tile::store(tile::load(turned_ + c * side + i) * tile::all(factor_[c]),
                  scaled_ + c * side + i);
  constexpr real zeros[side] = {};
  pair.products(&packed_.k[row(pair.keys.first) * width_], width_, scaled_, queries_.call.dk, zeros,
                s);
}

// scaled_[c][i] = q_ic e^(P_ic − P_tc) for the present key t and the queries from t on, 0 for those
// before it.
void Decay::mixed_products(const TilePair& pair, Square s) {
  constexpr int groups = side / lanes;
  const int first = pair.keys.first, count = pair.keys.count, depth = queries_.call.dk;
  const real* q = queries_.q_turned[0];
  std::fill_n(scaled_, width_ * side, real(0));
  std::fill_n(passed_, width_, real(1));
  for (int i = std::max(first + count - own_, 0); i < queries_.count; ++i) {  // after the tile
    if (own_ + i < keys_) multiply(passed_, gate(own_ + i), width_);
    for (int c = 0; c < depth; ++c) scaled_[c * side + i] = q[c * side + i] * passed_[c];
  }
  for (int j = pair.keys.rows() - 1; j >= count; --j) std::fill_n(s.row(j), side, real(0));
  for (int j = count - 1; j >= 0; --j) {
    const real* key = pair.keys.k[0] + j * width_;
    Vector sum[groups];
    for (Vector& x : sum) x = tile::all(0);
    const real* by = j + 1 < count ? gate(first + j + 1) : nullptr;
    for (int c = 0; c < depth; ++c) {
      const Vector decay = tile::all(by ? by[c] : real(1)), k = tile::all(key[c]);
#pragma GCC unroll 16
      for (int g = 0; g < groups; ++g) {
        real* at = scaled_ + c * side + g * lanes;
        const Vector x = tile::load(at) * decay;
        tile::store(x, at);
        sum[g] = hn::MulAdd(k, x, sum[g]);
      }
    }
    for (int g = 0; g < groups; ++g) tile::store(sum[g], s.row(j) + g * lanes);
    const int own = first + j - own_;
    if (own < 0 || own >= queries_.count) continue;
    real product = 0;
    for (int c = 0; c < depth; ++c) {
      product += q[c * side + own] * key[c];
      scaled_[c * side + own] = q[c * side + own];
    }
    s.row(j)[own] = product;
  }
}

void Decay::differentiate(const TilePair& pair, Square ds, real* dq, real* dk) {
  if (!apart(pair)) {
    mixed_queries(pair, ds, dq);
    return mixed_keys(pair, ds, dk);
  }
  write_factor(pair);
  const std::int64_t at = row(pair.keys.first) * width_;
  std::fill_n(sum_, side * width_, real(0));
  pair.add_over_keys(ds, &packed_.k[at], width_, sum_);
  for (int i = 0; i < side; ++i) add_product(dq_ + i * width_, sum_ + i * width_, factor_, width_);
  std::copy_n(faded_, side * width_, plain_);
  for (int i = 0; i < side; ++i) multiply(plain_ + i * width_, factor_, width_);
  std::fill_n(sum_, side * width_, real(0));
  pair.add_over_queries(ds, plain_, width_, sum_);
  add_product(dk, sum_, &packed_.fade[at], pair.keys.rows() * width_);
}

// dq_i += Σ_j ds_ij k_j e^(P_i − P_j), from the first key to the query's own.
void Decay::mixed_queries(const TilePair& pair, Square ds, real* dq) const {
  for (int i = 0; i < queries_.count; ++i) {
    const IndexRange seen = pair.keys_of(i, 1);
    if (seen.empty()) continue;
    const int own = std::min(own_ + i, keys_ - 1);
    std::fill_n(sum_, width_, real(0));
    for (int j = seen.begin; j < std::min(seen.end, pair.keys.count); ++j)
      multiply_add(sum_, gate(pair.keys.first + j), ds.row(j)[i], pair.keys.k[0] + j * width_,
                   width_);
    for (int t = pair.keys.first + std::min(seen.end, pair.keys.count); t <= own; ++t)
      multiply(sum_, gate(t), width_);
    for (int c = 0; c < width_; ++c) dq[i * width_ + c] += sum_[c];
  }
}

// dk_j += Σ_i ds_ij q_i e^(P_i − P_j), from the last query to the key.
void Decay::mixed_keys(const TilePair& pair, Square ds, real* dk) const {
  for (int j = 0; j < pair.keys.count; ++j) {
    const IndexRange seen = pair.queries_of(j, 1);
    const int end = std::min(seen.end, queries_.count), key = pair.keys.first + j;
    if (seen.begin >= end) continue;
    std::fill_n(sum_, width_, real(0));
    for (int t = own_ + end - 1; t >= key; --t) {
      const int i = t - own_;
      const bool sees = i >= seen.begin && i < end;
      const real* q = queries_.q[0] + std::max(i, 0) * width_;
      std::fill_n(passed_, width_, real(1));
      const real* by = t + 1 < keys_ && t + 1 < own_ + end ? gate(t + 1) : passed_;
      multiply_add(sum_, by, sees ? ds.row(j)[i] : real(0), q, width_);
    }
    for (int c = 0; c < width_; ++c) dk[j * width_ + c] += sum_[c];
  }
}

void Decay::finish(real* dq, real* dsums) const {
  add_product(dq, dq_, grown_, side * width_);
  for (int i = 0; dsums && i < queries_.count; ++i) {
    const int own = std::min(own_ + i, keys_ - 1);
    if (own >= 0)
      add_product(dsums + std::int64_t(own) * width_, dq + i * width_, queries_.q[0] + i * width_,
                  width_);
  }
}

void take_keys(const AttentionCall& call, int b, int h, const real* dk, real* dsums) {
  const Tensor& k = call.dots.k.value();
  const int width = wide(call.dk);
  for (int t = 0; t < call.keys_of(b); ++t) {
    const real* key = &k[AttentionCall::at(k, b, t, h)];
    for (int c = 0; c < call.dk; ++c)
      dsums[std::int64_t(t) * width + c] -= key[c] * dk[std::int64_t(t) * width + c];
  }
}

void add_decay_gradient(const AttentionCall& call, int b, int h, const real* dsums) {
  const Tensor& grad = call.dots.log_decay.grad();
  const int width = wide(call.dk);
  std::vector<double> sum(static_cast<std::size_t>(width));
  for (int t = call.keys_of(b) - 1; t >= 0; --t) {
    real* to = &grad[AttentionCall::at(grad, b, t, h)];
    for (int c = 0; c < call.dk; ++c) {
      sum[std::size_t(c)] += double(dsums[std::int64_t(t) * width + c]);
      to[c] += real(sum[std::size_t(c)]);
    }
  }
}

}  // namespace yonder::fused
