#include "datasets/base/symbols.h"

namespace yonder {
namespace {

/// Decoding positions: n random symbols; the target of each is the tenth of the sequence it is in.
///   BOS s_1 … s_n,  target of s_t: ⌊10 (t − 1)/n⌋
/// The symbols carry no information, only positions do; a model that sees no more than distances on
/// a circle is right in one of ten cases. Causal models do not know n, so part of the task is
/// impossible for them. The question is that of Islam et al. 2020, "How much position information
/// do convolutional neural networks encode?", arXiv:2001.08248.
class Place final : public GeneratedTask {
 public:
  Options options() override {
    return {Option{"alphabet", &alphabet_, "different symbols"}.within(1, 65536)};
  }

  bool labels() const override { return true; }
  int vocabulary() const override { return first_symbol + tenths + alphabet_; }
  int tokens(int length) const override { return 1 + length; }
  /// For a guess that does not know its position, since one that does would know the answer.
  double chance_accuracy(int length) const override {
    return double((length + tenths - 1) / tenths) / length;
  }

  Example example(int length, RandomStream& draws) const override {
    Example e;
    e.add_input(bos);
    for (int t = 0; t < length; ++t)
      e.label(first_symbol + tenths + draws.below(alphabet_),
              first_symbol + int(std::int64_t(tenths) * t / length));
    e.end(eos);
    return e;
  }

 private:
  static constexpr int tenths = 10;
  int alphabet_ = 16;

  std::string symbol(int token) const override {
    const int s = token - first_symbol - tenths;
    if (s < 0) return std::to_string(token - first_symbol);
    return symbol_name(s, alphabet_, "s");
  }
};

const RegisterTask<Place> place_entry{
    {.name = "place",
     .title = "Tell which tenth of the sequence each symbol is in",
     .form = "n random symbols; the target of each is the tenth of the sequence that it is in, 0 "
             "to 9",
     .paper = "Islam et al. 2020, arXiv:2001.08248"}};

}  // namespace
}  // namespace yonder
