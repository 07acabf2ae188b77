#include <algorithm>

#include "datasets/base/symbols.h"

namespace yonder {
namespace {

/// The answer is the question backwards.  Kazemnejad et al. 2023, arXiv:2305.19466
class Reverse final : public SymbolTask {
  std::vector<int> answer(std::vector<int> question) const override {
    std::reverse(question.begin(), question.end());
    return question;
  }
  int evidence(int i, int length) const override { return length - 1 - i; }
};

const RegisterTask<Reverse> reverse_entry{
    {.name = "reverse",
     .title = "Reverse a string",
     .form = "n symbols, then the same symbols in reverse order",
     .paper = "Kazemnejad et al. 2023, arXiv:2305.19466"}};

}  // namespace
}  // namespace yonder
