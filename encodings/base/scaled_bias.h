#pragma once
#include <memory>
#include <string>
#include <vector>

#include "core/parallel.h"
#include "encodings/base/encoding.h"

/// \file
/// Plain biases times a factor per query row and head, so that they depend on more than the
/// distance.
namespace yonder {

/// The biases of one attention call, times their factors.
class ScaledBias {
 public:
  /// Takes over the terms and strips; `factor` is [B or 1, Tq, H].
  ScaledBias(const Attention& a, Var factor, std::vector<RelativeTerm> terms,
             std::vector<StripBias> strips)
      : queries_(a.queries),
        keys_(a.keys),
        factor_(std::move(factor)),
        terms_(std::move(terms)),
        strips_(std::move(strips)) {}

  /// As StripBias::forward.
  void forward(int b, int first, int rows, real* bias) const {
    raw(b, first, rows, bias);
    each_row(b, first, rows, [&](int h, int r, real f) {
      real* row = bias + at(h, rows, r);
      for (int j = 0; j < keys_.tokens; ++j) row[j] *= f;
    });
  }

  /// As StripBias::backward.
  void backward(int b, int first, int rows, const real* dbias) const {
    std::vector<real> bias(std::size_t(H()) * rows * keys_.tokens), inner(bias.size());
    raw(b, first, rows, bias.data());
    std::vector<Tensor> dc;  // allocated before threads use them
    for (const RelativeTerm& t : terms_) dc.push_back(t.c.tracked() ? t.c.grad() : Tensor());
    const Tensor dfactor = factor_.tracked() ? factor_.grad() : Tensor();
    each_row(b, first, rows, [&](int h, int r, real f) {
      const real* d = dbias + at(h, rows, r);
      real sum = 0;
      for (int j = 0; j < keys_.tokens; ++j) {
        sum += d[j] * bias[at(h, rows, r) + j];
        inner[at(h, rows, r) + j] = f * d[j];
        for (std::size_t t = 0; t < terms_.size(); ++t)
          if (dc[t]) dc[t][bucket(terms_[t], b, first + r, j) * H() + h] += f * d[j];
      }
      if (dfactor) dfactor[place(b, first + r, h)] += sum;
    });
    for (const StripBias& s : strips_) s.backward(b, first, rows, inner.data());
  }

  /// The inputs whose gradients backward() adds to.
  std::vector<Var> inputs() const {
    std::vector<Var> all{factor_};
    for (const RelativeTerm& t : terms_) all.push_back(t.c);
    for (const StripBias& s : strips_) all.insert(all.end(), s.inputs.begin(), s.inputs.end());
    return all;
  }

 private:
  Positions queries_, keys_;
  Var factor_;                       // [B or 1, Tq, H]
  std::vector<RelativeTerm> terms_;  // only their c
  std::vector<StripBias> strips_;

  int H() const { return factor_.dim(2); }
  std::int64_t at(int h, int rows, int r) const {
    return (std::int64_t(h) * rows + r) * keys_.tokens;
  }
  std::int64_t place(int b, int i, int h) const {
    return (std::int64_t(factor_.dim(0) == 1 ? 0 : b) * factor_.dim(1) + i) * H() + h;
  }
  int bucket(const RelativeTerm& t, int b, int i, int j) const {
    return t.bucket(queries_(b, i) - keys_(b, j));
  }

  // Calls f(head, row, factor); heads run in parallel, since they share no sum.
  template <class F>
  void each_row(int b, int first, int rows, F&& f) const {
    parallel_for(H(), [&](std::int64_t h) {
      for (int r = 0; r < rows; ++r) f(int(h), r, factor_.value()[place(b, first + r, int(h))]);
    });
  }

  // The biases without the factor, [H, rows, Tk].
  void raw(int b, int first, int rows, real* bias) const {
    std::vector<real> one(std::size_t(H()) * rows * keys_.tokens);
    std::fill_n(bias, one.size(), real(0));
    for (const StripBias& s : strips_) {
      s.forward(b, first, rows, one.data());
      for (std::size_t i = 0; i < one.size(); ++i) bias[i] += one[i];
    }
    for (const RelativeTerm& t : terms_)
      each_row(b, first, rows, [&](int h, int r, real) {
        for (int j = 0; j < keys_.tokens; ++j)
          bias[at(h, rows, r) + j] += t.c.value()[bucket(t, b, first + r, j) * H() + h];
      });
  }
};

/// Multiplies the plain biases of `s` by `factor` [B or 1, Tq, H]. Throws UsageError,
/// beginning with the option's name, if there are other terms without q.
inline void scale_biases(const std::string& option, ScoreTerms& s, const Attention& a,
                         const Var& factor) {
  std::vector<RelativeTerm> biases;
  bool more = bool(s.log_gate);
  for (RelativeTerm& t : s.relative) {
    more = more || t.B;
    if (t.c) biases.push_back({.bucket = t.bucket, .c = std::exchange(t.c, {})});
  }
  if (more)
    throw UsageError(option +
                     ": it multiplies biases that follow from positions alone, and there are "
                     "others (forget gates, products with keys); set it to false");
  std::erase_if(s.relative, [](const RelativeTerm& t) { return !(t.A || t.V || t.f); });
  if (biases.empty() && s.strips.empty()) return;
  bool shared = a.queries.shared() && a.keys.shared() && factor.dim(0) == 1;
  for (const StripBias& strip : s.strips) shared = shared && strip.shared;
  const auto all = std::make_shared<ScaledBias>(a, factor, std::move(biases), std::move(s.strips));
  s.strips = {{.forward = [all](int b, int first, int rows,
                                real* bias) { all->forward(b, first, rows, bias); },
               .backward = [all](int b, int first, int rows,
                                 const real* d) { all->backward(b, first, rows, d); },
               .shared = shared,
               .inputs = all->inputs()}};
}

}  // namespace yonder
