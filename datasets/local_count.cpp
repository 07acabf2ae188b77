#include <algorithm>
#include <vector>

#include "datasets/base/symbols.h"

namespace yonder {
namespace {

/// Counting within runs: n symbols in runs of 2 to 12 equal ones; the target of each is how many of
/// its run precede it. Adjacent runs differ; the last one may be cut off.
///   BOS a a a c c …,  targets 0 1 2 0 1 …
/// Vasylenko et al. 2025, "Long-context generalization with sparse attention", arXiv:2506.16640.
class LocalCount final : public GeneratedTask {
 public:
  Options options() override {
    return {Option{"alphabet", &alphabet_, "different symbols"}.within(2, 65536),
            Option{"longest", &longest_, "length of the longest run; the shortest has 2"}.within(
                2, 1024)};
  }

  bool labels() const override { return true; }
  int vocabulary() const override { return first_symbol + longest_ + alphabet_; }
  int tokens(int length) const override { return 1 + length; }

  /// A run begins at position t with probability u_t = Σ_l u_{t−l}/(R − 1) over run lengths l; c
  /// symbols of it precede position t if it began at t − c and is longer than c.
  double chance_accuracy(int length) const override {
    std::vector<double> begins(length, 0);
    double right = 0;
    for (int t = 0; t < length; ++t) {
      begins[t] = t == 0;
      double best = 0;
      for (int l = 2; l <= std::min(longest_, t); ++l) begins[t] += begins[t - l] / (longest_ - 1);
      for (int c = 0; c < std::min(longest_, t + 1); ++c)
        best = std::max(best, begins[t - c] * (longest_ - std::max(c, 1)) / (longest_ - 1));
      right += best;
    }
    return right / length;
  }

  Example example(int length, RandomStream& draws) const override {
    Example e;
    e.add_input(bos);
    int last = -1;
    for (int t = 0; t < length;) {
      int s = draws.below(last < 0 ? alphabet_ : alphabet_ - 1);
      if (last >= 0 && s >= last) ++s;
      const int run = std::min(draws.between(2, longest_), length - t);
      for (int c = 0; c < run; ++c) e.label(first_symbol + longest_ + s, first_symbol + c);
      last = s, t += run;
    }
    e.end(eos);
    return e;
  }

 private:
  int alphabet_ = 32, longest_ = 12;

  std::string symbol(int token) const override {
    const int s = token - first_symbol;
    return s < longest_ ? std::to_string(s) : "s" + std::to_string(s - longest_);
  }
};

const RegisterTask<LocalCount> local_count_entry{
    {.name = "local-count",
     .title = "Count the symbols of a run of equal symbols",
     .form = "n symbols in runs of 2 to 12 equal ones; the target of each is how many of its run "
             "precede it",
     .paper = "Vasylenko et al. 2025, arXiv:2506.16640"}};

}  // namespace
}  // namespace yonder
