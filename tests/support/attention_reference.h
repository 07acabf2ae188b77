#pragma once
#include <cmath>
#include <cstdlib>
#include <limits>
#include <vector>

#include "core/attention.h"

/// \file
/// The formula of core/attention.h in four loops and in double, forward and backward: a reference
/// for tests. It shares no code with the implementation and is meant to be readable, not fast.
namespace yonder::naive {

using Numbers = std::vector<double>;

inline Numbers zeros(const Var& x) { return Numbers(std::size_t(x.size())); }

/// A call of attention. `bias` has a value for every pair, [B, H, Tq, Tk], and replaces the strips.
struct Call {
  Dots dots;
  Var v;
  ScoreTerms scores;  // its strips are not used
  Mask mask;
  Positions queries, keys;
  Numbers bias;
};

/// Gradients of the loss for every operand; those of relative and contextual terms in their order.
struct Gradients {
  Numbers q, k, far_q, far_k, far_q_right, previous_q, older_q, v, bias, log_gate, sink;
  Numbers log_decay, w, beta;
  struct Term {
    Numbers A, B, V, c;
  };
  std::vector<Term> relative;
  std::vector<Numbers> contextual;
};

struct Result {
  Numbers z;  // [B, Tq, H, dv]
  Gradients gradients;
};

/// One row of scores: query i of head h of sequence b.
class Row {
 public:
  Row(const Call& call, int b, int h, int i);

  /// Attention weights. With stick_breaking_remainder_to_own, the own key's is the remainder.
  Numbers probabilities() const;
  /// Adds the row's part of all gradients, given its weights and dz.
  void differentiate(const Numbers& p, const double* dz, Gradients& to) const;
  double value(int j, int c) const;  ///< v_j + V[r], column c
  bool visible(int j) const;         ///< whether the query sees the key
  double score(int j) const;         ///< before softmax

 private:
  const Call& call_;
  int b_, h_, i_;
  Numbers place_;  // Σ_{t=j..i} σ(raw t) of each key; empty without contextual terms
  // q_i H_i … H_{j+1} for each key j, or q_i with the decays of the tokens after j; empty if the
  // tokens in between take no part
  std::vector<Numbers> walked_;

  int Tq() const { return call_.dots.q.dim(1); }
  int Tk() const { return call_.dots.k.dim(1); }
  int H() const { return call_.dots.q.dim(2); }
  int dk() const { return call_.dots.q.dim(3); }
  int distance(int j) const { return call_.queries(b_, i_) - call_.keys(b_, j); }
  // offset of head h in row t of [B, T, H, d], and in row r of a table [R, H or 1, d]
  std::size_t at(const Var& x, int t) const {
    return std::size_t(((b_ * x.dim(1) + t) * x.dim(2) + h_) * x.dim(3));
  }
  std::size_t entry(const Var& x, int r) const {
    return std::size_t((r * x.dim(1) + (x.dim(1) == 1 ? 0 : h_)) * x.dim(2));
  }
  double row() const {
    const Tensor& row = call_.dots.row;
    return row ? double(row[(row.dim(0) == 1 ? 0 : b_) * Tq() + i_]) : 1;
  }
  bool stick_breaking() const {
    return call_.scores.weights == Weights::stick_breaking ||
           call_.scores.weights == Weights::stick_breaking_remainder_to_own;
  }
  bool entmax() const { return call_.scores.weights == Weights::entmax; }
  int own() const { return call_.queries.first + i_ - call_.keys.first; }
  bool remainder_to_own() const {
    return call_.scores.weights == Weights::stick_breaking_remainder_to_own &&
           call_.keys.first + own() < call_.keys.length(b_) && own() < Tk();
  }
  double sink() const {
    const Var& x = call_.scores.sink;
    return x ? double(x.value()[h_]) : -std::numeric_limits<double>::infinity();
  }
  Numbers broken() const;
  Numbers sparse() const;
  Numbers by_score(const Numbers& p, const Numbers& dp) const;
  static double dot(const Var& x, std::size_t at, const Var& y, std::size_t to) {
    double sum = 0;
    for (int c = 0; c < x.dim(-1); ++c)
      sum += double(x.value()[at + c]) * double(y.value()[to + c]);
    return sum;
  }
  // the query and key whose dot product is used at distance(j)
  struct Pair {
    const Var *q, *k;
  };
  Pair pair(int j) const;
  // product of f[r] over all terms
  double factor(int j) const {
    double f = 1;
    for (const RelativeTerm& term : call_.scores.relative)
      if (term.f) f *= double(term.f[term.bucket(distance(j))]);
    return f;
  }
  double raw(int j) const {
    return call_.scores.scale * row() * dot(q(), at(q(), i_), k(), at(k(), j));
  }
  const Var& q() const { return call_.dots.q; }
  const Var& k() const { return call_.dots.k; }
  double contextual(const ContextualTerm& term, double p) const;
  // calls f(index of its gate) for each token after key j up to the query's own
  template <class F>
  void each_gate(int j, F&& f) const {
    for (int t = j + 1; t <= std::min(own(), Tk() - 1); ++t)
      f(std::size_t((b_ * Tk() + t) * H() + h_));
  }
  // replaces q_i·k_j if the tokens in between take part in it
  double through(int j) const;
  void differentiate_through(int j, double ds, Gradients& to) const;
  void walk();
  bool goes_through() const { return call_.dots.log_decay || call_.dots.path.w; }
  void differentiate_score(int j, double ds, Gradients& to) const;
  void differentiate_contextual(const ContextualTerm&, const Numbers& ds, Gradients&,
                                Numbers& table) const;
};

inline bool Row::visible(int j) const {
  const int i = call_.queries.first + i_, t = call_.keys.first + j;
  if (i >= call_.queries.length(b_) || t >= call_.keys.length(b_)) return false;
  if (call_.mask.causal && (t > i || (stick_breaking() && t == i))) return false;
  if (!call_.mask.sides.empty() && call_.mask.sides[std::size_t(h_)] * (t - i) < 0) return false;
  const int of_head = call_.mask.of_heads.empty() ? 0 : call_.mask.of_heads[std::size_t(h_)];
  if (of_head > 0 && std::abs(i - t) >= of_head) return false;
  return call_.mask.window == 0 || std::abs(i - t) < call_.mask.window || t < call_.mask.sinks;
}

inline Row::Pair Row::pair(int j) const {
  const Dots& dots = call_.dots;
  const int d = distance(j);
  if (const int c = dots.chunk; c > 0) {
    const int chunks = call_.queries(b_, i_) / c - call_.keys(b_, j) / c;
    return {chunks <= 0 ? &dots.q : chunks == 1 ? &dots.previous_q : &dots.older_q, &dots.k};
  }
  if (dots.far_window == 0 || std::abs(d) < dots.far_window) return {&dots.q, &dots.k};
  if (d < 0 && dots.far_q_right) return {&dots.far_q_right, &dots.far_k};
  return {&dots.far_q, &dots.far_k};
}

inline Row::Row(const Call& call, int b, int h, int i) : call_(call), b_(b), h_(h), i_(i) {
  if (goes_through()) walk();
  if (call.scores.contextual.empty()) return;
  double sum = 0;
  place_.resize(std::size_t(Tk()));
  for (int j = Tk() - 1; j >= 0; --j) {
    if (visible(j)) sum += 1 / (1 + std::exp(-raw(j)));
    place_[j] = sum;
  }
}

inline double Row::contextual(const ContextualTerm& term, double p) const {
  const int rows = term.table.dim(0);
  p = std::min(p, double(rows - 1));
  const int low = int(p), high = std::min(low + 1, rows - 1);
  const std::size_t d = std::size_t(dk());
  const double here = dot(q(), at(q(), i_), term.table, low * d);
  const double next = dot(q(), at(q(), i_), term.table, high * d);
  return call_.scores.scale * row() * ((1 - (p - low)) * here + (p - low) * next);
}

inline double Row::score(int j) const {
  const double scale = call_.scores.scale;
  const Pair x = pair(j);
  double s = scale * row() * factor(j) *
             (goes_through() ? through(j) : dot(*x.q, at(*x.q, i_), *x.k, at(*x.k, j)));
  for (const RelativeTerm& term : call_.scores.relative) {
    const int r = term.bucket(distance(j));
    if (term.A) s += scale * row() * dot(q(), at(q(), i_), term.A, entry(term.A, r));
    if (term.B) s += scale * dot(term.B, entry(term.B, r), k(), at(k(), j));
    if (term.c) s += double(term.c.value()[r * H() + h_]);
  }
  for (const ContextualTerm& term : call_.scores.contextual) s += contextual(term, place_[j]);
  if (const Var& gates = call_.scores.log_gate)
    each_gate(j, [&](std::size_t t) { s += double(gates.value()[std::int64_t(t)]); });
  if (!call_.bias.empty()) s += call_.bias[std::size_t(((b_ * H() + h_) * Tq() + i_) * Tk() + j)];
  return s;
}

inline void Row::walk() {
  Numbers x(static_cast<std::size_t>(dk()));
  for (int c = 0; c < dk(); ++c) x[c] = double(q().value()[std::int64_t(at(q(), i_)) + c]);
  walked_.assign(std::size_t(Tk()), x);
  for (int t = std::min(own(), Tk() - 1); t > 0; --t) {
    if (const Var& decay = call_.dots.log_decay)
      for (int c = 0; c < dk(); ++c)
        x[c] *= std::exp(double(decay.value()[std::int64_t(at(decay, t)) + c]));
    if (const Var& w = call_.dots.path.w) {
      const real* column = &w.value()[std::int64_t(at(w, t))];
      double sum = 0;
      for (int c = 0; c < dk(); ++c) sum += x[c] * double(column[c]);
      sum *= double(call_.dots.path.beta.value()[(b_ * Tk() + t) * H() + h_]);
      for (int c = 0; c < dk(); ++c) x[c] -= sum * double(column[c]);
    }
    walked_[std::size_t(t - 1)] = x;
  }
}

inline double Row::through(int j) const {
  const Numbers& x = walked_[std::size_t(j)];
  double sum = 0;
  for (int c = 0; c < dk(); ++c) sum += x[c] * double(k().value()[std::int64_t(at(k(), j)) + c]);
  return sum;
}

inline void Row::differentiate_through(int j, double ds, Gradients& to) const {
  Numbers g(static_cast<std::size_t>(dk()));
  for (int c = 0; c < dk(); ++c) {
    to.k[at(k(), j) + c] += ds * walked_[std::size_t(j)][std::size_t(c)];
    g[c] = ds * double(k().value()[std::int64_t(at(k(), j)) + c]);
  }
  for (int t = j + 1; t <= std::min(own(), Tk() - 1); ++t) {
    const Numbers& x = walked_[std::size_t(t)];  // before t acts
    if (const Var& decay = call_.dots.log_decay)
      for (int c = 0; c < dk(); ++c) {
        g[c] *= std::exp(double(decay.value()[std::int64_t(at(decay, t)) + c]));
        to.log_decay[at(decay, t) + c] += g[c] * x[c];
      }
    if (const Var& w = call_.dots.path.w) {
      const real* column = &w.value()[std::int64_t(at(w, t))];
      const std::size_t place = std::size_t((b_ * Tk() + t) * H() + h_);
      const double beta = double(call_.dots.path.beta.value()[std::int64_t(place)]);
      double xw = 0, gw = 0;
      for (int c = 0; c < dk(); ++c) xw += x[c] * double(column[c]), gw += g[c] * double(column[c]);
      to.beta[place] -= xw * gw;
      for (int c = 0; c < dk(); ++c) {
        to.w[at(w, t) + c] -= beta * (gw * x[c] + xw * g[c]);
        g[c] -= beta * gw * double(column[c]);
      }
    }
  }
  for (int c = 0; c < dk(); ++c) to.q[at(q(), i_) + c] += g[c];
}

// max((α − 1) s − τ, 0)^(1/(α−1)), τ by bisection
inline Numbers Row::sparse() const {
  const double less = call_.scores.alpha - 1;
  Numbers p(std::size_t(Tk()), 0.0), z(p);
  double top = -std::numeric_limits<double>::infinity();
  for (int j = 0; j < Tk(); ++j)
    if (visible(j)) top = std::max(top, z[j] = less * score(j));
  if (std::isinf(top)) return p;
  double low = top - 1, high = top;
  for (int step = 0; step < 200; ++step) {
    const double tau = (low + high) / 2;
    double sum = 0;
    for (int j = 0; j < Tk(); ++j)
      sum += p[j] = visible(j) ? std::pow(std::max(z[j] - tau, 0.0), 1 / less) : 0;
    (sum > 1 ? low : high) = tau;
  }
  return p;
}

// A_j = σ(s_j) Π_{l>j} (1 − σ(s_l))
inline Numbers Row::broken() const {
  Numbers p(std::size_t(Tk()), 0.0);
  double rest = 1;
  for (int j = Tk() - 1; j >= 0; --j) {
    if (!visible(j)) continue;
    const double part = 1 / (1 + std::exp(-score(j)));
    p[j] = rest * part;
    rest *= 1 - part;
  }
  if (remainder_to_own()) p[own()] = rest;
  return p;
}

inline Numbers Row::probabilities() const {
  if (stick_breaking()) return broken();
  if (entmax()) return sparse();
  Numbers p(std::size_t(Tk()), -std::numeric_limits<double>::infinity());
  double most = sink(), sum = 0;
  for (int j = 0; j < Tk(); ++j)
    if (visible(j)) most = std::max(most, p[j] = score(j));
  if (!std::isinf(sink())) sum = std::exp(sink() - most);
  for (double& x : p) sum += x = std::isinf(x) ? 0 : std::exp(x - most);
  for (double& x : p) x = sum > 0 ? x / sum : 0;
  return p;
}

inline double Row::value(int j, int c) const {
  double x = call_.v.value()[at(call_.v, j) + c];
  if (stick_breaking() && j == own()) return x;
  for (const RelativeTerm& term : call_.scores.relative)
    if (term.V) x += double(term.V.value()[entry(term.V, term.bucket(distance(j))) + c]);
  return x;
}

// to[at + c] += w x[from + c]
inline void add(double w, const Var& x, std::size_t from, Numbers& to, std::size_t at) {
  for (int c = 0; c < x.dim(-1); ++c) to[at + c] += w * double(x.value()[from + c]);
}

inline void Row::differentiate_score(int j, double ds, Gradients& to) const {
  const double scale = call_.scores.scale, both = scale * row(), stretched = both * factor(j);
  const Pair x = pair(j);
  const Dots& dots = call_.dots;
  Numbers& dq = x.q == &dots.q            ? to.q
                : x.q == &dots.far_q      ? to.far_q
                : x.q == &dots.previous_q ? to.previous_q
                : x.q == &dots.older_q    ? to.older_q
                                          : to.far_q_right;
  if (goes_through()) {
    differentiate_through(j, stretched * ds, to);
  } else {
    add(stretched * ds, *x.k, at(*x.k, j), dq, at(*x.q, i_));
    add(stretched * ds, *x.q, at(*x.q, i_), x.k == &dots.k ? to.k : to.far_k, at(*x.k, j));
  }
  for (std::size_t n = 0; n < call_.scores.relative.size(); ++n) {
    const RelativeTerm& term = call_.scores.relative[n];
    const int r = term.bucket(distance(j));
    if (term.A) {
      add(both * ds, term.A, entry(term.A, r), to.q, at(q(), i_));
      add(both * ds, q(), at(q(), i_), to.relative[n].A, entry(term.A, r));
    }
    if (term.B) {
      add(scale * ds, term.B, entry(term.B, r), to.k, at(k(), j));
      add(scale * ds, k(), at(k(), j), to.relative[n].B, entry(term.B, r));
    }
    if (term.c) to.relative[n].c[std::size_t(r * H() + h_)] += ds;
  }
  if (call_.scores.log_gate) each_gate(j, [&](std::size_t t) { to.log_gate[t] += ds; });
  if (!to.bias.empty()) to.bias[std::size_t(((b_ * H() + h_) * Tq() + i_) * Tk() + j)] += ds;
}

inline void Row::differentiate_contextual(const ContextualTerm& term, const Numbers& ds,
                                          Gradients& to, Numbers& table) const {
  const double both = call_.scores.scale * row();
  const int rows = term.table.dim(0);
  const std::size_t d = std::size_t(dk());
  double dp = 0;  // for key j's gate, which counts in place_ of all keys up to j
  for (int j = 0; j < Tk(); ++j) {
    if (!visible(j)) continue;
    const double p = std::min(place_[j], double(rows - 1));
    const int low = int(p), high = std::min(low + 1, rows - 1);
    for (const auto& [r, share] : {std::pair{low, 1 - (p - low)}, std::pair{high, p - low}}) {
      add(both * ds[j] * share, q(), at(q(), i_), table, r * d);
      add(both * ds[j] * share, term.table, r * d, to.q, at(q(), i_));
    }
    dp +=
        ds[j] * both *
        (dot(q(), at(q(), i_), term.table, high * d) - dot(q(), at(q(), i_), term.table, low * d));
    const double gate = 1 / (1 + std::exp(-raw(j))), dot_gradient = dp * gate * (1 - gate) * both;
    add(dot_gradient, k(), at(k(), j), to.q, at(q(), i_));
    add(dot_gradient, q(), at(q(), i_), to.k, at(k(), j));
  }
}

// ds_j = Σ_l dp_l ∂p_l/∂s_j
inline Numbers Row::by_score(const Numbers& p, const Numbers& dp) const {
  Numbers ds(p.size(), 0.0);
  double mean = 0, total = 0;
  Numbers slope(p);
  for (int l = 0; l < Tk(); ++l) {
    if (entmax()) slope[l] = p[l] > 0 ? std::pow(p[l], 2 - call_.scores.alpha) : 0;
    mean += slope[l] * dp[l], total += slope[l];
  }
  if (entmax()) {
    for (int j = 0; j < Tk(); ++j)
      if (slope[j] > 0) ds[j] = slope[j] * (dp[j] - mean / total);
    return ds;
  }
  for (int j = 0; j < Tk(); ++j) {
    if (!visible(j)) continue;
    ds[j] = p[j] * (dp[j] - mean);
    if (!stick_breaking()) continue;
    const double part = 1 / (1 + std::exp(-score(j)));
    ds[j] = dp[j] * p[j] * (1 - part);
    // Key j also shrinks the weights of earlier keys and the remainder, which is at the own key.
    for (int l = 0; l < Tk(); ++l)
      if (l < j || l == own()) ds[j] -= dp[l] * p[l] * part;
  }
  return ds;
}

inline void Row::differentiate(const Numbers& p, const double* dz, Gradients& to) const {
  const int dv = call_.v.dim(3);
  Numbers dp(p.size());
  double mean = 0;
  for (int j = 0; j < Tk(); ++j) {
    const bool rest = remainder_to_own() && j == own();
    if (!visible(j) && !rest) continue;
    for (int c = 0; c < dv; ++c) {
      dp[j] += dz[c] * value(j, c);
      to.v[at(call_.v, j) + c] += p[j] * dz[c];
      for (std::size_t n = 0; n < call_.scores.relative.size() && !rest; ++n) {
        const RelativeTerm& term = call_.scores.relative[n];
        if (term.V) to.relative[n].V[entry(term.V, term.bucket(distance(j))) + c] += p[j] * dz[c];
      }
    }
    mean += p[j] * dp[j];
  }
  const Numbers ds = by_score(p, dp);
  for (int j = 0; j < Tk(); ++j)
    if (visible(j)) differentiate_score(j, ds[j], to);
  double seen = 0;
  for (double x : p) seen += x;
  if (call_.scores.sink) to.sink[std::size_t(h_)] -= (seen > 0 ? 1 - seen : 0) * mean;
  for (std::size_t n = 0; n < call_.scores.contextual.size(); ++n)
    differentiate_contextual(call_.scores.contextual[n], ds, to, to.contextual[n]);
}

/// Returns z and the gradients of Σ weight∘z. weight has the shape of z.
inline Result attention(const Call& call, const Numbers& weight) {
  const Dots& dots = call.dots;
  const int B = dots.q.dim(0), Tq = dots.q.dim(1), H = dots.q.dim(2), dv = call.v.dim(3);
  Result result{.z = Numbers(std::size_t(B * Tq * H * dv)),
                .gradients = {.q = zeros(dots.q),
                              .k = zeros(dots.k),
                              .far_q = zeros(dots.far_q),
                              .far_k = zeros(dots.far_k),
                              .far_q_right = zeros(dots.far_q_right),
                              .previous_q = zeros(dots.previous_q),
                              .older_q = zeros(dots.older_q),
                              .v = zeros(call.v),
                              .bias = Numbers(call.bias.size()),
                              .log_gate = zeros(call.scores.log_gate),
                              .sink = zeros(call.scores.sink),
                              .log_decay = zeros(dots.log_decay),
                              .w = zeros(dots.path.w),
                              .beta = zeros(dots.path.beta)}};
  for (const RelativeTerm& term : call.scores.relative)
    result.gradients.relative.push_back(
        {zeros(term.A), zeros(term.B), zeros(term.V), zeros(term.c)});
  for (const ContextualTerm& term : call.scores.contextual)
    result.gradients.contextual.push_back(zeros(term.table));

  for (int b = 0; b < B; ++b)
    for (int h = 0; h < H; ++h)
      for (int i = 0; i < Tq; ++i) {
        const Row row(call, b, h, i);
        const Numbers p = row.probabilities();
        const std::size_t at = std::size_t(((b * Tq + i) * H + h) * dv);
        for (int j = 0; j < call.v.dim(1); ++j)
          for (int c = 0; c < dv && p[j] > 0; ++c) result.z[at + c] += p[j] * row.value(j, c);
        row.differentiate(p, &weight[at], result.gradients);
      }
  return result;
}

}  // namespace yonder::naive
