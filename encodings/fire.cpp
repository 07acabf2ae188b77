// Functional interpolation for relative positions. Li et al., "Functional interpolation for
// relative position encoding improves long context Transformers" (FIRE), ICLR 2024,
// arXiv:2310.04418, eq. 7.
//
//   score_ij = q_i·k_j/√d + f_h(ψ(|i − j|)/(ψ(max(τ, M_i)) + 1e-6)),   ψ(x) = ln(|c x| + 1)
//   τ = |multiplier|·threshold (R unless given),   M_i the largest position that query i sees,
//   f_h(x) = Σ_f W_out[h, f] relu(W_in[f] x + b_in[f]) + b_out[h]
//
// One f for all layers, or (each) one per layer. The bias also depends on i, so it is computed for
// one strip of queries at a time.
#include <algorithm>
#include <array>
#include <cmath>

#include "core/simd/simd_loops.h"
#include "encodings/base/encoding.h"

namespace yonder {
namespace {

// f and the parameters of its input.
class Mlp {
 public:
  Var c, multiplier;                             // [1], [1]
  Var in_weight, in_bias, out_weight, out_bias;  // [F, 1], [F], [H, F], [H]

  std::vector<Var> all() const { return {c, multiplier, in_weight, in_bias, out_weight, out_bias}; }
  int hidden() const { return in_bias.dim(0); }
  int heads() const { return out_bias.dim(0); }

  double psi(double x) const { return std::log1p(std::abs(double(c.value()[0])) * x); }
  // dψ/dc and dψ/dx, x ≥ 0.
  double psi_by_c(double x) const {
    const double at = c.value()[0];
    return at == 0 ? 0 : std::copysign(x / (std::abs(at) * x + 1), at);
  }
  double psi_by_x(double x) const {
    const double steep = std::abs(double(c.value()[0]));
    return steep / (steep * x + 1);
  }
};

// Number of heads that share the hidden activations while these are in registers.
constexpr int together = 4;

// Up to `together` heads of f; out() is their weights for hidden unit f, 0 for missing heads.
struct Heads {
  int first, count;
  std::array<real, together> out(const Mlp& m, int f) const {
    std::array<real, together> w{};
    for (int h = 0; h < count; ++h) w[h] = m.out_weight.value()[(first + h) * m.hidden() + f];
    return w;
  }
};

// y_h[j] = f_h(x[j]) for n inputs; head h is at y + h·stride.
void evaluate(const Mlp& m, const Heads& heads, std::int64_t n, const real* x, real* y,
              std::int64_t stride) {
  std::vector<std::array<real, together>> out;
  for (int f = 0; f < m.hidden(); ++f) out.push_back(heads.out(m, f));
  for (std::int64_t j = 0; j < n; j += std::int64_t(hn::Lanes(lanes))) {
    const Vec input = load_some(x + j, n - j);
    Vec sum[together];
    for (int h = 0; h < together; ++h)
      sum[h] = vec(h < heads.count ? m.out_bias.value()[heads.first + h] : 0);
    for (int f = 0; f < m.hidden(); ++f) {
      const Vec linear = hn::MulAdd(vec(m.in_weight.value()[f]), input, vec(m.in_bias.value()[f]));
      const Vec active = hn::Max(linear, hn::Zero(lanes));
      for (int h = 0; h < together; ++h) sum[h] = hn::MulAdd(vec(out[f][h]), active, sum[h]);
    }
    for (int h = 0; h < heads.count; ++h)
      store_some(sum[h], y + (heads.first + h) * stride + j, n - j);
  }
}

// Parameter gradients of one piece of the rows.
struct MlpGradients {
  std::vector<double> in_weight, in_bias, out_weight, out_bias;  // as in Mlp
  double c = 0, multiplier = 0;

  explicit MlpGradients(const Mlp& m)
      : in_weight(m.hidden()),
        in_bias(m.hidden()),
        out_weight(m.heads() * m.hidden()),
        out_bias(m.heads()) {}
};

double lanes_of(Vec x) { return double(hn::GetLane(hn::SumOfLanes(lanes, x))); }

// Given the gradients of f(x), adds those of the parameters to `sums` and those of the n inputs to
// dx; head h's are at dy + h·stride.
void differentiate(const Mlp& m, const Heads& heads, std::int64_t n, const real* x, const real* dy,
                   std::int64_t stride, real* dx, MlpGradients& sums) {
  const real* d[together];  // missing heads have weights of 0
  for (int h = 0; h < together; ++h)
    d[h] = dy + (heads.first + std::min(h, heads.count - 1)) * stride;
  for (int f = 0; f < m.hidden(); ++f) {
    const std::array<real, together> out = heads.out(m, f);
    const Vec weight = vec(m.in_weight.value()[f]), bias = vec(m.in_bias.value()[f]);
    Vec by_out[together], by_weight = hn::Zero(lanes), by_bias = hn::Zero(lanes);
    for (Vec& v : by_out) v = hn::Zero(lanes);
    for (std::int64_t j = 0; j < n; j += std::int64_t(hn::Lanes(lanes))) {
      const Vec input = load_some(x + j, n - j), linear = hn::MulAdd(weight, input, bias);
      const auto on = hn::Gt(linear, hn::Zero(lanes));
      Vec back = hn::Zero(lanes);
      for (int h = 0; h < together; ++h) {
        const Vec dy_h = hn::IfThenElseZero(on, load_some(d[h] + j, n - j));
        by_out[h] = hn::MulAdd(linear, dy_h, by_out[h]);
        back = hn::MulAdd(vec(out[h]), dy_h, back);
      }
      by_weight = hn::MulAdd(back, input, by_weight);
      by_bias = hn::Add(by_bias, back);
      store_some(hn::MulAdd(back, weight, load_some(dx + j, n - j)), dx + j, n - j);
    }
    sums.in_weight[f] += lanes_of(by_weight);
    sums.in_bias[f] += lanes_of(by_bias);
    for (int h = 0; h < heads.count; ++h)
      sums.out_weight[(heads.first + h) * m.hidden() + f] += lanes_of(by_out[h]);
  }
  const auto same = [](Vec v) { return v; };
  for (int h = 0; h < heads.count; ++h) sums.out_bias[heads.first + h] += total(n, same, d[h]);
}

// The bias of one attention call, by strips of queries.
class Strip {
 public:
  Strip(const Mlp& m, double threshold, const Attention& a)
      : m_(m), causal_(a.mask.causal), R_(threshold), queries_(a.queries), keys_(a.keys) {
    const int farthest = std::max(-a.least(), a.most());
    for (int x = 0; x <= farthest; ++x) {
      psi_.push_back(real(m.psi(x)));
      psi_by_c_.push_back(real(m.psi_by_c(x)));
    }
    for (int h = 0; h < m.heads(); h += together)
      heads_.push_back({h, std::min(together, m.heads() - h)});
    for (int b = 0; b < keys_.batch; ++b) {
      largest_.push_back(0);
      // A causal row may be shared with a longer sequence, and no padding precedes it.
      const int rows =
          causal_ ? keys_.tokens : std::clamp(keys_.length(b) - keys_.first, 0, keys_.tokens);
      for (int j = 0; j < rows; ++j) largest_.push_back(std::max(largest_.back(), keys_(b, j)));
      largest_.resize(std::size_t(b + 1) * (keys_.tokens + 1), largest_.back());
    }
  }

  // bias[h, r, j] = f_h(x_rj); 0 for later keys in causal models
  void forward(int b, int first, int rows, real* bias) const {
    const std::int64_t Tk = keys_.tokens, stride = rows * Tk;
    parallel_for(rows, [&](std::int64_t r) {
      const std::vector<real> x = inputs(b, first + int(r));
      for (const Heads& h : heads_)
        evaluate(m_, h, std::int64_t(x.size()), x.data(), bias + r * Tk, stride);
      for (int h = 0; h < m_.heads(); ++h) {
        real* const row = bias + h * stride + r * Tk;
        std::fill(row + x.size(), row + Tk, real(0));
      }
    });
  }

  // Sums over pieces of rows of fixed size, added in order.
  void backward(int b, int first, int rows, const real* dbias) const {
    constexpr int piece = 8;
    const std::int64_t Tk = keys_.tokens;
    std::vector<MlpGradients> sums((rows + piece - 1) / piece, MlpGradients(m_));
    parallel_for(std::int64_t(sums.size()), [&](std::int64_t n) {
      for (int r = int(n) * piece; r < std::min(rows, int(n + 1) * piece); ++r) {
        const std::vector<real> x = inputs(b, first + r);
        std::vector<real> dx(x.size());
        for (const Heads& h : heads_)
          differentiate(m_, h, std::int64_t(x.size()), x.data(), dbias + r * Tk, rows * Tk,
                        dx.data(), sums[n]);
        through_inputs(b, first + r, x, dx, sums[n]);
      }
    });
    for (const MlpGradients& s : sums) add(s);
  }

 private:
  Mlp m_;
  bool causal_;
  double R_;  // or `threshold`
  Positions queries_, keys_;
  std::vector<real> psi_, psi_by_c_;  // by distance
  std::vector<Heads> heads_;
  std::vector<int> largest_;  // [B, Tk + 1], largest position among the first n keys

  int distance(int b, int i, int j) const { return std::abs(queries_(b, i) - keys_(b, j)); }
  double tau() const { return std::abs(double(m_.multiplier.value()[0])) * R_; }
  // Number of keys that query row i may see.
  int seen(int i) const {
    const int own = i + queries_.first - keys_.first;
    return causal_ ? std::clamp(own + 1, 0, keys_.tokens) : keys_.tokens;
  }
  double largest(int b, int i) const { return largest_[b * (keys_.tokens + 1) + seen(i)]; }  // M_i
  double below(int b, int i) const { return m_.psi(std::max(tau(), largest(b, i))) + 1e-6; }

  // x of query row i and every key that it may see.
  std::vector<real> inputs(int b, int i) const {
    std::vector<real> x(seen(i));
    const real over = real(1 / below(b, i));
    const bool even = queries_.consecutive && keys_.consecutive && !x.empty();
    const int start = even ? queries_(b, i) - keys_(b, 0) : 0;
    for (int j = 0; j < int(x.size()); ++j)
      x[j] = psi_[even ? std::abs(start - j) : distance(b, i, j)] * over;
    return x;
  }

  // Gradients of c and of the multiplier: x_j = ψ(|i − j|)/below.
  void through_inputs(int b, int i, const std::vector<real>& x, const std::vector<real>& dx,
                      MlpGradients& sums) const {
    const double under = below(b, i), top = std::max(tau(), largest(b, i));
    double dc = 0, dunder = 0;
    for (int j = 0; j < int(x.size()); ++j) {
      dc += double(dx[j]) * psi_by_c_[distance(b, i, j)];
      dunder -= double(dx[j]) * x[j];
    }
    sums.c += (dc + dunder * m_.psi_by_c(top)) / under;
    if (tau() >= largest(b, i))
      sums.multiplier +=
          dunder / under * m_.psi_by_x(top) * std::copysign(R_, double(m_.multiplier.value()[0]));
  }

  void add(const MlpGradients& s) const {
    const auto put = [](const Var& to, const std::vector<double>& sum) {
      for (std::size_t n = 0; n < sum.size(); ++n) to.grad()[std::int64_t(n)] += real(sum[n]);
    };
    put(m_.in_weight, s.in_weight), put(m_.in_bias, s.in_bias);
    put(m_.out_weight, s.out_weight), put(m_.out_bias, s.out_bias);
    put(m_.c, {s.c}), put(m_.multiplier, {s.multiplier});
  }
};

class Fire final : public Encoding {
  int hidden_ = 32;
  bool each_ = false;
  double threshold_ = 0;
  std::vector<Mlp> mlp_;  // one per layer, or one for all

 public:
  Options options() override {
    return {Option{"hidden", &hidden_, "F, width of the function's hidden layer"}.within(1, 4096),
            Option{"each", &each_, "a separate function for every layer"}.added_later(),
            Option{"threshold", &threshold_, "tokens at which τ starts"}
                .at_least(0)
                .shown_as("R")
                .added_later()};
  }

  void build(const Dims& dims, Parameters& p) override {
    Encoding::build(dims, p);
    const int F = hidden_, H = dims.heads;
    const Init out = Init::between(-1 / std::sqrt(F), 1 / std::sqrt(F));
    for (int l = 0; l < (each_ ? dims.layers : 1); ++l) {
      const std::string at = each_ ? fmt::format("encoding.fire.blocks.{}.", l) : "encoding.fire.";
      mlp_.push_back({.c = p.make(at + "c", {1}, Init::value(0.1)),
                      .multiplier = p.make(at + "multiplier", {1}, Init::value(1)),
                      .in_weight = p.make(at + "mlp.in.weight", {F, 1}, Init::between(-1, 1)),
                      .in_bias = p.make(at + "mlp.in.bias", {F}, Init::between(-1, 1)),
                      .out_weight = p.make(at + "mlp.out.weight", {H, F}, out),
                      .out_bias = p.make(at + "mlp.out.bias", {H}, out)});
    }
  }

  void scores(ScoreTerms& s, const Attention& a) override {
    const Mlp& mlp = mlp_[each_ ? a.layer : 0];
    const auto strip =
        std::make_shared<Strip>(mlp, threshold_ > 0 ? threshold_ : dims_.positions, a);
    const bool own_last = !dims_.causal && !a.keys.lengths.empty();  // M differs by sequence
    s.strips.push_back({.forward = [strip](int b, int first, int rows,
                                           real* bias) { strip->forward(b, first, rows, bias); },
                        .backward = [strip](int b, int first, int rows,
                                            const real* d) { strip->backward(b, first, rows, d); },
                        .shared = a.queries.shared() && a.keys.shared() && !own_last,
                        .inputs = mlp.all()});
  }
};

const Register<Fire> fire_entry{{.name = "fire",
                                 .title = "Functional interpolation of relative positions (FIRE)",
                                 .printed = "FIRE",
                                 .paper = "arXiv:2310.04418",
                                 .kind = Kind::bias,
                                 .formula = "q_i·k_j/√d + f_h(ψ(|i - j|)/ψ(max(τ, M_i)))"}};

}  // namespace
}  // namespace yonder
