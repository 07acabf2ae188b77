#include <algorithm>

#include "datasets/symbols.h"

namespace yonder {
namespace {

/// The answer is the question backwards.  Kazemnejad et al. 2023, arXiv:2305.19466
class Reverse final : public SymbolTask {
  std::vector<int> answer(std::vector<int> question) const override {
    std::reverse(question.begin(), question.end());
    return question;
  }
};

const RegisterTask<Reverse> registered{"reverse", "Say a string backwards"};

}  // namespace
}  // namespace yonder
