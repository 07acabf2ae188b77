// Untied positional encoding. Ke, He & Liu, "Rethinking positional encoding in language
// pre-training" (TUPE), ICLR 2021, arXiv:2006.15595, eqs. 7–10.
//
//   score_ij = (q_i·k_j + (U_q p_i)_h·(U_k p_j)_h)/√(2d) + b_h[bucket(i − j)]
//   p        a table, or sinusoids; not normed, unlike in the official code
//   untie    everything but q_i·k_j/√(2d) becomes θ_0h if the query is the first token,
//            else θ_1h if the key is
//
// Positions are extra columns of q and k, so there is no L×L table; for `untie`, two more columns
// hold what the first row and column get instead of their bias.
#include <cmath>

#include "core/ops/ops.h"
#include "encodings/base/bucket.h"
#include "encodings/base/encoding.h"
#include "encodings/base/spectrum.h"
#include "encodings/base/table.h"

namespace yonder {
namespace {

class Tupe final : public Encoding {
  std::string kind_ = "learned";
  int buckets_ = 32, max_distance_ = 128;
  std::optional<bool> untie_;
  LearnedTable table_;
  Var query_, key_;  // U_q, U_k, [D, D]
  Var bias_;         // b, [buckets, H]
  Var theta_;        // [2, H]

 public:
  Options options() override {
    Options o{
        Option{"table", &kind_, "p: learned rows, or sinusoids"}.one_of({"learned", "sinusoidal"}),
        Option{"buckets", &buckets_, "number of buckets of the bias, even"}.at_least(4),
        Option{"max_distance", &max_distance_, "distance from which all share the last bucket"}
            .at_least(1),
        Option{"untie", &untie_, "untie the first token (CLS); not in a causal model"}.shown_as(
            "true if bidirectional")};
    table_.options(o);
    return o;
  }

  void check() const override {
    table_.check("tupe");
    buckets().check("tupe");
    if (dims_.causal && untie_.value_or(false))
      throw UsageError("tupe.untie: for bidirectional models; set it to false");
    if (kind_ == "sinusoidal" && dims_.width % 2)
      throw UsageError("tupe.table: a sinusoid needs an even width; change --width");
  }

  void build(const Dims& dims, Parameters& p) override {
    Encoding::build(dims, p);
    if (!untie_) untie_ = !dims.causal;
    const int D = dims.width, H = dims.heads;
    if (kind_ == "learned") table_.build(p, "tupe", "table", {dims.positions, D}, Init::std(0.5));
    query_ = p.make("encoding.tupe.query.weight", {D, D}, Init::std(1 / std::sqrt(D)));
    key_ = p.make("encoding.tupe.key.weight", {D, D}, Init::std(1 / std::sqrt(D)));
    bias_ = p.make("encoding.tupe.bias", {buckets_, H}, Init::std(0.02));
    if (*untie_) theta_ = p.make("encoding.tupe.theta", {2, H}, Init::std(0.02));
    else p.forget("encoding.tupe.theta");  // saved by older versions
  }

  void dots(Dots& d, const Attention& a) override {
    d.q = weighed(d.q, d.row);  // log n multiplies the content term only
    d.row = {};
    d.q = concat({d.q, places(query_, a.queries, d.q.shape())}, 3);
    d.k = concat({d.k, places(key_, a.keys, d.k.shape())}, 3);
    if (!*untie_) return;
    const auto [queries, keys] = apart(d, a);
    d.q = concat({d.q, queries}, 3);
    d.k = concat({d.k, keys}, 3);
  }

  void scores(ScoreTerms& s, const Attention& a) override {
    if (!dims_.two_sided()) a.require_monotonic("tupe");
    s.scale = scale();
    s.relative.push_back({.bucket = {buckets_, a.least(), a.most(), buckets()}, .c = bias_});
  }

 private:
  LogBuckets buckets() const { return {buckets_, max_distance_, dims_.two_sided()}; }
  real scale() const { return real(1 / std::sqrt(2.0 * dims_.head())); }

  // U p of each token, as additional columns of q or k; with `untie` 0 at the first token.
  Var places(const Var& projection, const Positions& at, const Shape& like) const {
    const Var p = kind_ == "learned" ? table_(at) : sinusoid(at, spectrum(10000, dims_.width));
    Var placed = linear(p, projection).view({int(at.at.size()), dims_.width});
    if (*untie_) placed = placed * Var(tokens(at, dims_.width, Which::later));
    return everywhere(placed, at, like);
  }

  // Two more columns for `untie`: the first token's q selects θ_0 − b in every k, and each later q
  // carries θ_1 − b, which the first token's k selects.
  std::pair<Var, Var> apart(const Dots& d, const Attention& a) const {
    const int H = dims_.heads;
    // (θ_side − b)/scale, [n, H]; keys begin at the first token, queries need not
    auto instead = [&](int side, const Positions& at, int sign) {
      std::vector<int> which;
      for (int i = 0; i < int(at.at.size()); ++i)
        which.push_back(buckets()(sign * (at.at[i] - a.keys(i / at.tokens, 0))));
      const Var theta = slice(theta_, 0, side, 1).view({H});
      return real(1 / scale()) * (real(-1) * gather(bias_, which) + theta);
    };
    auto column = [&](const Var& x, const Positions& at, const Shape& like) {
      return everywhere(x, at, {like[0], like[1], H, 1});
    };
    const auto &i = a.queries, &j = a.keys;
    const Var later = Var(tokens(i, H, Which::later));
    return {concat({column(Var(tokens(i, H, Which::first)), i, d.q.shape()),
                    column(instead(1, i, 1) * later, i, d.q.shape())},
                   3),
            concat({column(instead(0, j, -1), j, d.k.shape()),
                    column(Var(tokens(j, H, Which::first)), j, d.k.shape())},
                   3)};
  }

  enum class Which { first, later };
  // [n, columns]: 1 at the first token of a sequence and 0 at the later ones, or the reverse.
  static Tensor tokens(const Positions& at, int columns, Which which) {
    Tensor y = Tensor::uninitialized({int(at.at.size()), columns});
    for (int i = 0; i < y.dim(0); ++i) {
      const bool first = at.first + i % at.tokens == 0;
      std::fill_n(&y[std::int64_t(i) * columns], columns, real(first == (which == Which::first)));
    }
    return y;
  }

  // x [T or B·T, …] as [B, T, H, d], the same for every sequence if positions are shared.
  static Var everywhere(const Var& x, const Positions& at, const Shape& like) {
    if (!at.shared()) return x.view(like);
    return Var(Tensor(like)) + x.view({like[1], like[2], like[3]});
  }

  // q times the factor of its row.
  static Var weighed(const Var& q, const Tensor& row) {
    if (!row) return q;
    const int each = q.dim(2) * q.dim(3);
    Tensor factor = Tensor::uninitialized({int(row.size()), each});
    for (int i = 0; i < factor.dim(0); ++i)
      std::fill_n(&factor[std::int64_t(i) * each], each, row[i]);
    return q * Var(factor.view(row.dim(0) == 1 ? Shape{q.dim(1), q.dim(2), q.dim(3)} : q.shape()));
  }
};

const Register<Tupe> tupe_entry{
    {.name = "tupe",
     .title = "Untied positional encoding (TUPE)",
     .printed = "TUPE",
     .paper = "arXiv:2006.15595",
     .kind = Kind::relative,
     .formula = "(q_i·k_j + U_q p_i·U_k p_j)/√(2d) + b_h[bucket(i - j)]",
     .extensions = {{"tupe.beyond", "clamp"},
                    {"tupe.beyond", "wrap"},
                    {"tupe.beyond", "random"},
                    {"tupe.beyond", "hierarchical"}}}};

}  // namespace
}  // namespace yonder
