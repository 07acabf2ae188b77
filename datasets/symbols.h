#pragma once
#include "datasets/dataset.h"

namespace yonder {

/// A task whose question is n symbols of an alphabet and whose answer is as many:
///   BOS s_1 … s_n SEP a_1 … a_n EOS
class SymbolTask : public GeneratedTask {
 public:
  Options options() override {
    return {Option{"alphabet", &alphabet_, "different symbols"}.within(2, 65536)};
  }

  int vocabulary() const override { return first_symbol + alphabet_; }
  int tokens(int length) const override { return 2 * length + 2; }
  /// Every place holds each symbol equally often; EOS is certain.
  double chance(int length) const override {
    return (length / double(alphabet_) + 1) / (length + 1);
  }
  Example example(int length, Draws&) const override;

 protected:
  /// The n symbols of a question; here independent and uniform.
  virtual std::vector<int> question(int length, Draws&) const;
  virtual std::vector<int> answer(std::vector<int> question) const = 0;
  std::string symbol(int token) const override;

  int alphabet_ = 16;
};

/// `n` different numbers of 0..below−1 in random order, every choice equally likely.
std::vector<int> distinct(int n, int below, Draws&);

}  // namespace yonder
