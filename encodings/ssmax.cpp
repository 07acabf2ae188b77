// Scalable softmax. Nakanishi, "Scalable-Softmax is superior for attention", 2025,
// arXiv:2501.19399, eq. 2.
//
//   score_ij = s ln c_i · q_i·k_j/√d,   c_i the number of keys that query i sees
//   kind = learned  s_h of each layer and head, initially N(s, 0.01²), as in the code of
//                   arXiv:2506.16640 (Vasylenko et al. 2025); s = 1/ln N starts as plain attention
//                   at N keys
//          fixed    s everywhere; 1/ln N is log n
//          adaptive (1 + softplus(w_h·n_i) (ln(c_i + 1))^(2 tanh(u_h·n_i))) q_i·k_j/√d, n the
//                   block's normed input: Vasylenko et al. 2025, sec. 4.3
//          llama4   (1 + attn_scale ln(1 + ⌊c_i/floor_scale⌋)) q_i·k_j/√d, as in Llama 4, on
//                   layers without positions; its code uses i + 1, which is c_i without a window
//
// Terms without q (biases) are unchanged, as with log n; with `bias` the factor multiplies plain
// biases too, as in the code of arXiv:2505.22842 (bam+ssmax). `heads` scales only that many of the
// last heads, as in the code of arXiv:2506.16640 (nape+ssmax).
#include <cmath>

#include "core/ops/ops.h"
#include "encodings/base/encoding.h"
#include "encodings/base/query_scale.h"
#include "encodings/base/scaled_bias.h"

namespace yonder {
namespace {

class SsMax final : public Encoding {
  std::string kind_ = "learned";
  double s_ = 1, attn_scale_ = 0.1;
  int floor_scale_ = 8192, heads_ = 0;
  bool bias_ = false;
  std::vector<Var> each_;  // s of each layer, [heads]
  struct Adaptive {
    Var beta, gamma;  // w, u, [heads, D]
  };
  std::vector<Adaptive> adaptive_;  // of each layer

 public:
  Options options() override {
    const double inf = std::numeric_limits<double>::infinity();
    return {
        Option{"kind", &kind_, "s learned, fixed, Llama 4's rule, or by content"}.one_of(
            {"learned", "fixed", "llama4", "adaptive"}),
        Option{"s", &s_, "the fixed s, or the initial value of the learned ones"}.between(0, inf),
        Option{"attn_scale", &attn_scale_, "llama4: coefficient of the logarithm"}.at_least(0),
        Option{"floor_scale", &floor_scale_, "llama4: number of keys from which it scales"}
            .at_least(1),
        heads_option(&heads_),
        Option{"bias", &bias_, "multiply plain biases too"}.added_later()};
  }

  void check() const override { check_heads("ssmax", heads_, dims_.heads); }

  void build(const Dims& dims, Parameters& p) override {
    Encoding::build(dims, p);
    if (kind_ == "adaptive") return build_adaptive(p);
    if (kind_ != "learned") return;
    for (int l = 0; l < dims.layers; ++l) {
      const std::string name = fmt::format("encoding.ssmax.blocks.{}.s", l);
      const Random random(p.seed(), name);
      Tensor start = Tensor::uninitialized({heads_ ? heads_ : dims.heads});
      for (int h = 0; h < start.dim(0); ++h) start[h] = real(s_ + 0.01 * random.normal(h));
      each_.push_back(p.make(name, start));
    }
  }

  void scale_queries(Dots& d, const Attention& a) override {
    if (kind_ == "adaptive") return multiply_rows(d, adaptive(a));
    const Tensor factor = keys(a);
    if (kind_ != "learned") multiply_rows(d, factor);
    else multiply_rows(d, learned(factor, a.layer));
  }

  void scores(ScoreTerms& s, const Attention& a) override {
    if (!bias_) return;
    if (kind_ == "adaptive") return scale_biases("ssmax.bias", s, a, adaptive(a));
    const Tensor factor = keys(a);
    if (kind_ == "learned") return scale_biases("ssmax.bias", s, a, learned(factor, a.layer));
    scale_biases("ssmax.bias", s, a, by_head(factor, Var(ones({dims_.heads}))));
  }

 private:
  void build_adaptive(Parameters& p) {
    for (int l = 0; l < dims_.layers; ++l) {
      const auto make = [&](const std::string& name) {
        return p.make(fmt::format("encoding.ssmax.blocks.{}.{}", l, name),
                      {heads_ ? heads_ : dims_.heads, dims_.width}, Init::std(0.02));
      };
      const Var beta = make("beta");
      adaptive_.push_back({beta, make("gamma")});
    }
  }

  // The adaptive factors, [B, Tq, H].
  Var adaptive(const Attention& a) const {
    if (a.input.dim(2) != dims_.width)
      throw UsageError(
          "ssmax.kind: adaptive reads a real input of the block, and complex has none; choose "
          "another kind");
    const Adaptive& w = adaptive_[std::size_t(a.layer)];
    const int heads = w.beta.dim(0), rest = dims_.heads - heads;
    const Tensor c = visible(a);  // [B or 1, Tq], or [.., H]
    const bool apart = c.shape.size() == 3;
    Tensor power = Tensor::uninitialized({c.dim(0), c.dim(1), heads});
    for (std::int64_t i = 0; i < power.size(); ++i) {
      const std::int64_t row = i / heads, h = rest + i % heads;
      power[i] = real(2 * std::log(std::log1p(double(c[apart ? row * dims_.heads + h : row]))));
    }
    if (power.dim(0) == 1) power = power.view({power.dim(1), heads});
    const Var strength = softplus(linear(a.input, w.beta));
    const Var factor =
        strength * exp(tanh(linear(a.input, w.gamma)) * Var(power)) + Var(ones({heads}));
    if (rest == 0) return factor;
    return concat({Var(ones({factor.dim(0), factor.dim(1), rest})), factor}, 2);
  }

  static Tensor ones(Shape shape) {
    Tensor x = Tensor::uninitialized(std::move(shape));
    for (real& y : x.flat()) y = 1;
    return x;
  }

  // The factors without a learned s, [B or 1, Tq] or [B or 1, Tq, H].
  Tensor keys(const Attention& a) const {
    const Tensor factor = visible(a);
    for (real& c : factor.flat()) c = real(of(double(c)));
    return of_last(heads_, dims_.heads, factor);
  }

  // `factor` times s, [B or 1, Tq, H].
  Var learned(const Tensor& factor, int layer) const {
    Var s = each_[std::size_t(layer)];
    if (const int rest = dims_.heads - s.dim(0); rest > 0) s = concat({Var(ones({rest})), s}, 0);
    return by_head(factor, s);
  }

  static Var by_head(const Tensor& factor, const Var& s) {
    if (factor.shape.size() == 3) return Var(factor) * s;
    return outer(Var(factor), s).view({factor.dim(0), factor.dim(1), s.dim(0)});
  }

  // The factor for c keys, without a learned s.
  double of(double c) const {
    if (kind_ == "llama4") return 1 + attn_scale_ * std::log1p(std::floor(c / floor_scale_));
    return (kind_ == "fixed" ? s_ : 1) * std::log(c);
  }
};

const Register<SsMax> ss_max_entry{{.name = "ssmax",
                                    .title = "Scalable softmax (SSMax)",
                                    .printed = "SSMax",
                                    .paper = "arXiv:2501.19399",
                                    .kind = Kind::modifier,
                                    .formula = "s_h ln c_i q_i·k_j/√d, c_i the keys that i sees"}};

}  // namespace
}  // namespace yonder
