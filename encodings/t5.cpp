// T5's relative bias. Raffel et al., "Exploring the limits of transfer learning with a unified
// text-to-text Transformer", 2020, arXiv:1910.10683, sec. 2.1, and its code.
//
//   score_ij = q_i·k_j/√d + b_h[bucket(i − j)],   one table b for all layers; bucket.h
//
// T5 itself leaves q·k unscaled (scale = none).
#include "encodings/base/bucket.h"
#include "encodings/base/encoding.h"

namespace yonder {
namespace {

class T5 final : public Encoding {
  int buckets_ = 32, max_distance_ = 128;
  std::string scale_ = "sqrt";
  Var bias_;  // [buckets, H]

 public:
  Options options() override {
    return {Option{"buckets", &buckets_, "number of buckets, even"}.at_least(4),
            Option{"max_distance", &max_distance_, "distance from which all share the last bucket"}
                .at_least(1),
            Option{"scale", &scale_, "divide q·k by √d, or not"}.one_of({"sqrt", "none"})};
  }

  void check() const override { bucket().check("t5"); }

  void build(const Dims& dims, Parameters& p) override {
    Encoding::build(dims, p);
    bias_ = p.make("encoding.t5.bias", {buckets_, dims.heads}, Init::std(0.02));
  }

  void scores(ScoreTerms& s, const Attention& a) override {
    if (!dims_.two_sided()) a.require_monotonic("t5");
    if (scale_ == "none") s.scale = 1;
    s.relative.push_back({.bucket = {buckets_, a.least(), a.most(), bucket()}, .c = bias_});
  }

 private:
  LogBuckets bucket() const { return {buckets_, max_distance_, dims_.two_sided()}; }
};

const Register<T5> t5_entry{{.name = "t5",
                             .title = "Bucketed relative bias (T5)",
                             .printed = "T5",
                             .paper = "arXiv:1910.10683",
                             .aliases = {"t5bias", "t5-bias", "t5rpe"},
                             .usual = Usual::compared,
                             .kind = Kind::bias,
                             .formula = "q_i·k_j/√d + b_h[bucket(i - j)]"}};

}  // namespace
}  // namespace yonder
