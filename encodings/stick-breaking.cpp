// Stick-breaking attention. Tan, Yang, Courville, Panda & Shen, "Scaling stick-breaking attention:
// an efficient implementation and in-depth study", ICLR 2025, arXiv:2410.17980, sec. 2.
//
//   A_ij = β_ij Π_{j<l<i} (1 − β_il),   β_ij = σ(q_i·k_j/√d),   z_i = Σ_{j<i} A_ij v_j
//
// instead of softmax, without positions: starting from the nearest, each key takes a fraction of
// the weight that nearer ones have left. The query's own token takes none, so a row's weights sum
// to less than 1. remainder = own gives the rest to the query's own value, as the released 3B model
// does (sb_remainder); later versions of that code use a learned vector there and a norm per head,
// which are not implemented.
#include "encodings/base/encoding.h"

namespace yonder {
namespace {

class StickBreaking final : public Encoding {
  std::string remainder_ = "none";

 public:
  Options options() override {
    return {Option{"remainder", &remainder_,
                   "what gets the remaining weight: nothing, or the query's own value"}
                .one_of({"none", "own"})};
  }

  void scores(ScoreTerms& s, const Attention&) override {
    s.weights =
        remainder_ == "own" ? Weights::stick_breaking_remainder_to_own : Weights::stick_breaking;
  }
};

const Register<StickBreaking> stick_breaking_entry{
    {.name = "stick-breaking",
     .title = "Stick-breaking attention",
     .paper = "arXiv:2410.17980",
     .kind = Kind::relative,
     .serves = Serves::causal_only,
     .formula = "A_ij = σ(S_ij) Π_{j<l<i} (1 - σ(S_il)), S = q_i·k_j/√d"}};

}  // namespace
}  // namespace yonder
