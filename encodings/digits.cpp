// Positions written in digits, so that every input stays small. Su 2023, kexue.fm/archives/9675.
//
//   x_i + W c,   c from the digits a_0 … a_{G−1} of i in base β, most significant first:
//   c_g = a_g/β (real), or 1 at gβ + a_g (onehot)
//
// Beyond the positions seen in training:
//   extrapolate  the leading digits, 0 until then, come into use
//   interpolate  digits of ⌊i/k⌋, with the fraction of i/k added to the last
//   rebase       digits in a larger base, still divided by β
#include <cmath>
#include <cstdint>

#include "core/ops/ops.h"
#include "encodings/base/encoding.h"

namespace yonder {
namespace {

class Digits final : public Encoding {
  int beta_ = 10, digits_ = 5, base_ = 0;
  std::string as_ = "real", beyond_ = "extrapolate";
  double factor_ = 0;
  Var weight_;  // [D, G], onehot: [D, Gβ]

 public:
  Options options() override {
    return {
        Option{"beta", &beta_, "β, base of the digits in training"}.within(2, 65536),
        Option{"digits", &digits_, "G, the number of digits"}.within(1, 64),
        Option{"as", &as_, "digits as numbers or one-hot"}.one_of({"real", "onehot"}),
        Option{"beyond", &beyond_,
               "how positions beyond training are written (onehot: extrapolate)"}
            .one_of({"extrapolate", "interpolate", "rebase"})
            .at_inference(),
        Option{"factor", &factor_,
               "k of interpolate, at least 1; 0: evaluation over training length"}
            .at_least(0)
            .at_inference(),
        Option{"base", &base_, "base of rebase; 0: the smallest that the evaluation length needs"}
            .at_least(0)
            .at_inference()};
  }

  void check() const override {
    if (std::pow(beta_, digits_) < dims_.positions)
      throw UsageError(fmt::format(
          "digits.digits: {} digits in base {} can't write the {} positions of training; give more",
          digits_, beta_, dims_.positions));
    if (as_ == "onehot" && beyond_ != "extrapolate")
      throw UsageError("digits.beyond: onehot digits can only extrapolate; train as real for " +
                       beyond_);
    if (factor_ > 0 && factor_ < 1)
      throw UsageError("digits.factor: below 1 positions would grow; give 1 or more, or 0 for L/N");
    if (base_ == 1) throw UsageError("digits.base: a base is at least 2; 0 finds one");
  }

  void build(const Dims& dims, Parameters& p) override {
    Encoding::build(dims, p);
    weight_ = p.make("encoding.digits.weight", {dims.width, inputs()}, Init::std(0.5));
  }

  void freeze_for_length(int longest) override {
    if (beyond_ == "interpolate") factor_ = factor(longest);
    if (beyond_ == "rebase") base_ = base(longest);
  }

  Var embed(const Var& x, std::span<const int>, const Positions& p) override {
    const std::vector<int> at = token_positions(p);
    Tensor c({int(at.size()), inputs()});
    for (std::size_t t = 0; t < at.size(); ++t) write(at[t], p.longest, &c[t * inputs()]);
    const Var y = linear(Var(c), weight_);
    return x + (p.shared() ? y : y.view(x.shape()));
  }

 private:
  int inputs() const { return as_ == "onehot" ? digits_ * beta_ : digits_; }

  // The smallest b ≥ β for which L positions fit into as many digits as R − 1 has in base β.
  int smallest_base(int L) const {
    int used = 1;
    for (int rest = (dims_.positions - 1) / beta_; rest > 0; rest /= beta_) ++used;
    int b = beta_;
    while (std::pow(b, used) < L) ++b;
    return b;
  }

  double factor(int L) const {  // k
    return factor_ > 0 ? factor_ : std::max(1.0, L / double(dims_.trained));
  }
  int base(int L) const { return base_ > 0 ? base_ : smallest_base(L); }

  void write(int position, int L, real* c) const {
    const bool interpolates = beyond_ == "interpolate";
    const double k = interpolates ? factor(L) : 1;
    const int b = beyond_ == "rebase" ? base(L) : beta_;
    std::int64_t v = std::int64_t(std::floor(position / k + 1e-9));
    const double left = std::max(0.0, position / k - double(v));
    if (double(v) >= std::pow(b, digits_))
      throw Undefined("digits end", fmt::format("digits: position {} has more than {} digits in "
                                                "base {}; see --digits.beyond",
                                                position, digits_, b));
    for (int g = digits_ - 1; g >= 0; --g, v /= b) {
      const int a = int(v % b);
      if (as_ == "onehot") c[g * beta_ + a] = 1;
      else c[g] = real((a + (g == digits_ - 1 ? left : 0)) / beta_);
    }
  }
};

const Register<Digits> digits_entry{
    {.name = "digits",
     .title = "Positions written in digits",
     .paper = "kexue.fm/archives/9675",
     .kind = Kind::absolute,
     .formula = "x_i + W c, c the digits of i in base β, over β",
     .extensions = {{"digits.beyond", "interpolate"}, {"digits.beyond", "rebase"}}}};

}  // namespace
}  // namespace yonder
