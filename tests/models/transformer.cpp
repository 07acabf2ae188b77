#include "models/transformer.h"

#include <functional>
#include <map>
#include <numbers>

#include "core/ops/ops.h"
#include "tests/support/catch.h"
#include "tests/support/models.h"

using namespace yonder;
using Catch::Approx;
using Catch::Matchers::ContainsSubstring;

namespace {

/// An independent implementation of the model of models/README.md, in loops over one sequence of
/// tokens, without any encoding.
class NaiveTransformer {
 public:
  using Rows = std::vector<std::vector<double>>;

  explicit NaiveTransformer(const Transformer& model) : model_(model), dims_(model.dims()) {}

  Rows embedded(const std::vector<int>& tokens) const {
    Rows x;
    for (const int token : tokens) {
      x.emplace_back();
      for (int c = 0; c < dims_.width; ++c)
        x.back().push_back(std::sqrt(double(dims_.width)) * at("embed.weight", token, c));
    }
    return x;
  }

  Rows block(int l, const Rows& query, const Rows& memory) const {
    const std::string p = "blocks." + std::to_string(l) + ".";
    Rows x = query;
    const Rows n = norm(p + "norm1", query), m = norm(p + "norm1", memory);
    const Rows z = attention(map(p + "attn.q", n), map(p + "attn.k", m), map(p + "attn.v", m));
    add(x, map(p + "attn.o", z));
    Rows up = map(p + "mlp.up", norm(p + "norm2", x));
    for (auto& row : up)
      for (double& y : row)
        y = y / 2 *
            (1 + std::tanh(std::sqrt(2 / std::numbers::pi) * (y + 0.044715 * std::pow(y, 3))));
    add(x, map(p + "mlp.down", up));
    return x;
  }

  Rows logits(const Rows& x) const {
    return map(model_.tied() ? "embed" : "head", norm("norm", x));
  }

 private:
  const Transformer& model_;
  Dims dims_;

  double at(const std::string& name, int i, int j = 0) const {
    const Tensor t = model_.parameters().find(name).value();
    return t[t.shape.size() == 1 ? i : i * t.dim(1) + j];
  }
  static void add(Rows& x, const Rows& y) {
    for (std::size_t t = 0; t < x.size(); ++t)
      for (std::size_t c = 0; c < x[t].size(); ++c) x[t][c] += y[t][c];
  }
  Rows map(const std::string& name, const Rows& x) const {
    const int out = model_.parameters().find(name + ".weight").dim(0);
    Rows y;
    for (const auto& row : x) {
      y.emplace_back(out);
      for (int o = 0; o < out; ++o)
        for (std::size_t c = 0; c < row.size(); ++c)
          y.back()[o] += at(name + ".weight", o, int(c)) * row[c];
    }
    return y;
  }
  Rows norm(const std::string& name, Rows x) const {
    for (auto& row : x) {
      double mean = 0, variance = 0;
      for (const double y : row) mean += y / double(row.size());
      for (const double y : row) variance += (y - mean) * (y - mean) / double(row.size());
      for (std::size_t c = 0; c < row.size(); ++c)
        row[c] = (row[c] - mean) / std::sqrt(variance + 1e-5) * at(name + ".weight", int(c)) +
                 at(name + ".bias", int(c));
    }
    return x;
  }
  Rows attention(const Rows& q, const Rows& k, const Rows& v) const {
    const int d = dims_.head();
    Rows z(q.size(), std::vector<double>(std::size_t(dims_.width)));
    for (int h = 0; h < dims_.heads; ++h)
      for (std::size_t i = 0; i < q.size(); ++i) {
        std::vector<double> weight;
        double total = 0;
        for (std::size_t j = 0; j < (dims_.causal ? i + 1 : k.size()); ++j) {
          double dot = 0;
          for (int c = h * d; c < (h + 1) * d; ++c) dot += q[i][c] * k[j][c];
          total += weight.emplace_back(std::exp(dot / std::sqrt(double(d))));
        }
        for (std::size_t j = 0; j < weight.size(); ++j)
          for (int c = h * d; c < (h + 1) * d; ++c) z[i][c] += weight[j] / total * v[j][c];
      }
    return z;
  }
};

double naive_difference(const NaiveTransformer::Rows& a, const Tensor& b) {
  std::vector<real> flat;
  for (const auto& row : a) flat.insert(flat.end(), row.begin(), row.end());
  return yonder::difference(flat, b.flat());
}

/// A composition of one encoding that is not registered.
std::unique_ptr<Composition> only(std::unique_ptr<Encoding> encoding) {
  static const Entry entry{.name = "scratch"};
  std::vector<Composition::Component> parts;
  parts.push_back({&entry, std::move(encoding)});
  return std::make_unique<Composition>("scratch", std::move(parts));
}

Transformer plain(Dims dims, Head head = Head::own) {
  return {dims, std::make_unique<Composition>("none"), 1, head};
}

std::string refusal(const std::function<void()>& act) {
  return why_refused([&] { act(); }).value_or("");
}

/// Logs which hooks are called, and with what arguments.
struct Recorder final : Encoding {
  std::string& log;
  explicit Recorder(std::string& l) : log(l) {}

  std::vector<int> sample_positions(const Placing& p) override {
    log += "place " + std::to_string(p.tokens) + "/" + std::to_string(p.longest) + "\n";
    return {};
  }
  void mask(Mask& m) override {
    log += "mask\n";
    m.window = 2;
  }
  void begin(const Positions&) override { log += "begin\n"; }
  Var embed(const Var& x, std::span<const int>, const Positions&) override {
    log += "embed\n";
    return x;
  }
  Var layer_input(const Var& x, int layer, const Positions&) override {
    log += "layer_input " + std::to_string(layer) + "\n";
    return x;
  }
  void normed(Dots&, const Attention& a) override {
    log += "normed " + std::to_string(a.layer) + "\n";
  }
  Var output(const Var& z, const Attention& a) override {
    log += "output " + std::to_string(a.layer) + "\n";
    return z;
  }
  void scale_queries(Dots&, const Attention& a) override {
    log += "scale_queries " + std::to_string(a.layer) + "\n";
  }
  void dots(Dots&, const Attention& a) override {
    log += "dots " + std::to_string(a.layer) + " window " + std::to_string(a.mask.window) + "\n";
  }
  void scores(ScoreTerms& s, const Attention& a) override {
    log +=
        "scores " + std::to_string(a.layer) + (s.scale == real(0.5) ? "\n" : " of wrong scale\n");
  }
  Var last_layer(const Var&, const Positions&, const Block&) override {
    log += "last_layer\n";
    return {};
  }
};

/// DeBERTa's decoder without its terms: `passes` runs of the last layer, whose queries come from
/// its previous output and whose keys and values come from the layers below.
struct Decoder final : Encoding {
  int passes = 2;
  Var last_layer(const Var& hidden, const Positions&, const Block& run) override {
    Var z = real(0.5) * hidden;
    for (int i = 0; i < passes; ++i) z = run(z, hidden);
    return z;
  }
};

struct Complex final : Encoding {
  bool complex() const override { return true; }
};

}  // namespace

TEST_CASE("the Transformer computes the formulas of its definition") {
  const int T = 9;
  const std::vector<int> tokens = some_tokens(T);
  for (const bool causal : {true, false})
    for (const Head head : {Head::own, Head::tied}) {
      Dims dims = tiny_dims();
      dims.causal = causal;
      dims.heads = causal ? 2 : 1;
      Transformer model = plain(dims, head);
      for (const auto& [name, var] : model.parameters().all()) {
        RandomStream noise(Random(2, name));
        for (real& x : var.value().flat()) x += real(0.3 * noise.normal());
      }
      const Placed at(model.encoding(), {.tokens = T});
      const Tensor logits = model.logits(tokens, at).value();
      CHECK(logits.shape == Shape{1, T, dims.vocabulary});
      const NaiveTransformer naive(model);
      NaiveTransformer::Rows x = naive.embedded(tokens);
      for (int l = 0; l < dims.layers; ++l) x = naive.block(l, x, x);
      CHECK(naive_difference(naive.logits(x), logits) < 1e-12);
    }
}

TEST_CASE("an encoding may run the last layer its own way") {
  Dims dims = tiny_dims();
  dims.causal = false;
  Transformer model(dims, only(std::make_unique<Decoder>()), 1);
  const std::vector<int> tokens = some_tokens(5);
  const NaiveTransformer naive(model);
  const NaiveTransformer::Rows below =
      naive.block(0, naive.embedded(tokens), naive.embedded(tokens));
  NaiveTransformer::Rows z = below;
  for (auto& row : z)
    for (double& x : row) x /= 2;
  z = naive.block(1, naive.block(1, z, below), below);
  const Placed at(model.encoding(), {.tokens = 5});
  CHECK(naive_difference(naive.logits(z), model.logits(tokens, at).value()) < 1e-12);
}

TEST_CASE("the hooks of an encoding are called in order") {
  std::string log;
  Transformer model(tiny_dims(), only(std::make_unique<Recorder>(log)), 1);
  const std::vector<int> tokens = some_tokens(3);
  const Placed at(model.encoding(), {.tokens = 3, .longest = 7});
  model.logits(tokens, at);
  CHECK(log ==
        "place 3/7\nbegin\nembed\n"
        "layer_input 0\nmask\nnormed 0\nscale_queries 0\ndots 0 window 2\nscores 0\noutput 0\n"
        "last_layer\n"
        "layer_input 1\nmask\nnormed 1\nscale_queries 1\ndots 1 window 2\nscores 1\noutput 1\n");
}

TEST_CASE("parameters have the names, shapes and initial values of the checkpoint format") {
  Dims dims{.vocabulary = 50, .width = 64, .heads = 4, .layers = 2, .mlp = 96, .trained = 8};
  const Transformer model = plain(dims);
  std::map<std::string, Shape> shapes{{"embed.weight", {50, 64}},
                                      {"head.weight", {50, 64}},
                                      {"norm.weight", {64}},
                                      {"norm.bias", {64}}};
  std::map<std::string, double> variance{{"embed.weight", 1. / 64}, {"head.weight", 1. / 64}};
  for (const std::string at : {"blocks.0.", "blocks.1."}) {
    for (const char* norm : {"norm1", "norm2"})
      shapes[at + norm + ".weight"] = shapes[at + norm + ".bias"] = {64};
    for (const char* map : {"q", "k", "v", "o"}) {
      shapes[at + "attn." + map + ".weight"] = {64, 64};
      variance[at + "attn." + map + ".weight"] = *map == 'o' ? 1. / 64 / 4 : 1. / 64;
    }
    shapes[at + "mlp.up.weight"] = {96, 64};
    shapes[at + "mlp.down.weight"] = {64, 96};
    variance[at + "mlp.up.weight"] = 1. / 64;
    variance[at + "mlp.down.weight"] = 1. / 96 / 4;
  }
  CHECK(model.parameters().all().size() == shapes.size());
  for (const auto& [name, var] : model.parameters().all()) {
    INFO(name);
    REQUIRE(shapes.count(name));
    CHECK(var.shape() == shapes[name]);
    double mean = 0, square = 0;
    for (const real x : var.value().flat()) {
      mean += x / double(var.size());
      square += x * x / double(var.size());
    }
    // The mean square of n ≥ 3200 normal values is off by √(2/n) ≤ 2.5 %; 10 % is four times that.
    if (variance.count(name)) {
      CHECK(square == Approx(variance[name]).epsilon(0.1));
      CHECK(std::abs(mean) < 4 * std::sqrt(square / double(var.size())));
    } else {
      CHECK(mean == (name.ends_with("bias") ? 0 : 1));
      CHECK(square == mean);
    }
  }
}

TEST_CASE("a tied model has no head of its own") {
  CHECK(plain(tiny_dims()).parameters().find("head.weight"));
  const Transformer tied = plain(tiny_dims(), Head::tied);
  CHECK(!tied.parameters().find("head.weight"));
  CHECK(tied.tied());
}

TEST_CASE("dimensions that do not fit are refused by name") {
  Dims dims = tiny_dims();
  dims.width = 130, dims.heads = 4;
  CHECK(refusal([&] { plain(dims); }) ==
        "model: width 130 is not a multiple of heads 4; the next that is one is 132");
  dims.width = 2147483647;
  CHECK_THAT(refusal([&] { plain(dims); }),
             ContainsSubstring("the next that is one is 2147483648"));
  for (int Dims::*extent :
       {&Dims::vocabulary, &Dims::width, &Dims::heads, &Dims::layers, &Dims::mlp, &Dims::trained}) {
    dims = tiny_dims();
    dims.*extent = 0;
    CHECK_THAT(refusal([&] { plain(dims); }), ContainsSubstring("is 0; it has to be at least 1"));
  }
  CHECK_THAT(
      refusal([] { Transformer(tiny_dims(), only(std::make_unique<Complex>()), 1, Head::tied); }),
      ContainsSubstring("the complex Transformer has a head of its own"));
}

TEST_CASE("tokens beyond the vocabulary, and padding inside a sequence, are refused") {
  Transformer model = plain(tiny_dims());
  const Placed at(model.encoding(), {.tokens = 2});
  for (const int wrong : {7, -2})
    CHECK_THAT(refusal([&] {
                 model.logits(std::vector{0, wrong}, at);
               }),
               ContainsSubstring("is not in the model's vocabulary 0..6"));
  CHECK_THAT(refusal([&] {
               model.logits(std::vector{-1, 1}, at);
             }),
             ContainsSubstring("only be at its right end"));
  const Placed padded(model.encoding(), {.tokens = 2, .lengths = {1}});
  CHECK(refusal([&] { model.logits(std::vector{1, -1}, padded); }).empty());
}

TEST_CASE("positions are those of the task, else those of the encoding, else 0, 1, 2, …") {
  std::string log;
  const auto recorder = only(std::make_unique<Recorder>(log));
  const Placed counted(*recorder, {.batch = 2, .tokens = 3});
  CHECK(log == "place 3/3\n");
  CHECK(counted.positions()(1, 2) == 2);
  CHECK(counted.positions().consecutive);
  CHECK(counted.positions().shared());
  CHECK(counted.positions().longest == 3);

  Placed given(*recorder, {.batch = 2, .tokens = 2, .at = {0, 1, 4, 5}});
  CHECK(log == "place 3/3\n");
  CHECK(given.positions().consecutive);
  const Placed moved = std::move(given);  // and the positions with it
  CHECK(moved.positions()(1, 1) == 5);
  CHECK(!Placed(*recorder, {.batch = 2, .tokens = 2, .at = {0, 1, 4, 6}}).positions().consecutive);
  CHECK(!Placed(*recorder, {.batch = 2, .tokens = 2, .at = {0, 2}}).positions().consecutive);
}
