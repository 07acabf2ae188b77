// Rotary position embedding. Su, Lu, Pan, Wen & Liu, "RoFormer", 2021, arXiv:2104.09864, eqs.
// 14–16.
//
//   score_ij = (R(i) q_i)·(R(j) k_j)/√d,   R(i) turns pair m of the first d' columns by i w_m,
//   w_m = base^(−2m/d'), d' = 2⌊fraction d/2⌋, so that the score depends on i − j only
//
// Defined at every position. For long tests the frequencies may be changed (spectrum.h).
#include "encodings/encoding.h"
#include "encodings/rotation.h"

namespace yonder {
namespace {

class Rope final : public Encoding {
  double base_ = 10000, fraction_ = 1;
  std::string layout_ = "interleaved";
  Scaling scaling_;

 public:
  Options options() override {
    const double inf = std::numeric_limits<double>::infinity();
    Options o{Option{"base", &base_, "w_m = base^(−2m/d)"}.between(1, inf),
              Option{"layout", &layout_, "pairs of columns: (2m, 2m+1), or (m, m + d/2)"}.one_of(
                  {"interleaved", "half"}),
              Option{"fraction", &fraction_, "share of a head's columns that turn"}.within(0, 1)};
    scaling_.options(o);
    return o;
  }

  void check() const override {
    if (fraction_ == 1 && dims_.head() % 2)
      throw UsageError("rope: head width " + std::to_string(dims_.head()) +
                       " has no pairs of columns; choose an even width per head");
    if (turning() == 0)
      throw UsageError("rope.fraction: no pair of the head's " + std::to_string(dims_.head()) +
                       " columns would turn; give a larger share");
    scaling_.check("rope", turning());
  }

  void dots(Dots& x, const Attention& a) override {
    const Spectrum s = scaling_.of(base_, turning(), dims_.trained, a.queries.longest);
    auto turned = [&](const Positions& p) {
      return rotation(p, s, layout_, [](int i) { return double(i); });
    };
    const Rotation queries = turned(a.queries);
    const bool same = a.queries.at.data() == a.keys.at.data() && a.queries.tokens == a.keys.tokens;
    x.q = rotate(x.q, queries);
    x.k = rotate(x.k, same ? queries : turned(a.keys));
  }

 private:
  int turning() const { return 2 * int(fraction_ * dims_.head() / 2); }  // d'
};

const Register<Rope> registered{
    {.name = "rope",
     .title = "Rotary position embedding",
     .paper = "arXiv:2104.09864",
     .kind = Kind::rotary,
     .formula = "(R(i) q_i)·(R(j) k_j)/√d, R(i) turns pair m by i w_m, w_m = base^(-2m/d)",
     .extensions = {{"rope.scaling", "linear"},
                    {"rope.scaling", "ntk"},
                    {"rope.scaling", "ntk-old"},
                    {"rope.scaling", "ntk-fixed"},
                    {"rope.scaling", "ntk-mixed"},
                    {"rope.scaling", "dynamic"},
                    {"rope.scaling", "yarn"},
                    {"rope.scaling", "llama3"}}}};

}  // namespace
}  // namespace yonder
