// Complex-valued embeddings. Wang et al., "Encoding word order in complex embeddings", ICLR 2020,
// arXiv:1912.12333, eqs. 4–6.
//
//   x becomes x·e^{i(w pos + a)}:   re = x∘cos(w pos + a),   im = x∘sin(w pos + a)
//
// Each word and dimension has its own amplitude (the embedding itself), frequency w and phase a,
// unless options share them. The model is the complex Transformer.
//
// The authors' code differs: its scores are |q·k|/√d without conjugation, one real W is applied to
// both real and imaginary parts, and positions are counted from the end of the sequence.
#include <cmath>

#include "core/ops/ops.h"
#include "core/parallel.h"
#include "encodings/base/encoding.h"

namespace yonder {
namespace {

// A value per token and column, from a parameter that may be shared by all words or all columns.
struct Wave {
  Var of;  // [V or 1, D or 1]; empty: 0

  std::int64_t index(int token, int column) const {
    return std::int64_t(of.dim(0) == 1 ? 0 : token) * of.dim(1) + (of.dim(1) == 1 ? 0 : column);
  }
  double operator()(int token, int column) const {
    return of ? double(of.value()[index(token, column)]) : 0;
  }
};

// [x∘cos θ, x∘sin θ] with θ = w pos + a.  x [B, T, D] → [B, T, 2D]. Angles in double; padding is 0.
Var wind(const Var& x, const Wave& w, const Wave& a, const std::vector<int>& tokens,
         const std::vector<int>& at) {
  const int n = int(tokens.size()), D = x.dim(2);
  Tensor turned({x.dim(0), x.dim(1), 2 * D});
  parallel_for(n, [&](std::int64_t t) {
    if (tokens[t] < 0) return;
    for (int c = 0; c < D; ++c) {
      const double angle = w(tokens[t], c) * at[t] + a(tokens[t], c);
      turned[t * 2 * D + c] = real(x.value()[t * D + c] * std::cos(angle));
      turned[(t * 2 + 1) * D + c] = real(x.value()[t * D + c] * std::sin(angle));
    }
  });
  return Tape::record(turned, {x, w.of, a.of}, [x, w, a, tokens, at, n, D](const Tensor& dy) {
    const Tensor dx = x.tracked() ? x.grad() : Tensor();
    for (int t = 0; t < n; ++t) {
      if (tokens[t] < 0) continue;
      for (int c = 0; c < D; ++c) {
        const double angle = w(tokens[t], c) * at[t] + a(tokens[t], c),
                     amplitude = x.value()[t * D + c];
        const double re = dy[t * 2 * D + c], im = dy[(t * 2 + 1) * D + c];
        if (dx) dx[t * D + c] += real(re * std::cos(angle) + im * std::sin(angle));
        const double d = amplitude * (im * std::cos(angle) - re * std::sin(angle));
        if (w.of.tracked()) w.of.grad()[w.index(tokens[t], c)] += real(d * at[t]);
        if (a.of.tracked()) a.of.grad()[a.index(tokens[t], c)] += real(d);
      }
    }
  });
}

class ComplexWords final : public Encoding {
  std::string frequency_by_ = "each", phase_by_ = "each";
  Wave frequency_, phase_;

 public:
  Options options() override {
    return {Option{"frequency", &frequency_by_,
                   "frequencies per word and dimension, per dimension, or per word"}
                .one_of({"each", "dimension", "word"}),
            Option{"phase", &phase_by_, "phases alike; none: all 0"}.one_of(
                {"each", "dimension", "word", "none"})};
  }

  void build(const Dims& dims, Parameters& p) override {
    Encoding::build(dims, p);
    Tensor w(shape(frequency_by_));
    for (std::int64_t i = 0; i < w.size(); ++i)
      w[i] = real(w.dim(1) == 1 ? 0.1 : std::pow(10000.0, -double(i % dims.width) / dims.width));
    frequency_.of = p.make("encoding.complex.frequency", w);
    if (phase_by_ != "none") phase_.of = p.make("encoding.complex.phase", Tensor(shape(phase_by_)));
  }

  Var embed(const Var& x, std::span<const int> tokens, const Positions& p) override {
    std::vector<int> at;
    for (int b = 0; b < p.batch; ++b)
      for (int t = 0; t < p.tokens; ++t) at.push_back(p(b, t));
    return wind(x, frequency_, phase_, {tokens.begin(), tokens.end()}, at);
  }

  bool complex() const override { return true; }

 private:
  Shape shape(const std::string& by) const {
    return {by == "dimension" ? 1 : dims_.vocabulary, by == "word" ? 1 : dims_.width};
  }
};

const Register<ComplexWords> complex_words_entry{
    {.name = "complex",
     .title = "Complex word embeddings (complex Transformer)",
     .paper = "arXiv:1912.12333",
     .kind = Kind::absolute,
     .formula = "x·e^{i(w pos + a)}, w and a of each word"}};

}  // namespace
}  // namespace yonder
