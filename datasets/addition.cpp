#include <cmath>

#include "datasets/base/dataset.h"

namespace yonder {
namespace {

/// The sum of two numbers below 10^n, drawn uniformly and written with n digits; the sum has n + 1.
///   BOS a + b SEP a+b EOS
/// Digits are `reversed`, the units first, so that a carry is known when it is needed. With index
/// `hints` each digit follows a token that names its place; places are named by consecutive tokens
/// of an ordered set, from a random start that a sequence keeps:  h5 7 h6 4 + h5 9 h6 1 SEP …
/// Zhou et al. 2024, arXiv:2402.09371.
/// Each digit, and its hint, counts its power of ten, for encodings that go by them (coupled,
/// abacus).
class Addition final : public GeneratedTask {
 public:
  Options options() override {
    return {{"reversed", &reversed_, "least significant digit first"},
            Option{"hints", &hints_, "index hints to draw from, at least n + 1; 0: none"}.within(
                0, 65536)};
  }

  void check(int length) const override {
    if (!hints_ || hints_ > length) return;
    const std::string least = std::to_string(length + 1);
    throw UsageError("addition: sums of " + std::to_string(length) + " digits need " + least +
                     " index hints, not " + std::to_string(hints_) + "; set --addition.hints " +
                     least + " or more");
  }

  bool numbers() const override { return true; }
  int vocabulary() const override { return first_hint + hints_; }
  int tokens(int length) const override { return 3 + (3 * length + 1) * (hints_ ? 2 : 1); }

  /// A digit of the sum is uniform, since one operand's is, but for the last carry c: a + b ≥ 10^n
  /// in (1 − 10^−n)/2 of all cases. A hint is as likely as its start. EOS is certain.
  double chance_accuracy(int length) const override {
    const double no_carry = (1 + std::pow(10.0, -length)) / 2;
    const double digits = length / 10.0 + no_carry;
    if (!hints_) return (digits + 1) / (length + 2);
    const double hints = (length + 1) / double(starts(length));
    return (digits + hints + 1) / (2 * (length + 1) + 1);
  }

  Example example(int length, RandomStream& draws) const override {
    const int start = hints_ ? draws.below(starts(length)) : 0;
    std::vector<int> a(length), b(length), sum;
    for (int& digit : a) digit = draws.below(10);
    for (int& digit : b) digit = draws.below(10);
    int carry = 0;
    for (int i = 0; i < length; ++i) {
      sum.push_back((a[i] + b[i] + carry) % 10);
      carry = (a[i] + b[i] + carry) / 10;
    }
    sum.push_back(carry);

    Example e;
    const auto given = [&e](int token, int power) { e.add_input(token, power); };
    e.add_input(bos);
    write(a, start, given);
    e.add_input(plus);
    write(b, start, given);
    e.add_input(sep);
    write(sum, start, [&e](int token, int power) { e.add_target(token, -1, power); });
    e.add_target(eos);
    return e;
  }

 private:
  enum { plus = first_symbol, first_digit, first_hint = first_digit + 10 };

  bool reversed_ = true;
  int hints_ = 0;

  int starts(int length) const { return hints_ - length; }

  /// Puts the tokens of a number whose units are digits[0].
  template <class Put>
  void write(const std::vector<int>& digits, int start, Put put) const {
    const int n = int(digits.size());
    for (int i = 0; i < n; ++i) {
      const int power = reversed_ ? i : n - 1 - i;
      if (hints_) put(first_hint + start + power, power);
      put(first_digit + digits[power], power);
    }
  }

  std::string symbol(int token) const override {
    if (token == plus) return "+";
    if (token < first_hint) return std::to_string(token - first_digit);
    return "h" + std::to_string(token - first_hint);
  }
};

const RegisterTask<Addition> addition_entry{
    {.name = "addition",
     .title = "Add two numbers of n digits",
     .form = "two numbers below 10^n, written with n digits, then their sum with n + 1; units "
             "first if reversed",
     .paper = "Zhou et al. 2024, arXiv:2402.09371"}};

}  // namespace
}  // namespace yonder
