// Positions that leak from the padding of a convolution. Islam, Jia & Bruce, "How much position
// information do convolutional neural networks encode?", ICLR 2020, arXiv:2001.08248.
//
//   x ← x + w_s ∗ x,  s = 0..layers−1,   (w ∗ x)_t = Σ_m w[s, :, m] x_{t+m−a}  in each column
//
// a = K−1, or (K−1)/2 if centred. Zero padding marks the ends of a sequence, circular padding hides
// them: comparing the two is the control experiment. The first `skip` tokens are not convolved,
// since BOS would be a landmark even on a ring.
#include "core/ops/conv.h"

#include <algorithm>
#include <cmath>

#include "core/ops/ops.h"
#include "encodings/base/encoding.h"

namespace yonder {
namespace {

class Convolution final : public Encoding {
  int kernel_ = 3, layers_ = 1, skip_ = 0;
  std::string padding_ = "zero";
  std::optional<bool> centred_;
  Var weight_;  // [layers, D, K]

 public:
  Options options() override {
    return {
        Option{"kernel", &kernel_, "K, kernel size; odd"}.within(3, 15),
        Option{"layers", &layers_, "number of stacked convolutions"}.within(1, 16),
        Option{"padding", &padding_,
               "zeros, circular (bidirectional only), or valid positions only"}
            .one_of({"zero", "circular", "none"}),
        Option{"centred", &centred_, "kernel centred on the token; not in a causal model"}.shown_as(
            "true if bidirectional"),
        Option{"skip", &skip_, "number of first tokens to skip; 1: BOS"}
            .within(0, 1 << 20)
            .added_later()};
  }

  void check() const override {
    if (kernel_ % 2 == 0)
      throw UsageError(fmt::format("conv.kernel: {} is even; give an odd width", kernel_));
    if (dims_.causal && centred_.value_or(false))
      throw UsageError("conv.centred: a causal model must not read ahead; set it to false");
    if (dims_.causal && padding_ == "circular")
      throw UsageError(
          "conv.padding: circular lets a causal model read ahead; choose zero or none");
  }

  void build(const Dims& dims, Parameters& p) override {
    Encoding::build(dims, p);
    if (!centred_) centred_ = !dims.causal;
    weight_ = p.make("encoding.conv.weight", {layers_, dims.width, kernel_},
                     Init::std(1 / std::sqrt(kernel_)));
  }

  Var embed(const Var& words, std::span<const int>, const Positions& at) override {
    const int T = words.dim(1), skip = std::min(skip_, T);
    if (skip == T) return words;
    std::vector<int> lengths(at.lengths.begin(), at.lengths.end());
    for (int& n : lengths) n = std::max(0, n - skip);
    const Conv conv{.anchor = *centred_ ? (kernel_ - 1) / 2 : kernel_ - 1,
                    .padding = padding_ == "zero"       ? ConvPadding::zero
                               : padding_ == "circular" ? ConvPadding::circular
                                                        : ConvPadding::none,
                    .lengths = lengths};
    Var x = skip ? slice(words, 1, skip, T - skip) : words;
    for (int s = 0; s < layers_; ++s) {
      const Var w = slice(weight_, 0, s, 1).view({dims_.width, kernel_});
      x = x + depthwise(x, w, conv);
    }
    return skip ? concat({slice(words, 1, 0, skip), x}, 1) : x;
  }
};

const Register<Convolution> convolution_entry{
    {.name = "conv",
     .title = "Convolution whose padding encodes position",
     .paper = "arXiv:2001.08248",
     .kind = Kind::absolute,
     .formula = "x ← x + w ∗ x, depthwise"}};

}  // namespace
}  // namespace yonder
