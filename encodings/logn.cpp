// Attention scaled by log n. Chiang & Cholak, "Overcoming a theoretical limitation of
// self-attention", 2022, arXiv:2202.12172; Su 2021, kexue.fm/archives/8823.
//
//   q_i ln c_i / ln N,   c_i the number of keys that query i sees, per head if heads have windows
//   when = test: max(1, ln c_i / ln N), which changes nothing within the training length
//
// It multiplies, so that attention over more keys stays as sharp; dividing would flatten it. Terms
// without q (biases) are unchanged.
#include <algorithm>
#include <cmath>

#include "encodings/base/encoding.h"
#include "encodings/base/query_scale.h"

namespace yonder {
namespace {

class LogN final : public Encoding {
  std::string when_ = "train";
  int heads_ = 0;

 public:
  Options options() override {
    return {
        Option{"when", &when_, "always, or at evaluation only and only beyond the training length"}
            .one_of({"train", "test"}),
        heads_option(&heads_)};
  }

  void check() const override {
    if (dims_.trained < 2)
      throw UsageError("logn: log-n scaling needs a training length of at least 2 (log 1 = 0)");
    check_heads("logn", heads_, dims_.heads);
  }

  void scale_queries(Dots& d, const Attention& a) override {
    Tensor f = visible(a);
    for (real& x : f.flat()) x = real(factor(double(x)));
    multiply_rows(d, of_last(heads_, dims_.heads, f));
  }

 private:
  double factor(double c) const {
    const double f = std::log(c) / std::log(dims_.trained);
    return when_ == "test" ? std::max(1.0, f) : f;
  }
};

const Register<LogN> log_n_entry{{.name = "logn",
                                  .title = "Attention logits scaled by log n",
                                  .printed = "log n",
                                  .paper = "arXiv:2202.12172",
                                  .kind = Kind::modifier,
                                  .formula = "q_i ln c_i / ln N, c_i the keys that query i sees",
                                  .extensions = {{"logn.when", "test"}},
                                  .joins_at_inference = {{"when", "test"}}}};

}  // namespace
}  // namespace yonder
