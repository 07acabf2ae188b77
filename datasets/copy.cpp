#include "datasets/base/symbols.h"

namespace yonder {
namespace {

/// The answer is the question, symbol by symbol. With an alphabet much smaller than the length, the
/// preceding symbols do not determine a symbol's position; with `unique` symbols they do.
/// Kazemnejad et al. 2023, arXiv:2305.19466; Jelassi et al. 2024, arXiv:2402.01032.
class Copy final : public SymbolTask {
 public:
  Options options() override {
    Options all = SymbolTask::options();
    all.push_back({"unique", &unique_, "no symbol is repeated in a sequence"});
    return all;
  }

  void check(int length) const override { check_unique("copy", length); }

 private:
  std::vector<int> answer(std::vector<int> question) const override { return question; }
  int evidence(int i, int) const override { return i; }
};

const RegisterTask<Copy> copy_entry{{.name = "copy",
                                     .title = "Copy a string",
                                     .form = "n symbols, then the same n symbols",
                                     .paper = "Kazemnejad et al. 2023, arXiv:2305.19466"}};

}  // namespace
}  // namespace yonder
