#pragma once
#include "datasets/base/dataset.h"

namespace yonder {

/// A task whose question is a string of symbols and whose answer is another:
///   BOS s_1 … s_m SEP a_1 … a_k EOS
class StringTask : public GeneratedTask {
 public:
  Example example(int length, RandomStream&) const override;

 protected:
  virtual std::vector<int> question(int length,
                                    RandomStream&) const = 0;  ///< s_1 … s_m of `length` items
  virtual std::vector<int> answer(std::vector<int> question) const = 0;  ///< a_1 … a_k
  /// The index, of `length` from 0, of the symbol that alone determines the i-th of the answer; −1:
  /// there is none.
  virtual int evidence(int /*i*/, int /*length*/) const { return -1; }
};

/// A task with n symbols of an alphabet in question and answer: m = k = n.
class SymbolTask : public StringTask {
 public:
  explicit SymbolTask(int alphabet = 16) : alphabet_(alphabet) {}  ///< default of the option

  Options options() override {
    return {Option{"alphabet", &alphabet_, "different symbols"}.within(2, 65536)};
  }

  int vocabulary() const override { return first_symbol + alphabet_; }
  int tokens(int length) const override { return 2 * length + 2; }
  /// Each position holds every symbol equally often; EOS is certain.
  double chance_accuracy(int length) const override {
    return (length / double(alphabet_) + 1) / (length + 1);
  }

 protected:
  /// Independent and uniform, or all different if `unique_`.
  std::vector<int> question(int length, RandomStream&) const override;
  std::string symbol(int token) const override;
  /// Throws UsageError for the task `name` if `length` unique symbols need a larger alphabet.
  void check_unique(const std::string& name, int length) const;

  int alphabet_;         ///< number of different symbols
  bool unique_ = false;  ///< no symbol is repeated in a sequence
};

/// A task with n bits and an answer of one bit:  BOS b_1 … b_n SEP a EOS
class BitTask : public StringTask {
 public:
  int vocabulary() const override { return first_symbol + 2; }
  int tokens(int length) const override { return length + 3; }

 protected:
  static constexpr int zero = first_symbol, one = zero + 1;  ///< tokens of the two bits

  /// Independent and uniform.
  std::vector<int> question(int length, RandomStream&) const override;
  std::string symbol(int token) const override { return token == zero ? "0" : "1"; }
};

/// Name of symbol s of an alphabet: a letter, or `prefix` and its number if there are more than 26.
std::string symbol_name(int s, int alphabet, const std::string& prefix = "");
/// `n` distinct integers of 0..below−1 in random order, every choice equally likely.
std::vector<int> distinct(int n, int below, RandomStream&);

}  // namespace yonder
