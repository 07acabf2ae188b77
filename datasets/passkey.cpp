#include "datasets/base/symbols.h"

namespace yonder {
namespace {

/// A number somewhere in n symbols of noise, after the mark <key>; the answer repeats it after the
/// separator.
///   BOS a c … <key> d_1 … d_k b … c a SEP d_1 … d_k EOS
/// Mohtashami & Jaggi 2023, "Landmark attention", arXiv:2305.16300, sec. 4.2. In training its
/// position is uniform. Evaluation may fix its lag, the distance from each scored digit to the same
/// digit in the noise: from k (all noise before it) to k + n (all noise after it).
class Passkey final : public GeneratedTask {
 public:
  Options options() override {
    return {Option{"digits", &digits_, "k, digits of the number"}.within(1, 100),
            Option{"noise", &noise_, "different symbols of the noise"}.within(1, 65536),
            Option{"lag", &lag_, "distance of the number at evaluation, in tokens; 0: uniform"}
                .at_least(0)
                .at_inference()};
  }

  bool numbers() const override { return true; }
  int vocabulary() const override { return first_noise + noise_; }
  int tokens(int length) const override { return length + 2 * digits_ + 3; }
  /// Each digit is equally likely; EOS is certain.
  double chance_accuracy(int) const override { return (digits_ / 10.0 + 1) / (digits_ + 1); }

  int sequences(const EvalSpec& spec) const override {
    if (lag_ && lag_ < digits_)
      throw UsageError(
          fmt::format("passkey.lag: a number of {0} digits can't be nearer than {0}, not at {1}; "
                      "give that or more, or 0 for any lag",
                      digits_, lag_));
    if (lag_ > spec.shortest() + digits_)
      throw UsageError(
          fmt::format("passkey.lag: {} needs a test length of {} or more, not {}; test longer, or "
                      "give a smaller lag",
                      lag_, lag_ - digits_, spec.shortest()));
    return GeneratedTask::sequences(spec);
  }

  Example example(int length, RandomStream& draws) const override {
    return hidden(length, draws.between(0, length), draws);
  }
  Example test_example(int length, RandomStream& draws) const override {
    return lag_ ? hidden(length, lag_ - digits_, draws) : example(length, draws);
  }

 private:
  enum { key = first_symbol, first_digit, first_noise = first_digit + 10 };
  int digits_ = 5, noise_ = 16, lag_ = 0;

  /// With `after` symbols of noise between the number and the separator.
  Example hidden(int length, int after, RandomStream& draws) const {
    Example e;
    const auto noise = [&e, &draws, this](int n) {
      for (int i = 0; i < n; ++i) e.add_input(first_noise + draws.below(noise_));
    };
    e.add_input(bos);
    noise(length - after);
    e.add_input(key);
    const int number = int(e.tokens.size());
    const auto power = [this](int i) { return digits_ - 1 - i; };
    for (int i = 0; i < digits_; ++i) e.add_input(first_digit + draws.below(10), power(i));
    noise(after);
    e.add_input(sep);
    for (int i = 0; i < digits_; ++i) e.add_target(e.tokens[number + i], number + i, power(i));
    e.add_target(eos);
    return e;
  }

  std::string symbol(int token) const override {
    if (token == key) return "<key>";
    if (token < first_noise) return std::to_string(token - first_digit);
    return symbol_name(token - first_noise, noise_, "n");
  }
};

const RegisterTask<Passkey> passkey_entry{{.name = "passkey",
                                           .title = "Retrieve a passkey from noise",
                                           .form = "n symbols of noise, somewhere among them <key> "
                                                   "and the digits of a number; then these digits",
                                           .paper = "Mohtashami & Jaggi 2023, arXiv:2305.16300"}};

}  // namespace
}  // namespace yonder
