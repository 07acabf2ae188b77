#include "core/attention/path.h"

#include "core/parallel.h"

namespace yonder::fused {
namespace {

using tile::lanes;
using tile::Left;
using tile::Result;
using tile::Right;
using tile::Vector;
namespace hn = tile::hn;

constexpr int square = side * side;

// C [rows, columns] += A [rows, depth] · B [depth, columns]; rows and columns whole vectors
void add_product(Left a, int rows, int depth, Right b, int columns, Result c) {
  tile::each_tall(rows, [&](int r, auto n) {
    tile::multiply<n>({a.at + r * a.row, a.row, a.column}, b, columns, depth,
                      {c.at + r * c.row, c.row});
  });
}

// The same, overwriting C.
void write_product(Left a, int rows, int depth, Right b, int columns, Result c) {
  for (int r = 0; r < rows; ++r) std::fill_n(c.at + r * c.row, columns, real(0));
  add_product(a, rows, depth, b, columns, c);
}

void negate(real* x, int rows, int columns, int stride) {
  for (int r = 0; r < rows; ++r)
    for (int c = 0; c < columns; ++c) x[r * stride + c] = -x[r * stride + c];
}

Left plain(const real* x, int columns) { return {x, columns, 1}; }
Left transposed(const real* x, int columns) { return {x, 1, columns}; }

// to += f x
void add_times(real f, const real* x, real* to, int n) {
  for (int c = 0; c < n; c += lanes)
    tile::store(hn::MulAdd(tile::all(f), tile::load(x + c), tile::load(to + c)), to + c);
}

real product_of(const real* x, const real* y, int n) {
  Vector sum = tile::all(0);
  for (int c = 0; c < n; c += lanes) sum = hn::MulAdd(tile::load(x + c), tile::load(y + c), sum);
  return hn::GetLane(hn::SumOfLanes(tile::Reals(), sum));
}

// Copies the betas of a tile, 0 beyond its keys.
void copy_beta(const AttentionCall& call, int b, int h, int first, real* to) {
  const Tensor& beta = call.dots.path.beta.value();
  for (int t = 0; t < side; ++t)
    to[t] = first + t < call.keys_of(b)
                ? beta[(std::int64_t(b) * beta.dim(1) + first + t) * beta.dim(2) + h]
                : real(0);
}

// G row by row: G_t = β_t (e_t − Σ_{s<t} (w_t·w_s) G_s).  gram [side, side]
void write_g(const real* gram, const real* beta, int n, real* g) {
  for (int t = 0; t < n; ++t) std::fill_n(g + t * side, n, real(0));
  for (int t = 0; t < n; ++t) {
    real* row = g + t * side;
    row[t] = 1;
    for (int s = 0; s < t; ++s)
      add_times(-gram[t * side + s], g + s * side, row, tile::up_to(lanes, s + 1));
    for (int c = 0; c <= t; ++c) row[c] *= beta[t];
  }
}

// Zeroes the diagonal and everything above it.
void keep_below(real* x, int n) {
  for (int t = 0; t < n; ++t) std::fill(x + t * side + t, x + t * side + n, real(0));
}

}  // namespace

PackedPath::PackedPath(const AttentionCall& call) {
  const int width = wide(call.dk), tiles = (call.Tk + side - 1) / side, heads = call.B * call.H;
  const auto make = [&](int columns) {
    return Tensor::uninitialized({heads, tiles * side, columns});
  };
  w = make(width), w_transposed = make(width), k = make(width), minus_gw = make(width);
  g = make(side), minus_l = make(side);
  parallel_for(std::int64_t(heads) * tiles, [&](std::int64_t i) {
    const std::int64_t n = i / tiles;
    const int b = int(n / call.H), h = int(n % call.H), first = int(i % tiles) * side;
    const int count = std::clamp(call.keys_of(b) - first, 0, side), rows = wide(count);
    if (count == 0) return;
    Workspace memory(std::size_t(square) + 2 * side * width + side + 64);
    real *gram = memory.take(square), *key_transposed = memory.take(side * width),
         *y = memory.take(side * width), *beta = memory.take(side);
    real *own = at(w, n, first), *own_transposed = at(w_transposed, n, first),
         *key = at(k, n, first), *G = at(g, n, first), *L = at(minus_l, n, first),
         *gw = at(minus_gw, n, first);
    Rows{call.dots.path.w.value(), b, first, count, h}.copy(own);
    Rows{call.dots.k.value(), b, first, count, h}.copy(key);
    transpose(own, width, own_transposed), transpose(key, width, key_transposed);
    copy_beta(call, b, h, first, beta);
    write_product(plain(own, width), rows, call.dk, {own_transposed, side}, rows, {gram, side});
    write_g(gram, beta, rows, G);
    write_product(plain(own, width), rows, call.dk, {key_transposed, side}, rows, {L, side});
    keep_below(L, rows);
    write_product(plain(G, side), rows, rows, {own, width}, width, {gw, width});
    write_product(transposed(G, side), rows, rows, {own, width}, width, {y, width});
    negate(L, rows, rows, side), negate(gw, rows, width, width);
    add_product(transposed(L, side), rows, rows, {y, width}, width, {key, width});
  });
}

Path::Path(const QueryTile& queries, const PackedPath& packed, Workspace& memory)
    : queries_(queries),
      packed_(packed),
      width_(wide(queries.call.dk)),
      own_(queries.call.own_key(queries.first)),
      top_(std::min(own_ + queries.count, queries.call.keys_of(queries.b)) - 1),
      q_(memory.take(side * width_)),
      transposed_(memory.take(side * width_)),
      dq_transposed_(memory.take(side * width_)),
      x_(memory.take(square)),
      dx_(memory.take(square)),
      n_(memory.take(square)),
      n_transposed_(memory.take(square)),
      dn_(memory.take(square)) {
  rows_ = wide(std::max(queries.count, 1));
  top_ = std::max(top_, 0) / side;
  at_ = top_;
  std::copy_n(queries.q[0], side * width_, q_);
}

// X = Q Wᵀ, without the w after a query's own token.
void Path::write_x(int tile) {
  write_product(plain(q_, width_), rows_, queries_.call.dk, {of(packed_.w_transposed, tile), side},
                keys(tile), {x_, side});
  if (!owns(tile)) return;
  for (int i = 0; i < rows_; ++i) {
    const int last = own_ + i - tile * side;  // its own token
    const int begin = std::clamp(last + 1, 0, side);
    std::fill(x_ + i * side + begin, x_ + (i + 1) * side, real(0));
  }
}

// Q −= X G W
void Path::leave(int tile) {
  write_x(tile);
  add_product(plain(x_, side), rows_, keys(tile), {of(packed_.minus_gw, tile), width_}, width_,
              {q_, width_});
}

// Sets Q to its value before a tile.
void Path::load(int tile) {
  if (recorded_) std::copy_n(recorded_ + std::int64_t(tile) * side * width_, side * width_, q_);
  else
    for (; at_ > tile; --at_) leave(at_);
}

void Path::record(int first, real* memory) {
  recorded_ = memory;
  for (int tile = top_; tile >= first / side; --tile) {
    std::copy_n(q_, side * width_, recorded_ + std::int64_t(tile) * side * width_);
    if (tile > first / side) leave(tile);
  }
  passed_ = first / side - 1;
}

void Path::dot_products(const TilePair& pair, Square s) {
  constexpr real zeros[side] = {};
  const int tile = pair.keys.first / side, depth = queries_.call.dk;
  load(tile);
  transpose(q_, width_, transposed_);
  if (!owns(tile)) return pair.products(of(packed_.k, tile), width_, transposed_, depth, zeros, s);
  pair.products(pair.keys.k[0], width_, transposed_, depth, zeros, s);
  write_x(tile);
  const int n = keys(tile);
  write_product(plain(x_, side), rows_, n, {of(packed_.g, tile), side}, n, {n_, side});
  transpose(n_, side, n_transposed_);
  add_product(transposed(of(packed_.minus_l, tile), side), pair.keys.rows(), n,
              {n_transposed_, side}, rows_, {s.at, Square::stride});
}

// The backward pass of leave(): adds to the sums, and dq becomes the gradient of Q before the tile,
// except its part through Q·k in the scores. dn_ is the gradient of X G in them, if with_scores.
void Path::pass(int tile, real* dq, const PathSums& sums, bool with_scores) {
  const std::int64_t at = std::int64_t(tile) * side;
  const int n = keys(tile);
  transpose(dq, width_, dq_transposed_);
  write_product(plain(of(packed_.minus_gw, tile), width_), n, queries_.call.dk,
                {dq_transposed_, side}, rows_, {dx_, side});
  add_product(transposed(x_, side), n, rows_, {dq, width_}, width_,
              {sums.minus_gw + at * width_, width_});
  if (with_scores) {
    add_product(plain(of(packed_.g, tile), side), n, n, {dn_, side}, rows_, {dx_, side});
    transpose(dn_, side, n_transposed_);
    add_product(transposed(x_, side), n, rows_, {n_transposed_, side}, n,
                {sums.g + at * side, side});
  }
  if (owns(tile))
    for (int i = 0; i < rows_; ++i)
      for (int t = std::clamp(own_ + i - tile * side + 1, 0, side); t < n; ++t)
        dx_[t * side + i] = 0;
  add_product(plain(dx_, side), n, rows_, {q_, width_}, width_, {sums.w + at * width_, width_});
  add_product(transposed(dx_, side), rows_, n, {of(packed_.w, tile), width_}, width_, {dq, width_});
}

void Path::differentiate(const TilePair& pair, Square ds, real* dq, real* dk,
                         const PathSums& sums) {
  const int tile = pair.keys.first / side;
  for (int gap = passed_ + 1; gap < tile; ++gap) {
    load(gap), write_x(gap);
    pass(gap, dq, sums, false);
  }
  passed_ = tile;
  load(tile), write_x(tile);
  const std::int64_t at = std::int64_t(tile) * side;
  if (!owns(tile)) {
    pass(tile, dq, sums, false);
    pair.add_over_queries(ds, q_, width_, sums.k + at * width_);
    return pair.add_over_keys(ds, of(packed_.k, tile), width_, dq);
  }
  // S = Q Kᵀ − N L, N = X G: only for visible pairs, for which ds has been computed.
  const int n = keys(tile);
  real* seen = n_transposed_;  // [key, query]
  for (int j = 0; j < n; ++j) {
    std::fill_n(seen + j * side, side, real(0));
    const IndexRange i = j < pair.keys.count ? pair.queries_of(j, 1) : IndexRange{0, 0};
    if (!i.empty()) std::copy(ds.row(j) + i.begin, ds.row(j) + i.end, seen + j * side + i.begin);
  }
  write_product(plain(x_, side), rows_, n, {of(packed_.g, tile), side}, n, {n_, side});
  negate(n_, rows_, n, side);
  add_product(plain(seen, side), n, rows_, {n_, side}, n, {sums.l_transposed + at * side, side});
  write_product(plain(of(packed_.minus_l, tile), side), n, n, {seen, side}, rows_, {dn_, side});
  pass(tile, dq, sums, true);
  pair.add_over_queries(ds, q_, width_, dk);
  pair.add_over_keys(ds, pair.keys.k[0], width_, dq);
}

void Path::finish(real* dq, const PathSums& sums) {
  for (int gap = passed_ + 1; gap <= top_; ++gap) {
    load(gap), write_x(gap);
    pass(gap, dq, sums, false);
  }
}

namespace {

// One tile of fold_path(): w, k and β of the tile, derived matrices, and their gradients.
struct Fold {
  int n, width, depth;  // keys up to whole vectors; columns; used columns
  const real *w, *w_transposed, *k, *beta, *g, *minus_l;
  real *dw, *dk, *dbeta;                           // of the tile
  real *dk_left, *dminus_gw, *dg, *dl_transposed;  // of k', −G W, G and Lᵀ
  real *y, *y_transposed, *square_buffer, *gram;   // [side, width], [width, side], [side, side]

  void operator()() const {
    of_keys();
    of_gw();
    of_l();
    of_g();
  }
  // k' = K − Lᵀ Y, Y = Gᵀ W
  void of_keys() const {
    for (int c = 0; c < n * width; ++c) dk[c] += dk_left[c];
    write_product(transposed(g, side), n, n, {w, width}, width, {y, width});
    transpose(y, width, y_transposed);
    write_product(plain(dk_left, width), n, depth, {y_transposed, side}, n, {square_buffer, side});
    for (int j = 0; j < n; ++j)
      add_times(-1, square_buffer + j * side, dl_transposed + j * side, n);
    write_product(plain(minus_l, side), n, n, {dk_left, width}, width, {y, width});  // dY
    transpose(y, width, y_transposed);
    add_product(plain(w, width), n, depth, {y_transposed, side}, n, {dg, side});
    add_product(plain(g, side), n, n, {y, width}, width, {dw, width});
  }
  // −G W
  void of_gw() const {
    negate(dminus_gw, n, width, width);
    add_product(plain(dminus_gw, width), n, depth, {w_transposed, side}, n, {dg, side});
    add_product(transposed(g, side), n, n, {dminus_gw, width}, width, {dw, width});
  }
  // L = tril(W Kᵀ, −1)
  void of_l() const {
    for (int j = 0; j < n; ++j) std::fill_n(dl_transposed + j * side, j + 1, real(0));
    add_product(transposed(dl_transposed, side), n, n, {k, width}, width, {dw, width});
    add_product(plain(dl_transposed, side), n, n, {w, width}, width, {dk, width});
  }
  // G_t = β_t r_t, r_t = e_t − Σ_{s<t} M_ts G_s, M = W Wᵀ
  void of_g() const {
    write_product(plain(w, width), n, depth, {w_transposed, side}, n, {gram, side});
    real* dgram = square_buffer;
    for (int t = 0; t < n; ++t) std::fill_n(dgram + t * side, n, real(0));
    real rest[side];
    for (int t = n - 1; t >= 0; --t) {
      const int columns = wide(t + 1);
      std::fill_n(rest, columns, real(0));
      rest[t] = 1;
      for (int s = 0; s < t; ++s) add_times(-gram[t * side + s], g + s * side, rest, columns);
      real* row = dg + t * side;
      dbeta[t] += product_of(row, rest, columns);
      for (int c = 0; c < columns; ++c) row[c] *= beta[t];
      for (int s = 0; s < t; ++s) {
        dgram[t * side + s] = -product_of(row, g + s * side, wide(s + 1));
        add_times(-gram[t * side + s], row, dg + s * side, columns);
      }
    }
    add_product(plain(dgram, side), n, n, {w, width}, width, {dw, width});
    add_product(transposed(dgram, side), n, n, {w, width}, width, {dw, width});
  }
};

}  // namespace

void fold_path(const AttentionCall& call, const PackedPath& packed, int b, int h,
               const PathSums& sums, real* dk, real* dbeta) {
  const int width = wide(call.dk);
  const std::int64_t n = std::int64_t(b) * call.H + h;
  Workspace memory(std::size_t(3 * side) * width + 2 * square + side + 16 * 6);
  real *k = memory.take(side * width), *y = memory.take(side * width),
       *y_transposed = memory.take(side * width), *square_buffer = memory.take(square),
       *gram = memory.take(square), *beta = memory.take(side);
  for (int first = 0; first < call.keys_of(b); first += side) {
    const std::int64_t at = std::int64_t(first) * width, at_square = std::int64_t(first) * side;
    const int count = std::min(call.keys_of(b) - first, side);
    Rows{call.dots.k.value(), b, first, count, h}.copy(k);
    copy_beta(call, b, h, first, beta);
    Fold{.n = wide(count),
         .width = width,
         .depth = call.dk,
         .w = PackedPath::at(packed.w, n, first),
         .w_transposed = PackedPath::at(packed.w_transposed, n, first),
         .k = k,
         .beta = beta,
         .g = PackedPath::at(packed.g, n, first),
         .minus_l = PackedPath::at(packed.minus_l, n, first),
         .dw = sums.w + at,
         .dk = dk + at,
         .dbeta = dbeta + first,
         .dk_left = sums.k + at,
         .dminus_gw = sums.minus_gw + at,
         .dg = sums.g + at_square,
         .dl_transposed = sums.l_transposed + at_square,
         .y = y,
         .y_transposed = y_transposed,
         .square_buffer = square_buffer,
         .gram = gram}();
  }
}

void add_beta_gradient(const AttentionCall& call, int b, int h, const real* dbeta) {
  const Tensor& grad = call.dots.path.beta.grad();
  for (int t = 0; t < call.Tk; ++t) grad[(std::int64_t(b) * call.Tk + t) * call.H + h] += dbeta[t];
}

}  // namespace yonder::fused
