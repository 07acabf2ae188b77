// Functional interpolation for relative positions. Li et al., "Functional interpolation for
// relative position encoding improves long context Transformers" (FIRE), ICLR 2024,
// arXiv:2310.04418, eq. 7.
//
//   score_ij = q_i·k_j/√d + f_h(ψ(|i − j|)/(ψ(max(τ, M_i)) + 1e-6)),   ψ(x) = ln(|c x| + 1)
//   τ = |multiplier|·R,   M_i the largest position that query i sees,
//   f_h(x) = Σ_f W_out[h, f] relu(W_in[f] x + b_in[f]) + b_out[h]
//
// One f for all layers. The bias depends on i too, so it is made for a strip of queries at a time.
#include <algorithm>
#include <cmath>

#include "core/parallel.h"
#include "encodings/encoding.h"

namespace yonder {
namespace {

// f and what its input is made of. Every layer's bias is the same function.
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

// The bias of strips of queries in one call of attention.
class Strip {
 public:
  Strip(const Mlp& m, const Dims& dims, const Attention& a)
      : m_(m), causal_(dims.causal), R_(dims.positions), queries_(a.queries), keys_(a.keys) {
    const int farthest = std::max(-a.least(), a.most());
    for (int x = 0; x <= farthest; ++x) psi_.push_back(real(m.psi(x)));
  }

  // bias[h, r, j] = f_h(x_rj)
  void forward(int b, int first, int rows, real* bias) const {
    const int H = m_.heads(), F = m_.hidden();
    const std::int64_t Tk = keys_.tokens;
    parallel_for(rows, [&](std::int64_t r) {
      std::vector<real> x(Tk);
      inputs(b, first + int(r), x.data());
      for (int h = 0; h < H; ++h) {
        real* y = bias + (std::int64_t(h) * rows + r) * Tk;
        std::fill_n(y, Tk, m_.out_bias.value()[h]);
        for (int f = 0; f < F; ++f) {
          const real w = m_.in_weight.value()[f], at = m_.in_bias.value()[f];
          const real out = m_.out_weight.value()[h * F + f];
          for (int j = 0; j < Tk; ++j) y[j] += out * std::max(w * x[j] + at, real(0));
        }
      }
    });
  }

  void backward(int b, int first, int rows, const real* dbias) const {
    const std::int64_t Tk = keys_.tokens;
    std::vector<real> x(Tk), dx(Tk);
    for (int r = 0; r < rows; ++r) {
      inputs(b, first + r, x.data());
      std::fill(dx.begin(), dx.end(), real(0));
      through_mlp(dbias + r * Tk, rows * Tk, x, dx);
      through_inputs(b, first + r, x, dx);
    }
  }

 private:
  Mlp m_;
  bool causal_;
  int R_;
  Positions queries_, keys_;
  std::vector<real> psi_;  // by distance

  int distance(int b, int i, int j) const { return std::abs(queries_(b, i) - keys_(b, j)); }
  double tau() const { return std::abs(double(m_.multiplier.value()[0])) * R_; }
  // M_i
  double largest(int b, int i) const {
    return causal_ ? queries_(b, i) : keys_(b, std::max(keys_.length(b) - keys_.first, 1) - 1);
  }
  double below(int b, int i) const { return m_.psi(std::max(tau(), largest(b, i))) + 1e-6; }

  // x of query row i and every key.
  void inputs(int b, int i, real* x) const {
    const real over = real(1 / below(b, i));
    for (int j = 0; j < keys_.tokens; ++j) x[j] = psi_[distance(b, i, j)] * over;
  }

  // Gradients of the matrices and of x, from those of f(x): head h's stand at dy + h·stride.
  void through_mlp(const real* dy, std::int64_t stride, const std::vector<real>& x,
                   std::vector<real>& dx) const {
    const int H = m_.heads(), F = m_.hidden(), Tk = int(x.size());
    for (int h = 0; h < H; ++h)
      for (int j = 0; j < Tk; ++j) m_.out_bias.grad()[h] += dy[h * stride + j];
    for (int f = 0; f < F; ++f) {
      const real w = m_.in_weight.value()[f], at = m_.in_bias.value()[f];
      for (int j = 0; j < Tk; ++j) {
        const real active = w * x[j] + at;
        if (active <= 0) continue;
        real d = 0;
        for (int h = 0; h < H; ++h) {
          d += m_.out_weight.value()[h * F + f] * dy[h * stride + j];
          m_.out_weight.grad()[h * F + f] += active * dy[h * stride + j];
        }
        m_.in_weight.grad()[f] += d * x[j];
        m_.in_bias.grad()[f] += d;
        dx[j] += d * w;
      }
    }
  }

  // Gradients of c and of the multiplier: x_j = ψ(|i − j|)/below.
  void through_inputs(int b, int i, const std::vector<real>& x, const std::vector<real>& dx) const {
    const double under = below(b, i), top = std::max(tau(), largest(b, i));
    double dc = 0, dunder = 0;
    for (int j = 0; j < int(x.size()); ++j) {
      dc += dx[j] * m_.psi_by_c(distance(b, i, j)) / under;
      dunder -= double(dx[j]) * x[j] / under;
    }
    m_.c.grad()[0] += real(dc + dunder * m_.psi_by_c(top));
    if (tau() >= largest(b, i))
      m_.multiplier.grad()[0] += real(dunder * m_.psi_by_x(top) *
                                      std::copysign(double(R_), double(m_.multiplier.value()[0])));
  }
};

class Fire final : public Encoding {
  int hidden_ = 32;
  Mlp mlp_;

 public:
  Options options() override {
    return {Option{"hidden", &hidden_, "F, width of the function's hidden layer"}.within(1, 4096)};
  }

  void build(const Dims& dims, Parameters& p) override {
    Encoding::build(dims, p);
    const int F = hidden_, H = dims.heads;
    const Init out = Init::between(-1 / std::sqrt(F), 1 / std::sqrt(F));
    const std::string at = "encoding.fire.";
    mlp_.c = p.make(at + "c", {1}, Init::value(0.1));
    mlp_.multiplier = p.make(at + "multiplier", {1}, Init::value(1));
    mlp_.in_weight = p.make(at + "mlp.in.weight", {F, 1}, Init::between(-1, 1));
    mlp_.in_bias = p.make(at + "mlp.in.bias", {F}, Init::between(-1, 1));
    mlp_.out_weight = p.make(at + "mlp.out.weight", {H, F}, out);
    mlp_.out_bias = p.make(at + "mlp.out.bias", {H}, out);
  }

  void scores(Scores& s, const Attention& a) override {
    const auto strip = std::make_shared<Strip>(mlp_, dims_, a);
    const bool own_last = !dims_.causal && !a.keys.lengths.empty();  // M differs by sequence
    s.strips.push_back({.forward = [strip](int b, int first, int rows,
                                           real* bias) { strip->forward(b, first, rows, bias); },
                        .backward = [strip](int b, int first, int rows,
                                            const real* d) { strip->backward(b, first, rows, d); },
                        .shared = a.queries.shared() && a.keys.shared() && !own_last,
                        .inputs = mlp_.all()});
  }
};

const Register<Fire> registered{{.name = "fire",
                                 .title = "Functional interpolation of distances",
                                 .paper = "arXiv:2310.04418",
                                 .kind = Kind::bias,
                                 .formula = "q_i·k_j/√d + f_h(ψ(|i - j|)/ψ(max(τ, M_i)))"}};

}  // namespace
}  // namespace yonder
