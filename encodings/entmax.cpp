// Sparse attention by α-entmax. Peters, Niculae & Martins, "Sparse sequence-to-sequence models",
// 2019, arXiv:1905.05702, sec. 3; in causal models Vasylenko et al. 2025, arXiv:2506.16640
// (ASEntmax: nape+ssmax+entmax with ssmax.kind adaptive).
//
//   A_ij = max((α − 1) S_ij − τ_i, 0)^(1/(α−1)) in place of softmax, τ_i such that Σ_j A_ij = 1
//
// S is the score with the terms of all other encodings, over the keys that the query sees. α = 2 is
// sparsemax; α → 1 is softmax.
#include "encodings/base/encoding.h"

namespace yonder {
namespace {

class EntmaxWeights final : public Encoding {
  double alpha_ = 1.5;

 public:
  Options options() override {
    return {Option{"alpha", &alpha_, "α: 2 is sparsemax, towards 1 it becomes softmax"}.within(1.05,
                                                                                               2)};
  }

  void scores(ScoreTerms& s, const Attention&) override {
    if (s.sink)
      throw UsageError("entmax: it has no denominator for a learned sink; remove sinks.learned");
    s.weights = Weights::entmax, s.alpha = alpha_;
  }
};

const Register<EntmaxWeights> entmax_entry{
    {.name = "entmax",
     .title = "Sparse attention (α-entmax)",
     .printed = "entmax",
     .paper = "arXiv:1905.05702",
     .kind = Kind::modifier,
     .formula = "A_ij = max((α - 1) S_ij - τ_i, 0)^(1/(α - 1)), Σ_j A_ij = 1",
     .conflicts_with = {{"stick-breaking", "both say how scores become weights; choose one"}}}};

}  // namespace
}  // namespace yonder
