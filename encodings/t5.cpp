// T5's relative bias. Raffel et al., "Exploring the limits of transfer learning with a unified
// text-to-text Transformer", 2020, arXiv:1910.10683, sec. 2.1, and its code.
//
//   score_ij = q_i·k_j/√d + b_h[bucket(i − j)],   one table b for all layers
//   bucket(x) = x below e, from there min(B−1, e + ⌊(B−e) ln(x/e)/ln(max_distance/e)⌋),  e = ⌊B/2⌋
//
// Bidirectional models give half of the buckets to keys on the right. All that is farther than
// max_distance shares the last bucket. T5 itself leaves q·k unscaled (scale = none).
#include <algorithm>
#include <cmath>

#include "encodings/encoding.h"

namespace yonder {
namespace {

class T5 final : public Encoding {
  int buckets_ = 32, max_distance_ = 128;
  std::string scale_ = "sqrt";
  Var bias_;  // [buckets, H]

 public:
  Options options() override {
    return {Option{"buckets", &buckets_, "number of buckets, even"}.at_least(4),
            Option{"max_distance", &max_distance_, "where the last bucket begins"}.at_least(1),
            Option{"scale", &scale_, "q·k over √d, or as it is"}.one_of({"sqrt", "none"})};
  }

  void check() const override {
    if (buckets_ % 2)
      throw UsageError("t5.buckets: " + std::to_string(buckets_) + " is odd; give an even number");
    if (max_distance_ <= exact())
      throw UsageError("t5.max_distance: distances up to " + std::to_string(exact()) +
                       " have buckets of their own; give more than that");
  }

  void build(const Dims& dims, Parameters& p) override {
    Encoding::build(dims, p);
    bias_ = p.make("encoding.t5.bias", {buckets_, dims.heads}, Init::std(0.02));
  }

  void scores(Scores& s, const Attention& a) override {
    if (scale_ == "none") s.scale = 1;
    s.relative.push_back(
        {.bucket = {buckets_, a.least(), a.most(), [this](int d) { return bucket(d); }},
         .c = bias_});
  }

 private:
  int side() const { return dims_.causal ? buckets_ : buckets_ / 2; }  // B
  int exact() const { return side() / 2; }                             // e

  int bucket(int distance) const {
    const int B = side(), e = exact();
    const int right = !dims_.causal && distance < 0 ? B : 0;
    const int x = dims_.causal ? std::max(distance, 0) : std::abs(distance);
    if (x < e) return right + x;
    const double log = std::log(double(x) / e) / std::log(double(max_distance_) / e);
    return right + int(std::min(B - 1.0, e + std::floor(log * (B - e) + 1e-9)));
  }
};

const Register<T5> registered{{.name = "t5",
                               .title = "T5's bucketed bias",
                               .paper = "arXiv:1910.10683",
                               .kind = Kind::bias,
                               .formula = "q_i·k_j/√d + b_h[bucket(i - j)]"}};

}  // namespace
}  // namespace yonder
