// Normalised queries and keys. Henry, Dachapally, Pawar & Chen, "Query-key normalization for
// transformers", 2020, arXiv:2010.04245; with weights as in Qwen3; `of` = key, `learned` = none is
// Su's key norm (kexue.fm/archives/9859).
//
//   q ← rms(q) ∘ g_q,  k ← rms(k) ∘ g_k per head,  rms(x) = x/√(mean x² + 1e-6);  then q ← s_h q
//
// before any other use of q and k; the score stays q·k/√d. rms(x) is √d times the unit vector, so
// s_h √d is the paper's learned temperature. `learned` = weight trains g, shared by the heads;
// scale trains s; none trains neither.
#include "core/ops/ops.h"
#include "encodings/base/encoding.h"

namespace yonder {
namespace {

class QkNorm final : public Encoding {
  std::string of_ = "both", learned_ = "weight";
  struct Side {
    Var query, key, scale;  // g_q, g_k [d], s [H]; empty if unused
  };
  std::vector<Side> layers_;

 public:
  Options options() override {
    return {Option{"of", &of_, "what is normed"}.one_of({"both", "key", "query"}),
            Option{"learned", &learned_,
                   "weights of the columns, one scale of q for each head, or nothing"}
                .one_of({"weight", "scale", "none"})};
  }

  void build(const Dims& dims, Parameters& p) override {
    Encoding::build(dims, p);
    for (int l = 0; l < dims.layers; ++l) {
      const std::string at = fmt::format("encoding.qknorm.blocks.{}.", l);
      Side& side = layers_.emplace_back();
      const auto weight = [&](const std::string& name, int extent) {
        Tensor ones({extent});
        for (real& x : ones.flat()) x = 1;
        return p.make(at + name, ones);
      };
      if (learned_ == "weight" && of_ != "key") side.query = weight("query", dims.head());
      if (learned_ == "weight" && of_ != "query") side.key = weight("key", dims.head());
      if (learned_ == "scale") side.scale = weight("scale", dims.heads);
    }
  }

  void normed(Dots& d, const Attention& a) override {
    const Side& side = layers_[std::size_t(a.layer)];
    if (of_ != "key") d.q = rms_normalized(d.q);
    if (of_ != "query") d.k = rms_normalized(d.k);
    if (side.query) d.q = d.q * side.query;
    if (side.key) d.k = d.k * side.key;
    if (!side.scale) return;
    Tensor ones({dims_.head()});
    for (real& x : ones.flat()) x = 1;
    d.q = d.q * outer(side.scale, Var(ones));
  }
};

const Register<QkNorm> qk_norm_entry{
    {.name = "qknorm",
     .title = "Normalised queries and keys (QK-norm)",
     .printed = "QK-norm",
     .paper = "arXiv:2010.04245",
     .kind = Kind::modifier,
     .formula = "q ← rms(q) ∘ g_q, k ← rms(k) ∘ g_k per head",
     .conflicts_with = {{"complex", "it norms real queries and keys; remove one"}},
     .adds_content = true}};

}  // namespace
}  // namespace yonder
