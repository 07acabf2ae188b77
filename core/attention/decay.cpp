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
      transposed_(memory.take(side * width_)),
      scaled_(memory.take(side * width_)),
      plain_(memory.take(side * width_)),
      sum_(memory.take(side * width_)),
      dq_(memory.zeros(side * width_)),
      seen_(memory.take(side * side + 16)),
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
  transpose(faded_, width_, transposed_);
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
      tile::store(tile::load(transposed_ + c * side + i) * tile::all(factor_[c]),
                  scaled_ + c * side + i);
  constexpr real zeros[side] = {};
  pair.products(&packed_.k[row(pair.keys.first) * width_], width_, scaled_, queries_.call.dk, zeros,
                s);
}

// scaled_[c][i] = q_ic e^(P_ic − P_tc) for the current key t and the queries from t on, 0 for those
// before it.
void Decay::mixed_products(const TilePair& pair, Square s) {
  constexpr int groups = side / lanes;
  const int first = pair.keys.first, count = pair.keys.count, depth = queries_.call.dk;
  const real* q = queries_.q_transposed[0];
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
    const real* seen = seen_of(pair, ds);
    mixed_queries(pair, seen, dq);
    return mixed_keys(pair, seen, dk);
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

// ds of visible pairs, 0 elsewhere, [key, query].
const real* Decay::seen_of(const TilePair& pair, Square ds) {
  for (int j = 0; j < pair.keys.count; ++j) {
    const IndexRange i = pair.queries_of(j, 1);
    std::fill_n(seen_ + j * side, side, real(0));
    if (!i.empty()) std::copy(ds.row(j) + i.begin, ds.row(j) + i.end, seen_ + j * side + i.begin);
  }
  return seen_;
}

// dq_i += Σ_j ds_ij k_j e^(P_i − P_j), from the first key to the query's own, for four queries at a
// time.
void Decay::mixed_queries(const TilePair& pair, const real* ds, real* dq) const {
  constexpr int together = 4;
  const int first = pair.keys.first, count = pair.keys.count;
  for (int i = std::max(first - own_, 0); i < queries_.count; i += together)
    for (int c = 0; c < width_; c += lanes) {
      const int rows = std::min(together, queries_.count - i);
      Vector sum[together];
      for (Vector& x : sum) x = tile::all(0);
      const auto add = [&](int t, int from, int to) {
        const Vector decay = tile::load(gate(t) + c);
        const bool inside = t < first + count;
        const Vector k =
            inside ? tile::load(pair.keys.k[0] + (t - first) * width_ + c) : tile::all(0);
        const real* by = ds + (inside ? t - first : 0) * side + i;
#pragma GCC unroll 4
        for (int r = from; r < to; ++r)
          sum[r] = hn::MulAdd(sum[r], decay, tile::all(inside ? by[r] : real(0)) * k);
      };
      const int all = std::min(own_ + i, keys_ - 1);  // all four see the keys up to here
      for (int t = first; t <= all; ++t) add(t, 0, together);
      for (int r = 1; r < rows; ++r)
        for (int t = all + 1; t <= std::min(own_ + i + r, keys_ - 1); ++t) add(t, r, r + 1);
      for (int r = 0; r < rows; ++r) {
        real* to = dq + (i + r) * width_ + c;
        tile::store(tile::load(to) + sum[r], to);
      }
    }
}

// dk_j += Σ_i ds_ij q_i e^(P_i − P_j), from the last query to the key, for four keys at a time.
void Decay::mixed_keys(const TilePair& pair, const real* ds, real* dk) const {
  constexpr int together = 4;
  const int end = queries_.count;
  for (int j = 0; j < pair.keys.count; j += together)
    for (int c = 0; c < width_; c += lanes) {
      const int rows = std::min(together, pair.keys.count - j), key = pair.keys.first + j;
      Vector sum[together];
      for (Vector& x : sum) x = tile::all(0);
      const auto add = [&](int t, int from, int to) {
        const int i = t - own_;
        const Vector decay =
            t + 1 < keys_ ? tile::load(gate(t + 1) + c) : tile::all(1);  // sum is 0 at the end
        const Vector q = i >= 0 ? tile::load(queries_.q[0] + i * width_ + c) : tile::all(0);
#pragma GCC unroll 4
        for (int r = from; r < to; ++r) {
          const real by = i >= 0 && r < rows ? ds[(j + r) * side + i] : real(0);
          sum[r] = hn::MulAdd(sum[r], decay, tile::all(by) * q);
        }
      };
      const int all = key + rows - 1;  // queries from here on see all four
      for (int t = own_ + end - 1; t >= all; --t) add(t, 0, together);
      for (int r = 0; r + 1 < rows; ++r)
        for (int t = std::min(all, own_ + end) - 1; t >= key + r; --t) add(t, r, r + 1);
      for (int r = 0; r < rows; ++r) {
        real* to = dk + (j + r) * width_ + c;
        tile::store(tile::load(to) + sum[r], to);
      }
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
