// Attention scaled by log n. Chiang & Cholak, "Overcoming a theoretical limitation of
// self-attention", 2022, arXiv:2202.12172; Su 2021, kexue.fm/archives/8823.
//
//   q_i ln c_i / ln N,   c_i the number of keys that query i sees
//   when = test: max(1, ln c_i / ln N), which changes nothing within the trained length
//
// It multiplies, so that attention over more keys stays as sharp; dividing would flatten it. What
// has no q in it (biases) stays.
#include <algorithm>
#include <cmath>

#include "encodings/encoding.h"

namespace yonder {
namespace {

// c_i of token i in a sequence of n. A row of padding counts as 1: nothing comes of it.
int visible(int i, int n, const Mask& m) {
  const int reach = m.window > 0 ? std::min(m.window, n) - 1 : n;
  const int first = std::max(0, i - reach), last = m.causal ? i : std::min(n - 1, i + reach);
  return std::max(1, last - first + 1);
}

class LogN final : public Encoding {
  std::string when_ = "train";

 public:
  Options options() override {
    return {Option{"when", &when_, "always, or in tests and only where it sharpens"}.one_of(
        {"train", "test"})};
  }

  void check() const override {
    if (dims_.trained < 2)
      throw UsageError("logn: one token has no logarithm to measure by; train on at least 2");
  }

  void scale_queries(Dots& d, const Attention& a) override {
    const Positions& p = a.queries;
    const Tensor before = d.row;
    const bool own = !a.mask.causal && !p.lengths.empty();  // each sequence its own n
    const int batch = own ? p.batch : before ? before.dim(0) : 1;
    d.row = Tensor::uninitialized({batch, p.tokens});
    for (int b = 0; b < batch; ++b)
      for (int t = 0; t < p.tokens; ++t) {
        const int n = own ? p.length(b) : p.first + p.tokens;
        const double f = factor(visible(p.first + t, n, a.mask));
        const int row = b * p.tokens + t;
        d.row[row] = real(f) * (before ? before[row % before.size()] : 1);
      }
  }

 private:
  double factor(int c) const {
    const double f = std::log(c) / std::log(dims_.trained);
    return when_ == "test" ? std::max(1.0, f) : f;
  }
};

const Register<LogN> registered{{.name = "logn",
                                 .title = "Attention scaled by log n",
                                 .paper = "arXiv:2202.12172",
                                 .kind = Kind::modifier,
                                 .formula = "q_i ln c_i / ln N, c_i the keys that query i sees",
                                 .extensions = {{"logn.when", "test"}}}};

}  // namespace
}  // namespace yonder
