// Data-adaptive position encoding. Zheng et al., "DAPE: data-adaptive positional encoding for
// length extrapolation", NeurIPS 2024, arXiv:2405.14722; "DAPE v2: process attention score as
// feature map", 2024, arXiv:2410.04798 (kernel = 3).
//
//   score_ij = S_ij + B_ij + f(x)_ij,   x_ij = [S_ij; B_ij] over the heads, 0 for masked keys
//   f(x) = W_2 ∗ leaky(W_1 ∗ x + b_1) + b_2 along the keys, leaky(x) = max(x, 0.01 x)
//
// S is the scaled product of q and k after any rotation, B a plain bias; without one, x is just S.
// ∗ is centred and `kernel` wide; the hidden layer has the columns 0 ≤ j ≤ i + 1 and zeros outside.
// The published code lacks column i + 1 in its very last row, which would make a row depend on the
// length: not reproduced.
#include <algorithm>
#include <cmath>

#include "core/ops/ops.h"
#include "core/parallel.h"
#include "core/simd/matmul.h"
#include "encodings/base/encoding.h"
#include "encodings/base/score_network.h"

namespace yonder {
namespace {

// f of the products and biases of one attention call, one strip of rows at a time.
class Adapted {
 public:
  Adapted(const ScoreLayers& w, const Attention& a, const ScoreTerms& s)
      : network_(w),
        biased_(w.in_weight.dim(1) > w.out_bias.dim(0)),
        q_(real(1) * a.products->q),  // copies: gradients separate from the products'
        k_(real(1) * a.products->k),
        row_(a.products->row),
        scale_(s.scale),
        queries_(a.queries),
        keys_(a.keys),
        strips_(s.strips) {
    for (const RelativeTerm& t : s.relative)
      if (t.c) terms_.push_back({.bucket = t.bucket, .c = t.c});
  }

  void forward(int b, int first, int rows, real* bias) const {
    const std::vector<real> x = features(b, first, rows);
    parallel_for(rows, [&](std::int64_t r) {
      const int n = seen(b, first + int(r));
      for (int h = 0; h < H(); ++h) std::fill_n(bias + (h * rows + r) * Tk(), Tk(), real(0));
      network_.evaluate(&x[std::size_t(r * Tk())], bias + r * Tk(), std::int64_t(rows) * Tk(), n);
    });
  }

  void backward(int b, int first, int rows, const real* dbias) const {
    const std::vector<real> x = features(b, first, rows);
    std::vector<real> dx(x.size());
    std::vector<ScoreNetwork::Sums> sums(std::size_t(rows), network_.zeros());
    parallel_for(rows, [&](std::int64_t r) {
      network_.differentiate(&x[std::size_t(r * Tk())], dbias + r * Tk(),
                             &dx[std::size_t(r * Tk())], std::int64_t(rows) * Tk(),
                             seen(b, first + int(r)), sums[std::size_t(r)]);
    });
    network_.fold(sums);
    differentiate_products(b, first, rows, dx.data());
    if (biased_) differentiate_biases(b, first, rows, &dx[std::size_t(H()) * rows * Tk()]);
  }

  std::vector<Var> inputs() const {
    std::vector<Var> all = network_.parameters();
    all.insert(all.end(), {q_, k_});
    for (const RelativeTerm& t : terms_) all.push_back(t.c);
    for (const StripBias& s : strips_) all.insert(all.end(), s.inputs.begin(), s.inputs.end());
    return all;
  }

 private:
  ScoreNetwork network_;
  bool biased_;
  Var q_, k_;
  Tensor row_;
  real scale_;
  Positions queries_, keys_;
  std::vector<StripBias> strips_;
  std::vector<RelativeTerm> terms_;  // only their c

  int H() const { return q_.dim(2); }
  int Tk() const { return k_.dim(1); }
  std::int64_t step() const { return std::int64_t(H()) * q_.dim(3); }  // between rows of q and k
  // Number of keys that a query sees.
  int seen(int b, int i) const {
    const int own = i + queries_.first - keys_.first;
    const bool padding = queries_.first + i >= queries_.length(b);
    return padding ? 0 : std::min({own + 1, Tk(), keys_.length(b) - keys_.first});
  }
  real factor(int b, int i) const {
    return row_ ? scale_ * row_[row_.dim(0) == 1 ? i : b * q_.dim(1) + i] : scale_;
  }
  std::int64_t at(const Var& x, int b, int t, int h) const {
    return (std::int64_t(b) * x.dim(1) + t) * step() + std::int64_t(h) * q_.dim(3);
  }

  // [C, rows, Tk]: S of every head, then B.
  std::vector<real> features(int b, int first, int rows) const {
    const std::size_t size = std::size_t(H()) * rows * Tk();
    std::vector<real> x(biased_ ? 2 * size : size);
    const WithPrecision exact(Precision::f32);  // the inputs of a bias are not rounded
    for (int h = 0; h < H(); ++h) {
      real* to = &x[std::size_t(h) * rows * Tk()];
      matmul({.M = rows,
              .N = Tk(),
              .K = q_.dim(3),
              .a = {&q_.value()[at(q_, b, first, h)], step()},
              .b = {&k_.value()[at(k_, b, 0, h)], step(), true},
              .c = to,
              .c_stride = Tk()});
      parallel_for(rows, [&](std::int64_t r) {
        for (int j = 0; j < Tk(); ++j) to[r * Tk() + j] *= factor(b, first + int(r));
      });
    }
    if (biased_) biases(b, first, rows, &x[size]);
    return x;
  }

  void biases(int b, int first, int rows, real* to) const {
    std::vector<real> one(std::size_t(H()) * rows * Tk());
    for (const StripBias& s : strips_) {
      s.forward(s.shared ? 0 : b, first, rows, one.data());
      for (std::size_t i = 0; i < one.size(); ++i) to[i] += one[i];
    }
    for (const RelativeTerm& t : terms_)
      each_visible(b, first, rows, [&](int h, int r, int j, std::int64_t place) {
        to[place] += t.c.value()[bucket(t, b, first + r, j) * H() + h];
      });
  }
  int bucket(const RelativeTerm& t, int b, int i, int j) const {
    return t.bucket(queries_(b, i) - keys_(b, j));
  }
  // Calls f(head, row, key, index into [H, rows, Tk]); heads run in parallel.
  template <class F>
  void each_visible(int b, int first, int rows, F&& f) const {
    parallel_for(H(), [&](std::int64_t h) {
      for (int r = 0; r < rows; ++r)
        for (int j = 0; j < seen(b, first + r); ++j) f(int(h), r, j, (h * rows + r) * Tk() + j);
    });
  }

  void differentiate_products(int b, int first, int rows, real* ds) const {
    const WithPrecision exact(Precision::f32);
    for (int h = 0; h < H(); ++h) {
      real* own = ds + std::int64_t(h) * rows * Tk();
      for (int r = 0; r < rows; ++r)
        for (int j = 0; j < Tk(); ++j) own[r * std::int64_t(Tk()) + j] *= factor(b, first + r);
      if (q_.tracked())
        matmul({.M = rows,
                .N = q_.dim(3),
                .K = Tk(),
                .a = {own, Tk()},
                .b = {&k_.value()[at(k_, b, 0, h)], step()},
                .c = &q_.grad()[at(q_, b, first, h)],
                .c_stride = step(),
                .add = true});
      if (k_.tracked())
        matmul({.M = Tk(),
                .N = q_.dim(3),
                .K = rows,
                .a = {own, Tk(), true},
                .b = {&q_.value()[at(q_, b, first, h)], step()},
                .c = &k_.grad()[at(k_, b, 0, h)],
                .c_stride = step(),
                .add = true});
    }
  }

  void differentiate_biases(int b, int first, int rows, const real* db) const {
    for (const RelativeTerm& t : terms_) {
      if (!t.c.tracked()) continue;
      const Tensor& dc = t.c.grad();
      each_visible(b, first, rows, [&](int h, int r, int j, std::int64_t place) {
        dc[bucket(t, b, first + r, j) * H() + h] += db[place];
      });
    }
    for (const StripBias& s : strips_) s.backward(s.shared ? 0 : b, first, rows, db);
  }
};

class Dape final : public Encoding {
  int kernel_ = 1, hidden_ = 32;
  std::vector<ScoreLayers> layers_;

 public:
  Options options() override {
    return {Option{"kernel", &kernel_, "keys that the convolutions reach over, odd; 3 is DAPE v2"}
                .within(1, 15),
            Option{"hidden", &hidden_, "F, width of the hidden layer"}.at_least(1)};
  }

  void check() const override {
    if (kernel_ % 2 == 0)
      throw UsageError(fmt::format("dape.kernel: {} has no middle; give an odd number", kernel_));
  }

  void build(const Dims& dims, Parameters& p) override {
    Encoding::build(dims, p);
    const int H = dims.heads, C = dims.biased ? 2 * H : H, F = hidden_, K = kernel_;
    for (int l = 0; l < dims.layers; ++l) {
      const auto make = [&](const std::string& name, Shape shape, int inputs) {
        const double most = 1 / std::sqrt(double(inputs * K));
        return p.make(fmt::format("encoding.dape.blocks.{}.{}", l, name), std::move(shape),
                      Init::between(-most, most));
      };
      const Var in = make("in.weight", {F, C, K}, C), in_bias = make("in.bias", {F}, C);
      layers_.push_back({in, in_bias, make("out.weight", {H, F, K}, F), make("out.bias", {H}, F)});
    }
  }

  void scores(ScoreTerms& s, const Attention& a) override {
    if (!a.products) return;  // the caller wants biases only
    const auto reads_q_or_k = [](const RelativeTerm& t) { return t.A || t.B || t.f; };
    if (a.products->far_window > 0 || a.products->chunk > 0 ||
        std::any_of(s.relative.begin(), s.relative.end(), reads_q_or_k))
      throw UsageError(
          "dape: it reads one product of q and k for all distances; choose another rope.scaling");
    const auto all = std::make_shared<Adapted>(layers_[std::size_t(a.layer)], a, s);
    s.strips.push_back({.forward = [all](int b, int first, int rows,
                                         real* bias) { all->forward(b, first, rows, bias); },
                        .backward = [all](int b, int first, int rows,
                                          const real* d) { all->backward(b, first, rows, d); },
                        .shared = false,
                        .inputs = all->inputs()});
  }
};

// The encodings that are refused; the papers combine it with rope and the biases named below.
std::vector<Conflict> refused() {
  std::vector<Conflict> all;
  for (const char* name :
       {"bam", "cope", "deberta", "fox", "hard-alibi", "nape", "path", "pope", "rope-id",
        "scale-invariant", "shaw", "stick-breaking", "tupe", "wall", "xlnet", "xpos"})
    all.push_back(
        {name,
         "dape can be combined with rope, fope or selective and with one of alibi, kerple, "
         "t5, fire and sandwich; choose among these"});
  for (const char* name : {"window", "sinks"})
    all.push_back({name, "its convolutions read every earlier key; remove one"});
  all.push_back({"complex", "it reads real products; remove one"});
  return all;
}

const Register<Dape> dape_entry{{.name = "dape",
                                 .title = "Data-adaptive position encoding (DAPE)",
                                 .printed = "DAPE",
                                 .paper = "arXiv:2405.14722",
                                 .kind = Kind::modifier,
                                 .serves = Serves::causal_only,
                                 .formula = "S + B + W_2 ∗ leaky(W_1 ∗ [S; B] + b_1) + b_2",
                                 .conflicts_with = refused()}};

}  // namespace
}  // namespace yonder
