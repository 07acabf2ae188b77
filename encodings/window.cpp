// A sliding window. Beltagy, Peters & Cohan, "Longformer", 2020, arXiv:2004.05150, sec. 3.1.
//
//   query i sees key j only if their tokens are fewer than `size` apart, by index
//
// Causal: the last `size` keys, its own included. Added to a trained model, it is the baseline
// that use of a long context has to beat.
#include "encodings/base/encoding.h"

namespace yonder {
namespace {

class Window final : public Encoding {
  int size_ = 0;

 public:
  Options options() override {
    return {Option{"size", &size_, "tokens that a query sees to each side; 0: the training length"}
                .at_least(0)
                .at_inference()};
  }

  void mask(Mask& m) override { m.window = size_ > 0 ? size_ : dims_.trained; }
};

const Register<Window> window_entry{{.name = "window",
                                     .title = "Sliding window",
                                     .paper = "arXiv:2004.05150",
                                     .kind = Kind::modifier,
                                     .formula = "query i sees keys less than size tokens away",
                                     .extensions = {{"window.size", 0}},
                                     .joins_at_inference = {{"size"}},
                                     .baseline = Baseline::window}};

}  // namespace
}  // namespace yonder
