// Disentangled attention and the enhanced mask decoder. He, Liu, Gao & Chen, "DeBERTa", 2021,
// arXiv:2006.03654, eqs. 2–4 and sec. 3.2.
//
//   score_ij = (q_i·k_j + q_i·(W_k P)[δ(i,j)] + k_j·(W_q P)[δ(j,i)])/√(d(1 + terms))
//   δ(i, j) = clip(i − j + c, 0, 2c − 1)
//
// buckets = B, as in version 3 (its code): δ(i, j) = clip(b(i − j) + B, 0, 2B − 1) with
// b(x) = x up to m = B/2 on either side, ±(m + ⌈(m − 1) ln(|x|/m)/ln((c − 1)/m)⌉) beyond.
//
// Decoder: H is the stream before the last layer; z starts as H + absolute_i and passes `decoder`
// times through the last layer, with z as queries and residual, H as keys and values. The official
// code uses δ(i,j) in the last term too (p2c = code), as do all released models.
#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "core/ops/ops.h"
#include "encodings/base/encoding.h"
#include "encodings/base/table.h"

namespace yonder {
namespace {

class Deberta final : public Encoding {
  int span_ = 32, buckets_ = 0, decoder_ = -1;
  std::string terms_ = "c2p+p2c", p2c_ = "paper";
  bool share_ = false;
  LearnedTable absolute_;
  Var table_;                     // P, [2c, D]
  std::vector<Var> key_, query_;  // W_k, W_q of each layer, [D, D]

 public:
  Options options() override {
    Options o{
        Option{"span", &span_, "c, the largest distance that is distinguished"}.within(1, 1 << 20),
        Option{"buckets", &buckets_, "B, v3's logarithmic buckets up to c, even; 0: none"}
            .within(0, 1 << 20)
            .added_later(),
        Option{"terms", &terms_, "content to position, position to content, or both"}.one_of(
            {"c2p+p2c", "c2p", "p2c"}),
        Option{"p2c", &p2c_,
               "distances of position to content: the paper's, or (all released models) its code's"}
            .one_of({"paper", "code"}),
        Option{"share", &share_, "project P by the layer's own K and Q"},
        Option{"decoder", &decoder_, "passes of the enhanced mask decoder; 0: none"}
            .within(0, 64)
            .shown_as("2 if bidirectional, else 0")};
    absolute_.options(o);
    return o;
  }

  void check() const override {
    absolute_.check("deberta");
    if (buckets_ % 2 || (buckets_ > 0 && span_ < buckets_ / 2 + 2))
      throw UsageError(
          fmt::format("deberta.buckets: {} is odd, or its half leaves nothing of the span {} to "
                      "logarithms; give an even number below twice the span",
                      buckets_, span_));
    if (dims_.causal && decoder_ > 0)
      throw UsageError(
          "deberta.decoder: the mask decoder is for bidirectional models; set it to 0");
    if (share_ && dims_.kv_heads() < dims_.heads)
      throw UsageError(
          fmt::format("deberta.share: the layer's K has {} heads and its Q {}; set it to false or "
                      "omit --kv-heads",
                      dims_.kv_heads(), dims_.heads));
  }

  void build(const Dims& dims, Parameters& p) override {
    Encoding::build(dims, p);
    if (decoder_ < 0) decoder_ = dims.causal ? 0 : 2;
    const int D = dims.width;
    table_ = p.make("encoding.deberta.table", {2 * half(), D}, Init::std(0.02));
    key_.resize(dims.layers), query_.resize(dims.layers);
    for (int l = 0; l < dims.layers && !share_; ++l) {
      const std::string at = fmt::format("encoding.deberta.blocks.{}", l);
      const Init init = Init::std(1 / std::sqrt(D));
      if (reads("c2p")) key_[l] = p.make(at + ".key.weight", {D, D}, init);
      if (reads("p2c")) query_[l] = p.make(at + ".query.weight", {D, D}, init);
    }
    if (decoder_ > 0)
      absolute_.build(p, "deberta", "absolute", {dims.positions, D}, Init::std(0.5));
  }

  std::optional<bool> by_layer() const override { return decoder_ <= 0; }

  void scores(ScoreTerms& s, const Attention& a) override {
    const int terms = reads("c2p") + reads("p2c");
    s.scale = real(1 / std::sqrt(dims_.head() * (1.0 + terms)));
    const Shape heads{2 * half(), dims_.heads, dims_.head()};
    auto term = [&](int sign) {
      return Buckets(2 * half(), a.least(), a.most(), [this, sign](int x) {
        return std::clamp(sign * bucket(x) + half(), 0, 2 * half() - 1);
      });
    };
    if (reads("c2p"))
      s.relative.push_back(
          {.bucket = term(1),
           .A = linear(table_, share_ ? a.key_weight : key_[a.layer]).view(heads)});
    if (reads("p2c"))
      s.relative.push_back(
          {.bucket = term(p2c_ == "paper" ? -1 : 1),
           .B = linear(table_, share_ ? a.query_weight : query_[a.layer]).view(heads)});
  }

  bool replaces_last_layer() const override { return decoder_ > 0; }

  Var last_layer(const Var& hidden, const Positions& at, const Block& run) override {
    if (decoder_ <= 0) return {};
    Var z = hidden + absolute_(at);
    for (int pass = 0; pass < decoder_; ++pass) z = run(z, hidden);
    return z;
  }

 private:
  int half() const { return buckets_ > 0 ? buckets_ : span_; }  // half of the table's rows

  int bucket(int x) const {
    const int m = buckets_ / 2, far = std::abs(x);
    if (buckets_ == 0 || far <= m) return x;
    const double log = std::log(double(far) / m) / std::log((span_ - 1.0) / m);
    return (x < 0 ? -1 : 1) * (m + int(std::ceil(log * (m - 1) - 1e-9)));
  }

  bool reads(const std::string& term) const { return terms_.find(term) != terms_.npos; }
};

const Register<Deberta> deberta_entry{
    {.name = "deberta",
     .title = "Disentangled attention with an enhanced mask decoder (DeBERTa)",
     .printed = "DeBERTa",
     .paper = "arXiv:2006.03654",
     .kind = Kind::relative,
     .formula = "(q_i·k_j + q_i·W_k P[δ(i,j)] + k_j·W_q P[δ(j,i)])/√(3d)",
     .extensions = {{"deberta.beyond", "clamp"},
                    {"deberta.beyond", "wrap"},
                    {"deberta.beyond", "random"},
                    {"deberta.beyond", "hierarchical"}}}};

}  // namespace
}  // namespace yonder
