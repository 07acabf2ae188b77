// Heads with hard local windows. Jelassi, Brandfonbrener, Kakade & Malach, "Repeat after me:
// Transformers are better than state space models at copying", 2024, arXiv:2402.01032, sec. 3.2
// (Hard-ALiBi).
//
//   in head h = 1..m, query i sees key j only if their tokens are fewer than h apart, by index;
//   the other heads see every key, without position
//
// So head 1 sees the query's own token, head 2 also the one before: a model can match the last
// n-gram. Keys outside a head's window cost no time.
#include "encodings/base/encoding.h"

namespace yonder {
namespace {

class HardAlibi final : public Encoding {
  int heads_ = 0;

 public:
  Options options() override {
    return {
        Option{"heads", &heads_, "m, number of heads with a window; 0: half of all heads"}.at_least(
            0)};
  }

  void check() const override {
    if (heads_ > dims_.heads)
      throw UsageError(
          fmt::format("hard-alibi.heads: {} are more than the model's {}", heads_, dims_.heads));
    if (windowed() == 0)
      throw UsageError(
          "hard-alibi.heads: one head can't be halved; give the model more heads, or set "
          "hard-alibi.heads 1");
  }

  void mask(Mask& m) override {
    m.of_heads.resize(std::size_t(dims_.heads));
    for (int h = 0; h < windowed(); ++h) m.of_heads[h] = h + 1;
  }

 private:
  int windowed() const { return heads_ ? heads_ : dims_.heads / 2; }
};

const Register<HardAlibi> hard_alibi_entry{
    {.name = "hard-alibi",
     .title = "Heads with hard local windows (Hard-ALiBi)",
     .printed = "Hard-ALiBi",
     .paper = "arXiv:2402.01032",
     .kind = Kind::bias,
     .formula = "q_i·k_j/√d, in the heads h ≤ H/2 for |i - j| < h alone"}};

}  // namespace
}  // namespace yonder
