// Attention sinks. Xiao, Tian, Chen, Han & Lewis, "Efficient streaming language models with
// attention sinks", ICLR 2024, arXiv:2309.17453; Han et al., "LM-Infinite", 2023, arXiv:2308.16137.
//
//   query i sees the first g tokens and those fewer than w tokens away from it, by index
//   learned: e^s_ij / (e^s_h + Σ_j e^s_ij), s per layer and head, initially 0
//
// A window hides the first tokens, on which models place surplus attention weight; keeping g of
// them lets a model work beyond N. A learned s absorbs such weight; at its initial 0 it is
// StreamingLLM's zero sink. Tokens keep their positions. LM-Infinite bounds the distance to the
// first tokens by w, as rope.scaling = rerope with rope.window = w does; StreamingLLM counts
// positions within its g + w tokens, which differs from that by less than g.
#include "encodings/base/encoding.h"

namespace yonder {
namespace {

class Sinks final : public Encoding {
  int first_ = 4, window_ = 0;
  bool learned_ = false;
  std::vector<Var> logits_;  // of each layer, [H]

 public:
  Options options() override {
    return {Option{"first", &first_, "g, tokens at the start that every query sees"}
                .at_least(0)
                .at_inference(),
            Option{"window", &window_, "w; 0: the training length, -1: no window"}
                .at_least(-1)
                .at_inference(),
            Option{"learned", &learned_, "add a learned term to softmax's denominator"}};
  }

  void build(const Dims& dims, Parameters& p) override {
    Encoding::build(dims, p);
    for (int l = 0; learned_ && l < dims.layers; ++l)
      logits_.push_back(
          p.make(fmt::format("encoding.sinks.blocks.{}.logit", l), {dims.heads}, Init::zeros()));
  }

  void mask(Mask& m) override {
    m.window = window_ == -1 ? 0 : window_ > 0 ? window_ : dims_.trained;
    m.sinks = first_;
  }

  void scores(ScoreTerms& s, const Attention& a) override {
    if (!learned_) return;
    if (s.weights == Weights::entmax)
      throw UsageError(
          "sinks.learned: it is a term of softmax's denominator, and entmax has none; remove one "
          "of "
          "them");
    s.sink = logits_[a.layer];
  }
};

const Register<Sinks> sinks_entry{
    {.name = "sinks",
     .title = "Attention sinks with a sliding window",
     .paper = "arXiv:2309.17453",
     .kind = Kind::modifier,
     .formula = "query i sees the first g tokens and those less than w tokens away",
     .extensions = {{"sinks.first", 4}},
     .joins_at_inference = {{"first"}, {"window"}},
     .conflicts_with = {
         {"window", "both limit how far a query sees; remove window and set sinks.window"},
         {"stick-breaking",
          "sinks take the weight that softmax has to put somewhere, and stick-breaking may leave "
          "some; choose one"}}}};

}  // namespace
}  // namespace yonder
