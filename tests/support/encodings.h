#pragma once
#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include "encodings/base/encoding.h"
#include "tests/support/tensors.h"
/// \file
/// Encodings for a small model, their hooks called in the model's order, and the score formula in
/// plain loops.
namespace yonder {

inline const Dims small{
    .vocabulary = 11, .width = 16, .heads = 2, .layers = 1, .mlp = 8, .trained = 16};

inline Dims wide(int width, int heads, int trained) {
  Dims d = small;
  d.width = width, d.heads = heads, d.trained = trained;
  return d;
}

inline Dims bidirectional(Dims d) {
  d.causal = false;
  return d;
}

inline Tensor filled(Shape shape, double value) {
  Tensor x = Tensor::uninitialized(std::move(shape));
  for (real& y : x.flat()) y = real(value);
  return x;
}

inline std::vector<int> range(int first, int count) {
  std::vector<int> at(count);
  std::iota(at.begin(), at.end(), first);
  return at;
}

/// One sequence at the given positions; L is their count unless given.
struct Sequence {
  std::vector<int> at;
  Positions positions;

  Sequence(std::vector<int> where, int longest = 0) : at(std::move(where)) {
    const int tokens = int(at.size());
    positions = {.at = at, .tokens = tokens, .longest = longest ? longest : tokens};
    for (int t = 0; t < tokens; ++t) positions.consecutive &= at[t] == at[0] + t;
  }
  Sequence(const Sequence&) = delete;
};

struct Built {
  Dims dims;
  Composition encoding;
  Parameters parameters{7};

  Built(const std::string& names, const Dims& d, const Overrides& settings = {})
      : dims(d), encoding(names) {
    for (const Override& s : settings) encoding.set(s.key, s.value);
    encoding.build(dims, parameters);
  }

  Tensor& parameter(const std::string& name) {
    static thread_local Tensor found;
    return found = parameters.find("encoding." + name).value();
  }

  /// Applies the embedding hook to word embeddings that are all `word`; [T, D].
  Tensor embedded(const Sequence& s, double word = 0) {
    encoding.begin(s.positions);
    const Var x(filled({1, s.positions.tokens, dims.width}, word));
    return encoding.embed(x, s.at, s.positions).value().view({s.positions.tokens, dims.width});
  }

  /// Arguments of one layer's self-attention. q and k [1, T, H, d] are drawn for each index unless
  /// given; the block's normed input is always drawn.
  struct Call {
    Dots dots;
    ScoreTerms scores;
    Mask mask;
    std::vector<int> at;
    int heads;

    /// Score of query i and key j (by index) of head h by the formula of core/attention.h.
    double score(int h, int i, int j) const;
  };
  Call call(const Sequence& s, Tensor q = {}, Tensor k = {}) {
    const Shape shape{1, s.positions.tokens, dims.heads, dims.head()};
    Call c{.at = s.at, .heads = dims.heads};
    c.dots.q = Var(q ? q : normal(shape, "q"));
    c.dots.k = Var(k ? k : normal(shape, "k"));
    c.scores.scale = real(1 / std::sqrt(double(dims.head())));
    c.mask = encoding.mask_in(0);
    encoding.begin(s.positions);
    const Var n(normal({1, s.positions.tokens, dims.width}, "n"));
    Attention a{.layer = 0,
                .queries = s.positions,
                .keys = s.positions,
                .mask = c.mask,
                .input = n,
                .per_keys = encoding.per_keys(n, 0)};
    encoding.normed(c.dots, a);
    encoding.scale_queries(c.dots, a);
    encoding.dots(c.dots, a);
    a.products = &c.dots;
    encoding.scores(c.scores, a);
    return c;
  }
};

inline double Built::Call::score(int h, int i, int j) const {
  const int distance = at[i] - at[j], d = dots.q.dim(3);
  // row of head h in [T, H, d] or in a table [R, H or 1, d]
  auto row = [&](const Var& x, int t) {
    const int H = x.dim(-2);
    return &x.value()[std::int64_t(t * H + (H == 1 ? 0 : h)) * d];
  };
  auto product = [d](const real* x, const real* y) {
    double sum = 0;
    for (int c = 0; c < d; ++c) sum += double(x[c]) * double(y[c]);
    return sum;
  };
  const bool far = dots.far_window > 0 && std::abs(distance) >= dots.far_window;
  const Var& far_q = distance < 0 && dots.far_q_right ? dots.far_q_right : dots.far_q;
  const int chunks = dots.chunk > 0 ? at[i] / dots.chunk - at[j] / dots.chunk : 0;
  const Var& near_q = chunks <= 0 ? dots.q : chunks == 1 ? dots.previous_q : dots.older_q;
  const double factor = double(scores.scale) * (dots.row ? double(dots.row[i]) : 1);
  const double dot =
      factor * product(row(far ? far_q : near_q, i), row(far ? dots.far_k : dots.k, j));
  double s = dot;
  for (const RelativeTerm& term : scores.relative) {
    const int r = term.bucket(distance);
    if (term.A) s += factor * product(row(dots.q, i), row(term.A, r));
    if (term.B) s += double(scores.scale) * product(row(term.B, r), row(dots.k, j));
    if (term.c) s += double(term.c.value()[r * heads + h]);
    if (term.f) s += (double(term.f[r]) - 1) * dot;
  }
  for (int t = j + 1; scores.log_gate && t <= i; ++t)
    s += double(scores.log_gate.value()[t * heads + h]);
  return s;
}

}  // namespace yonder
