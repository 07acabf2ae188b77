#include <algorithm>
#include <array>
#include <cmath>

#include "datasets/base/dataset.h"

namespace yonder {
namespace {

/// The sum of two numbers below 10^n, drawn uniformly and written with n digits; the sum has n + 1.
///   BOS a + b SEP a+b EOS
/// With `reversed`, the units come first, so that a carry is known when it is needed. With index
/// `hints`, each digit follows a token that names its place: consecutive tokens of an ordered set,
/// from a random start that a sequence keeps:  h5 7 h6 4 + h5 9 h6 1 SEP …
/// Zhou et al. 2024, arXiv:2402.09371.
/// `binary`: two numbers of 1 to n bits, n + 1 bits in total, without leading zeros; the sum has
/// none either.  Huang et al. 2025, arXiv:2410.02140, app. E.
/// Digits and their hints have the exponent of their place value, for encodings that use it
/// (coupled, abacus).
class Addition final : public GeneratedTask {
 public:
  Options options() override {
    return {
        {"reversed", &reversed_, "least significant digit first"},
        Option{"hints", &hints_, "index hints to draw from, at least n + 1; 0: none"}.within(0,
                                                                                             65536),
        {"binary", &binary_, "binary numbers without leading zeros, n + 1 bits in both together"}};
  }

  void check(int length) const override {
    if (binary_ && hints_)
      throw UsageError("addition: binary numbers have no index hints; set --addition.hints 0");
    if (!hints_ || hints_ > length) return;
    throw UsageError(
        fmt::format("addition: sums of {0} digits need {1} index hints, not {2}; set "
                    "--addition.hints {1} or more",
                    length, length + 1, hints_));
  }

  bool numbers() const override { return true; }
  int vocabulary() const override { return first_hint + hints_; }
  int tokens(int length) const override {
    if (binary_) return 2 * length + 5;  // the sum has at most one bit more than the longer number
    return 3 + (3 * length + 1) * (hints_ ? 2 : 1);
  }

  /// A digit of the sum is uniform, since one operand's is, except the last carry c: a + b ≥ 10^n
  /// in (1 − 10^−n)/2 of all cases. A hint is as likely as its start. EOS is certain.
  double chance_accuracy(int length) const override {
    if (binary_) return binary_chance(length);
    const double no_carry = (1 + std::pow(10.0, -length)) / 2;
    const double digits = length / 10.0 + no_carry;
    if (!hints_) return (digits + 1) / (length + 2);
    const double hints = (length + 1) / double(starts(length));
    return (digits + hints + 1) / (2 * (length + 1) + 1);
  }

  Example example(int length, RandomStream& draws) const override {
    const int start = hints_ ? draws.below(starts(length)) : 0;
    std::vector<int> a(length), b(length);
    if (binary_) a.resize(draws.between(1, length)), b.resize(length + 1 - int(a.size()));
    for (std::vector<int>* number : {&a, &b}) {
      for (int& digit : *number) digit = draws.below(base());
      if (binary_ && number->size() > 1) number->back() = 1;
    }
    const std::vector<int> sum = added(a, b);

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

  bool reversed_ = true, binary_ = false;
  int hints_ = 0;

  int base() const { return binary_ ? 2 : 10; }
  int starts(int length) const { return hints_ - length; }

  /// The sum, units first. Decimal sums have one digit more, binary ones no leading zeros.
  std::vector<int> added(std::vector<int> a, std::vector<int> b) const {
    const std::size_t n = std::max(a.size(), b.size());
    a.resize(n), b.resize(n);
    std::vector<int> sum;
    int carry = 0;
    for (std::size_t i = 0; i < n; ++i) {
      sum.push_back((a[i] + b[i] + carry) % base());
      carry = (a[i] + b[i] + carry) / base();
    }
    if (!binary_ || carry) sum.push_back(carry);
    return sum;
  }

  /// Accuracy of the likeliest token at each position of the answer, counted over examples: how far
  /// carries go and how long sums are has no short formula.
  double binary_chance(int length) const {
    constexpr int examples = 4096;
    std::vector<std::array<int, 3>> times(length + 2);  // of 0, 1 and EOS
    int all = 0, right = 0;
    RandomStream draws(Random(0, "data.chance", std::uint32_t(length)));
    for (int i = 0; i < examples; ++i) {
      const Example e = example(length, draws);
      int place = 0;
      for (std::size_t t = 0; t < e.tokens.size(); ++t)
        if (e.is_target[t])
          ++times[place++][e.tokens[t] == eos ? 2 : e.tokens[t] - first_digit], ++all;
    }
    for (const auto& at : times) right += *std::max_element(at.begin(), at.end());
    return double(right) / all;
  }

  /// Emits the tokens of a number whose units are digits[0].
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
     .form = "two numbers below 10^n, written with n digits, then their sum with n + 1; least "
             "significant digit first if reversed",
     .paper = "Zhou et al. 2024, arXiv:2402.09371"}};

}  // namespace
}  // namespace yonder
