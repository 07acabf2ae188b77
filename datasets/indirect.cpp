#include <algorithm>

#include "datasets/base/symbols.h"

namespace yonder {
namespace {

/// A letter of a string, and the letter at an offset to its left or right: finding the first is a
/// matter of content, stepping from it a matter of position.
///   BOS s_0 s_1 … s_n s_i ±k SEP s_{i±k} EOS
/// Indirect indexing of Gopalakrishnan et al. 2025, "Decoupling the 'what' and 'where' with polar
/// coordinate positional embeddings", arXiv:2509.10534. The letter s_i occurs once in the string,
/// others may repeat; i is uniform, then the step among those of at most `reach` symbols that stay
/// within the string. A step is one token. The lag is the distance from the separator to the target
/// letter.
class Indirect final : public GeneratedTask {
 public:
  Options options() override {
    return {Option{"alphabet", &alphabet_, "different letters"}.within(2, 65536),
            Option{"reach", &reach_, "the longest step"}.within(1, 65536)};
  }

  int vocabulary() const override { return first_step() + 2 * reach_; }
  int tokens(int length) const override { return length + 6; }
  /// Each letter is equally likely; EOS is certain.
  double chance_accuracy(int) const override { return (1.0 / alphabet_ + 1) / 2; }

  Example example(int length, RandomStream& draws) const override {
    const int i = draws.between(0, length), source = draws.below(alphabet_);
    const int left = std::min(i, reach_), right = std::min(length - i, reach_);
    const int drawn = draws.below(left + right);  // −left … −1, 1 … right
    const int step = drawn < left ? drawn - left : drawn - left + 1;

    Example e;
    e.add_input(bos);
    for (int t = 0; t <= length; ++t) {
      const int other = draws.below(alphabet_ - 1);
      e.add_input(first_letter + (t == i ? source : other + (other >= source)));
    }
    e.add_input(first_letter + source);
    e.add_input(first_step() + (step < 0 ? step + reach_ : step + reach_ - 1));
    e.add_input(sep);
    e.add_target(e.tokens[1 + i + step], 1 + i + step);
    e.add_target(eos);
    return e;
  }

 private:
  enum { first_letter = first_symbol };
  int alphabet_ = 26, reach_ = 8;

  int first_step() const { return first_letter + alphabet_; }

  std::string symbol(int token) const override {
    if (token >= first_step()) {
      const int k = token - first_step();
      return k < reach_ ? std::to_string(k - reach_) : "+" + std::to_string(k - reach_ + 1);
    }
    return symbol_name(token - first_letter, alphabet_, "l");
  }
};

const RegisterTask<Indirect> indirect_entry{
    {.name = "indirect",
     .title = "Find the letter at an offset from another letter",
     .form = "n + 1 different letters, one of them repeated, and a step of at most 8 to the left "
             "or right; then the letter where the step ends",
     .paper = "Gopalakrishnan et al. 2025, arXiv:2509.10534"}};

}  // namespace
}  // namespace yonder
