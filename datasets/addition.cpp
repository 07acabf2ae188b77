#include <cmath>

#include "datasets/dataset.h"

namespace yonder {
namespace {

/// The sum of two numbers below 10^n, drawn uniformly and written with n digits; the sum has n + 1.
///   BOS a + b SEP a+b EOS
/// Digits are `reversed`, the units first, so that a carry is known when it is needed. With index
/// `hints` each digit follows a token that names its place; places are named by consecutive tokens
/// of an ordered set, from a random start that a sequence keeps:  h5 7 h6 4 + h5 9 h6 1 SEP …
/// Zhou et al. 2024, arXiv:2402.09371.
///
/// `coupled` gives digits of one place, and their hints, one position: those of 10^k stand at
/// s + 1 + k, + and SEP at s, BOS at 0, with s uniform in 1.. in training and in tests. Such
/// positions go with any encoding but random and offset, which draw their own; a learned table of N
/// rows holds no more than N of them.  Cho et al. 2024, arXiv:2405.20671, sec. 4.
class Addition final : public GeneratedTask {
 public:
  Options options() override {
    return {{"reversed", &reversed_, "units first"},
            Option{"hints", &hints_, "index hints to draw from, at least n + 1; 0: digits without"}
                .within(0, 65536),
            Option{"coupled", &coupled_, "positions to draw from, at least n + 3; 0: 0, 1, 2, ..."}
                .within(0, 65536)};
  }

  void check(int length) const override {
    const auto need = [length](const char* option, int least, int given, const char* what) {
      if (!given || given >= least) return;
      throw UsageError("addition: sums of " + std::to_string(length) + " digits need " +
                       std::to_string(least) + what + ", not " + std::to_string(given) +
                       "; set --addition." + option + " " + std::to_string(least) + " or more");
    };
    need("hints", length + 1, hints_, " index hints");
    need("coupled", length + 3, coupled_, " coupled positions");
  }

  int vocabulary() const override { return first_hint + hints_; }
  int tokens(int length) const override { return 3 + (3 * length + 1) * (hints_ ? 2 : 1); }

  /// A digit of the sum is uniform, since one operand's is, but for the last carry c: a + b ≥ 10^n
  /// in (1 − 10^−n)/2 of all cases. A hint is as likely as its start. EOS is certain.
  double chance(int length) const override {
    const double no_carry = (1 + std::pow(10.0, -length)) / 2;
    const double digits = length / 10.0 + no_carry;
    if (!hints_) return (digits + 1) / (length + 2);
    const double hints = (length + 1) / double(starts(length));
    return (digits + hints + 1) / (2 * (length + 1) + 1);
  }

  Example example(int length, Draws& draws) const override {
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
    e.give(bos);
    for (int token : written(a, start)) e.give(token);
    e.give(plus);
    for (int token : written(b, start)) e.give(token);
    e.give(sep);
    for (int token : written(sum, start)) e.want(token);
    e.want(eos);
    if (coupled_) e.at = coupled(length, draws.between(1, coupled_ - length - 2));
    return e;
  }

 private:
  enum { plus = first_symbol, first_digit, first_hint = first_digit + 10 };

  bool reversed_ = true;
  int hints_ = 0, coupled_ = 0;

  int starts(int length) const { return hints_ - length; }

  /// The tokens of a number whose units are digits[0].
  std::vector<int> written(const std::vector<int>& digits, int start) const {
    std::vector<int> tokens;
    const int n = int(digits.size());
    for (int i = 0; i < n; ++i) {
      const int place = reversed_ ? i : n - 1 - i;
      if (hints_) tokens.push_back(first_hint + start + place);
      tokens.push_back(first_digit + digits[place]);
    }
    return tokens;
  }

  /// Positions of all tokens of a sequence.
  std::vector<int> coupled(int length, int s) const {
    std::vector<int> at{0};
    const auto number = [&at, s, this](int digits) {
      for (int i = 0; i < digits; ++i)
        at.insert(at.end(), hints_ ? 2 : 1, s + 1 + (reversed_ ? i : digits - 1 - i));
    };
    number(length);
    at.push_back(s);
    number(length);
    at.push_back(s);
    number(length + 1);
    at.push_back(0);  // EOS, as BOS
    return at;
  }

  std::string symbol(int token) const override {
    if (token == plus) return "+";
    if (token < first_hint) return std::to_string(token - first_digit);
    return "h" + std::to_string(token - first_hint);
  }
};

const RegisterTask<Addition> registered{
    {.name = "addition",
     .title = "Add two numbers of n digits",
     .form = "two numbers below 10^n, written with n digits, then their sum with n + 1; units "
             "first if reversed",
     .paper = "Zhou et al. 2024, arXiv:2402.09371"}};

}  // namespace
}  // namespace yonder
