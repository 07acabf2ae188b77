// Selective RoPE. Movahedi, Carstensen et al., "Selective rotary position embedding", ICLR 2026,
// arXiv:2511.17388, sec. 4; timurcarstensen/selective-rope, modules/rotary.py.
//
//   score_ij = (R_i q_i)·(R_j k_j)/√d,   R_t rotates pair m of a head by w_m Σ_{u≤t} φ_um,
//   φ_t = Σ_{s<4} c_s ∘ (U V n̂_{t+s−3}),   w_m = base^(−2m/d)
//
// n̂ is the block's normed input with each head's d columns divided by their norm; U, V and c are
// per layer. A token's rotation depends on the contents of it and the three tokens before it; with
// φ = 1 this is rope. The sum runs over tokens, in double; positions are not used. Causal only. The
// official code's gate, bias and activation are off in all its configurations: not implemented.
#include <cmath>
#include <numbers>

#include "core/ops/conv.h"
#include "core/ops/ops.h"
#include "core/parallel.h"
#include "encodings/base/encoding.h"
#include "encodings/base/rotation.h"

namespace yonder {
namespace {

// cos(w_{c mod pairs} Σ_{u≤t} φ_uc + shift) of each token t and column c.  φ [B, T, C]
Var cosine_of_sums(const Var& turns, const std::vector<double>& w, double shift) {
  const int T = turns.dim(1), C = turns.dim(2), pairs = int(w.size());
  // Calls f(index, angle) for each token of one sequence and column.
  const auto walk = [T, C, pairs, w, shift](const Tensor& by, std::int64_t n, auto f) {
    const int c = int(n % C);
    double sum = 0;
    for (int t = 0; t < T; ++t) {
      const std::int64_t at = (n / C * T + t) * C + c;
      sum += double(by[at]);
      f(at, w[std::size_t(c % pairs)] * sum + shift);
    }
  };
  const std::int64_t columns = std::int64_t(turns.dim(0)) * C;
  Tensor y = Tensor::uninitialized(turns.shape());
  parallel_for(columns, [&](std::int64_t n) {
    walk(turns.value(), n, [&](std::int64_t at, double angle) { y[at] = real(std::cos(angle)); });
  });
  return Tape::record(y, {turns}, [=](const Tensor& dy) {
    const Tensor sum = turns.grad();  // allocated before threads share it
    parallel_for(columns, [&](std::int64_t n) {
      const double by = w[std::size_t(n % C % pairs)];
      std::vector<double> slope;  // d(loss)/d(angle) of each token
      walk(turns.value(), n, [&](std::int64_t at, double angle) {
        slope.push_back(-std::sin(angle) * double(dy[at]));
      });
      double later = 0;
      for (int t = T - 1; t >= 0; --t) {
        later += slope[std::size_t(t)];
        sum[(n / C * T + t) * C + n % C] += real(by * later);
      }
    });
  });
}

class Selective final : public Encoding {
  static constexpr int kernel = 4;
  double base_ = 500000;
  int rank_ = 32;
  Layout layout_ = Layout::half;
  struct Turns {
    Var down, up, conv;  // V [rank, D], U [D/2, rank], c [D/2, kernel]
  };
  std::vector<Turns> turns_;  // of each layer

 public:
  Options options() override {
    const double inf = std::numeric_limits<double>::infinity();
    return {Option{"base", &base_, "w_m = base^(−2m/d)"}.between(1, inf),
            Option{"rank", &rank_, "rows of V, through which the angles come"}.within(1, 1 << 16),
            layout_option(&layout_)};
  }

  void check() const override {
    if (dims_.head() % 2)
      throw UsageError("selective: head width " + std::to_string(dims_.head()) +
                       " has no pairs of columns; choose an even width per head");
  }

  void build(const Dims& dims, Parameters& p) override {
    Encoding::build(dims, p);
    const int D = dims.width, half = dims.heads * (dims.head() / 2);
    for (int l = 0; l < dims.layers; ++l) {
      const std::string at = fmt::format("encoding.selective.blocks.{}.", l);
      const Init init = Init::std(0.02);
      turns_.push_back({.down = p.make(at + "down.weight", {rank_, D}, init),
                        .up = p.make(at + "up.weight", {half, rank_}, init),
                        .conv = p.make(at + "conv", {half, kernel}, init)});
    }
  }

  // U V n̂, [B, T, D/2]
  Var per_key(const Var& x, int layer) override {
    const Turns& turns = turns_[std::size_t(layer)];
    const Var unit = l2_normalized(x.view({x.dim(0), x.dim(1), dims_.heads, dims_.head()}));
    return linear(linear(unit.view(x.shape()), turns.down), turns.up);
  }

  void dots(Dots& x, const Attention& a) override {
    const Var turns = depthwise(a.per_key, turns_[std::size_t(a.layer)].conv,
                                {.anchor = kernel - 1, .lengths = a.keys.lengths});
    const std::vector<double> w = spectrum(base_, dims_.head()).w;
    const Shape heads{turns.dim(0), turns.dim(1), dims_.heads, dims_.head() / 2};
    const Var cos = cosine_of_sums(turns, w, 0).view(heads),
              sin = cosine_of_sums(turns, w, -std::numbers::pi / 2).view(heads);
    const auto of_queries = [&](const Var& all) {
      const int first = a.queries.first - a.keys.first, rows = x.q.dim(1);
      return rows == all.dim(1) ? all : slice(all, 1, first, rows);
    };
    const bool interleaved = layout_ == Layout::interleaved;
    x.q = rotate(x.q, of_queries(cos), of_queries(sin), interleaved);
    x.k = rotate(x.k, cos, sin, interleaved);
  }
};

const Register<Selective> selective_entry{
    {.name = "selective",
     .title = "Selective rotary positions (Selective RoPE)",
     .printed = "Selective RoPE",
     .paper = "arXiv:2511.17388",
     .kind = Kind::rotary,
     .serves = Serves::causal_only,
     .formula = "(R_i q_i)·(R_j k_j)/√d, R_t turns pair m by w_m Σ_{u≤t} φ_um, φ = c ⊛ (U V n)"}};

}  // namespace
}  // namespace yonder
