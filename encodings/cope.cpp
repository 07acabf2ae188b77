// Contextual position encoding. Golovneva, Wang, Weston & Sukhbaatar, "CoPE", 2024,
// arXiv:2405.18719, eqs. 3–5.
//
//   score_ij = q_i·(k_j + e(p_ij))/√d,   p_ij = min(Σ_{t=j..i} σ(q_i·k_t/√d), max − 1)
//   e(p) = (1 − f) e[⌊p⌋] + f e[⌈p⌉],  f = p − ⌊p⌋
//
// A position counts the keys that the query finds relevant, from j to i inclusive. The paper has no
// √d; its code divides both products by √d, as here; the first version of that code (`cope_nodiv`)
// divides neither.
#include "encodings/base/encoding.h"

namespace yonder {
namespace {

class Cope final : public Encoding {
  int max_ = 64;
  std::vector<Var> table_;  // e of each layer, [max, d]

 public:
  Options options() override {
    return {Option{"max", &max_, "rows of e; positions are clipped to max - 1"}.within(2, 1 << 20)};
  }

  void build(const Dims& dims, Parameters& p) override {
    Encoding::build(dims, p);
    table_.clear();
    for (int l = 0; l < dims.layers; ++l)
      table_.push_back(p.make(fmt::format("encoding.cope.blocks.{}.table", l), {max_, dims.head()},
                              Init::zeros()));
  }

  void scores(ScoreTerms& s, const Attention& a) override {
    s.contextual.push_back({table_[a.layer]});
  }
};

const Register<Cope> cope_entry{
    {.name = "cope",
     .title = "Contextual position encoding (CoPE)",
     .printed = "CoPE",
     .paper = "arXiv:2405.18719",
     .kind = Kind::relative,
     .serves = Serves::causal_only,
     .formula = "q_i·(k_j + e(p_ij))/√d,  p_ij = Σ_{t=j..i} σ(q_i·k_t/√d)"}};

}  // namespace
}  // namespace yonder
