#include "datasets/base/dataset.h"

namespace yonder {
namespace {

/// A memory of one bit: pairs of an instruction and a bit. `w` writes its bit, `i` has a random bit
/// to be ignored, `r` reads: its bit, which is scored, is the one written last. The first of n
/// pairs writes, the n − 1 others ignore, write or read; a final read follows.
///   BOS w b … i b … r b … r b EOS
/// Liu et al. 2023, "Exposing attention glitches with flip-flop language modeling",
/// arXiv:2306.00946: ignored 0.8 in training, 0.98 (sparse) and 0.1 (dense) in evaluation. The lag
/// of a read is its distance from the bit that was written.
class FlipFlop final : public GeneratedTask {
 public:
  Options options() override {
    return {Option{"ignored", &ignored_,
                   "fraction of ignored pairs; the others are writes and reads, equally often"}
                .within(0, 1)
                .at_inference()};
  }

  int vocabulary() const override { return end; }
  int tokens(int length) const override { return 2 * length + 3; }

  /// Bits are 0 or 1 with equal chance; EOS is certain. (1 − ignored)/2 of n − 1 free pairs read.
  double chance_accuracy(int length) const override {
    const double reads = 1 + (length - 1) * (1 - ignored_) / 2;
    return (reads / 2 + 1) / (reads + 1);
  }

  Example example(int length, RandomStream& draws) const override {
    Example e;
    e.add_input(bos);
    int memory = 0, written = 0;  // and the index of the bit written last
    for (int i = 0; i <= length; ++i) {
      const int does = i == 0 ? write : i == length ? read : drawn(draws);
      e.add_input(does);
      if (does == read) {
        e.add_target(memory, written);
        continue;
      }
      const int bit = zero + draws.below(2);
      if (does == write) memory = bit, written = int(e.tokens.size());
      e.add_input(bit);
    }
    e.add_target(eos);
    return e;
  }

 private:
  enum { write = first_symbol, read, ignore, zero, end = zero + 2 };
  double ignored_ = 0.8;

  int drawn(RandomStream& draws) const {
    if (draws.uniform() < ignored_) return ignore;
    return draws.below(2) ? write : read;
  }

  std::string symbol(int token) const override {
    return std::string(1, "wri01"[token - first_symbol]);
  }
};

const RegisterTask<FlipFlop> flip_flop_entry{
    {.name = "flip-flop",
     .title = "Recall the last bit written (flip-flop)",
     .form =
         "pairs of an instruction and a bit: w writes it, i is ignored, r reads the bit written "
         "last; n pairs, of which the first writes, and a final read",
     .paper = "Liu et al. 2023, arXiv:2306.00946"}};

}  // namespace
}  // namespace yonder
