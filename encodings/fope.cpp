// Fourier position embedding. Hua et al., "Fourier position embedding: enhancing attention's
// periodic extension for length generalization", 2024, arXiv:2412.17739, sec. 4; olmo/model.py,
// FourierEmbedding.
//
//   rope, but pair m < M replaces  cos → Σ_{a<I} C[h, a, m] cos(i w_a),
//                                  sin → Σ_{a<I} S[h, a, m] sin(i w_a),   w_a = base^(−2a/d)
//
// The same for q and k; it is not a rotation, so norms change. I counts the w that are at least
// 2π/N: frequencies without a full turn in training are omitted. M = min(I, ⌊d/4⌋); the pairs are
// the first 2M columns in rope's layout, the others are unchanged. C and S, per layer, start at
// E + gain·N(0, 2/(M(I + H))), where E[h, m⌈I/M⌉, m] = 1 if m⌈I/M⌉ < I. The official code pads sin
// with 1, which doubles the score of the other columns; W_q can learn that: not implemented.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/ops/ops.h"
#include "core/parallel.h"
#include "encodings/base/encoding.h"
#include "encodings/base/rotation.h"

namespace yonder {
namespace {

// Σ_a waves[t, a] table[h, a, m] → [1 or B, T, H, M].  waves [1 or B, T, I], table [H, I, M]
Var mixed(const Tensor& waves, const Var& table) {
  const int H = table.dim(0), I = table.dim(1), M = table.dim(2);
  const std::int64_t rows = waves.size() / I;
  Tensor y({waves.dim(0), waves.dim(1), H, M});
  parallel_for(rows, [&](std::int64_t t) {
    for (int h = 0; h < H; ++h)
      for (int a = 0; a < I; ++a)
        for (int m = 0; m < M; ++m)
          y[(t * H + h) * M + m] += waves[t * I + a] * table.value()[(h * I + a) * M + m];
  });
  return Tape::record(y, {table}, [=](const Tensor& dy) {
    const Tensor sum = table.grad();  // allocated before threads share it
    parallel_for(std::int64_t(H) * I, [&](std::int64_t n) {
      const std::int64_t h = n / I, a = n % I;
      for (std::int64_t t = 0; t < rows; ++t)
        for (int m = 0; m < M; ++m) sum[n * M + m] += waves[t * I + a] * dy[(t * H + h) * M + m];
    });
  });
}

class Fope final : public Encoding {
  double base_ = 10000, gain_ = 0.3;
  bool learned_ = true;
  Layout layout_ = Layout::interleaved;
  struct Mix {
    Var cos, sin;  // C, S [H, I, M]
  };
  std::vector<Mix> mixes_;  // of each layer

 public:
  Options options() override {
    const double inf = std::numeric_limits<double>::infinity();
    return {
        Option{"base", &base_, "w_m = base^(−2m/d)"}.between(1, inf), layout_option(&layout_, "M"),
        Option{"gain", &gain_, "how far the tables start from one frequency a pair"}.at_least(0),
        Option{"learned", &learned_, "train the tables; false: they stay as they start"}};
  }

  void check() const override {
    if (dims_.head() < 4)
      throw UsageError("fope: head width " + std::to_string(dims_.head()) +
                       " is too small for a pair; choose at least 4 columns per head");
    if (whole_turns() == 0)
      throw UsageError("fope: no frequency makes a whole turn in the training length " +
                       std::to_string(dims_.trained) + "; train on 7 tokens or more");
  }

  void build(const Dims& dims, Parameters& p) override {
    Encoding::build(dims, p);
    for (int l = 0; l < dims.layers; ++l) {
      const std::string at = fmt::format("encoding.fope.blocks.{}.", l);
      mixes_.push_back({.cos = table(at + "cos", p), .sin = table(at + "sin", p)});
    }
  }

  void dots(Dots& x, const Attention& a) override {
    const Mix& mix = mixes_[std::size_t(a.layer)];
    const auto turned = [&](const Var& y, const Positions& p) {
      return rotate(y, mixed(waves(p, 0), mix.cos), mixed(waves(p, -std::numbers::pi / 2), mix.sin),
                    layout_ == Layout::interleaved);
    };
    x.q = turned(x.q, a.queries);
    x.k = turned(x.k, a.keys);
  }

  std::vector<double> frequencies(int) const override {
    std::vector<double> w = spectrum(base_, dims_.head()).w;
    std::fill(w.begin() + whole_turns(), w.end(), 0);
    return w;
  }

 private:
  int whole_turns() const {  // I
    const std::vector<double> w = spectrum(base_, dims_.head()).w;
    return int(std::count_if(w.begin(), w.end(), [this](double x) {
      return x >= 2 * std::numbers::pi / dims_.trained;
    }));
  }
  int pairs() const { return std::min(whole_turns(), dims_.head() / 4); }  // M

  Var table(const std::string& name, Parameters& p) const {
    const int H = dims_.heads, I = whole_turns(), M = pairs(), step = (I + M - 1) / M;
    const Init noise = Init::std(gain_ * std::sqrt(2.0 / (M * (I + H))));
    Parameters drawn(p.seed());
    const Tensor start = drawn.make(name, {H, I, M}, noise).value();
    for (int h = 0; h < H; ++h)
      for (int m = 0; m < M && m * step < I; ++m) start[(h * I + m * step) * M + m] += 1;
    const Var kept = p.make(name, start);
    return learned_ ? kept : Var(kept.value());
  }

  // cos(i w_a + shift) for each position i of a pass and each a < I
  Tensor waves(const Positions& p, double shift) const {
    const std::vector<double> w = spectrum(base_, dims_.head()).w;
    const std::vector<int> at = token_positions(p);
    const int I = whole_turns(), T = p.tokens;
    Tensor y = Tensor::uninitialized({int(at.size()) / T, T, I});
    for (std::size_t t = 0; t < at.size(); ++t)
      for (int a = 0; a < I; ++a)
        y[std::int64_t(t) * I + a] = real(std::cos(at[t] * w[std::size_t(a)] + shift));
    return y;
  }
};

const Register<Fope> fope_entry{
    {.name = "fope",
     .title = "Fourier position embedding (FoPE)",
     .printed = "FoPE",
     .paper = "arXiv:2412.17739",
     .kind = Kind::rotary,
     .formula =
         "rope by cos → Σ_a C[h,a,m] cos(i w_a), sin → Σ_a S[h,a,m] sin(i w_a), w_a ≥ 2π/N"}};

}  // namespace
}  // namespace yonder
