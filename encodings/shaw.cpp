// Relative position representations. Shaw, Uszkoreit & Vaswani, 2018, arXiv:1803.02155, eqs. 3–5.
//
//   score_ij = q_i·(k_j + A[r])/√d,   z_i = Σ_j softmax(score)_ij (v_j + C[r])
//   r = clip(i − j, −c, c) + c bidirectional, min(i − j, c) causal, where no visible i − j is below
//   0 (with `coupled` some are: as bidirectional); A and C shared by the heads
//
// table = sinusoidal is NEZHA (Wei et al. 2019, arXiv:1909.00204): row r is the sinusoid of the
// clipped distance, in A and in C, and nothing is learned. Distances beyond c look the same.
#include <algorithm>
#include <numeric>

#include "encodings/base/encoding.h"
#include "encodings/base/spectrum.h"

namespace yonder {
namespace {

class Shaw final : public Encoding {
  int clip_ = 16;
  bool values_ = true;
  std::string table_ = "learned";
  struct Layer {
    Var key, value;  // A and C, [rows, 1, d]
  };
  std::vector<Layer> layers_;

 public:
  Options options() override {
    return {
        Option{"clip", &clip_, "c, the largest distance that is distinguished"}.within(1, 1 << 20),
        Option{"values", &values_, "add C to the values too"},
        Option{"table", &table_, "rows learned, or the sinusoid of the distance (NEZHA)"}.one_of(
            {"learned", "sinusoidal"})};
  }

  void check() const override {
    if (table_ == "sinusoidal" && dims_.heads > 0 && dims_.head() % 2)
      throw UsageError("shaw.table: a sinusoid needs an even head width and this one is " +
                       std::to_string(dims_.head()) + "; change --width or --heads");
  }

  void build(const Dims& dims, Parameters& p) override {
    Encoding::build(dims, p);
    const int d = dims.head();
    layers_.resize(dims.layers);
    for (int l = 0; l < dims.layers; ++l) {
      const std::string at = fmt::format("encoding.shaw.blocks.{}", l);
      auto make = [&](const std::string& name) {
        return table_ == "sinusoidal" ? sinusoids()
                                      : p.make(at + name, {rows_of_table(), d}, Init::std(0.02));
      };
      layers_[l].key = make(".key").view({rows_of_table(), 1, d});
      if (values_) layers_[l].value = make(".value").view({rows_of_table(), 1, d});
    }
  }

  void scores(ScoreTerms& s, const Attention& a) override {
    if (!dims_.two_sided()) a.require_monotonic("shaw");
    const int least = this->least();
    s.relative.push_back({.bucket = {rows_of_table(), a.least(), a.most(),
                                     [&](int x) { return std::clamp(x, least, clip_) - least; }},
                          .A = layers_[a.layer].key,
                          .V = layers_[a.layer].value});
  }

 private:
  int least() const { return dims_.two_sided() ? -clip_ : 0; }
  int rows_of_table() const { return clip_ - least() + 1; }

  Var sinusoids() const {
    std::vector<int> distances(rows_of_table());
    std::iota(distances.begin(), distances.end(), least());
    return sinusoid({.at = distances, .tokens = rows_of_table()}, spectrum(10000, dims_.head()));
  }
};

const Register<Shaw> shaw_entry{
    {.name = "shaw",
     .title = "Relative position representations (Shaw; NEZHA)",
     .printed = "Shaw",
     .paper = "arXiv:1803.02155",
     .kind = Kind::relative,
     .formula = "q_i·(k_j + A[r])/√d,  values v_j + C[r],  r = clip(i - j)"}};

}  // namespace
}  // namespace yonder
