// An inference-time temperature for a trained model: attention over more keys than in training is
// sharpened by one factor. Veličković et al., "Softmax is not enough (for sharp
// out-of-distribution)", 2024, arXiv:2410.01104, sec. 5, choose it by the entropy of each row; here
// it is the same for all rows and set by hand.
//
//   score_ij = λ q_i·k_j/√d,   λ = by
//
// Terms without q (biases) are unchanged, as with log n.
#include "encodings/base/encoding.h"
#include "encodings/base/query_scale.h"

namespace yonder {
namespace {

class Sharpen final : public Encoding {
  double by_ = 1;

 public:
  Options options() override {
    const double inf = std::numeric_limits<double>::infinity();
    return {Option{"by", &by_, "λ, factor of q·k; above 1 sharpens, below flattens"}
                .between(0, inf)
                .at_inference()};
  }

  void scale_queries(Dots& d, const Attention& a) override {
    if (by_ != 1) multiply_rows(d, a, by_);
  }
};

const Register<Sharpen> sharpen_entry{{.name = "sharpen",
                                       .title = "Attention sharpened at inference time",
                                       .paper = "arXiv:2410.01104",
                                       .kind = Kind::modifier,
                                       .formula = "λ q_i·k_j/√d",
                                       .extensions = {{"sharpen.by", 1.5}},
                                       .joins_at_inference = {{"by"}},
                                       .baseline = Baseline::factor}};

}  // namespace
}  // namespace yonder
