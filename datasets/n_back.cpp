#include "datasets/base/symbols.h"

namespace yonder {
namespace {

/// The symbol k positions back: k + n random symbols; the target of each is the one k before it.
///   BOS s_1 … s_{k+n},  target of s_t: s_{t−k}, t > k
/// A control that attention at one fixed distance solves at any length. Vasylenko et al. 2025,
/// "Long-context generalization with sparse attention", arXiv:2506.16640. The lag is k.
class NBack final : public GeneratedTask {
 public:
  Options options() override {
    return {Option{"alphabet", &alphabet_, "different symbols"}.within(2, 65536),
            Option{"k", &k_, "how many places back"}.within(1, 65536)};
  }

  bool labels() const override { return true; }
  int vocabulary() const override { return first_symbol + alphabet_; }
  int tokens(int length) const override { return 1 + k_ + length; }
  double chance_accuracy(int) const override { return 1.0 / alphabet_; }

  Example example(int length, RandomStream& draws) const override {
    Example e;
    e.add_input(bos);
    for (int t = 0; t < k_ + length; ++t) {
      const int token = first_symbol + draws.below(alphabet_), told = 1 + t - k_;
      if (t < k_) e.add_input(token);
      else e.label(token, e.tokens[told], told);
    }
    e.end(eos);
    return e;
  }

 private:
  int alphabet_ = 16, k_ = 4;

  std::string symbol(int token) const override {
    return symbol_name(token - first_symbol, alphabet_);
  }
};

const RegisterTask<NBack> n_back_entry{
    {.name = "n-back",
     .title = "Name the symbol k places back",
     .form = "k + n random symbols; the target of each but the first k is the symbol k places back",
     .paper = "Vasylenko et al. 2025, arXiv:2506.16640"}};

}  // namespace
}  // namespace yonder
