#include "train/export/tables.h"

#include <algorithm>
#include <cmath>

#include "core/ops/ops.h"

namespace yonder {
namespace {

Var noise(Shape shape) {
  const Random random(0, "export");
  Tensor x = Tensor::uninitialized(std::move(shape));
  for (std::int64_t i = 0; i < x.size(); ++i) x[i] = real(random.normal(std::uint64_t(i)));
  return Var(x);
}

bool equal(const Tensor& a, const Tensor& b) {
  return a.shape == b.shape && std::equal(a.flat().begin(), a.flat().end(), b.flat().begin());
}

bool equal(const NamedTensors& a, const NamedTensors& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) {
    return x.first == y.first && equal(x.second, y.second);
  });
}

class Reading {
 public:
  Reading(Transformer& model, int M, int longest)
      : encoding_(model.encoding()),
        model_(model),
        d_(model.dims()),
        M_(M),
        placed_(encoding_, {.tokens = M, .longest = longest}) {}

  Tables operator()() {
    if (encoding_.complex()) refuse("makes the model complex", "complex numbers");
    if (encoding_.needs_digits()) refuse("reads which tokens are digits", "digits");
    const Positions& p = placed_;
    for (int t = 0; t < M_; ++t)
      if (p(0, t) != t || p.next_layer > 0)
        refuse("places tokens at other positions than 0, 1, 2, ...", "them");
    encoding_.begin(p);
    tables_.most = M_;
    tables_.positions = positions();
    refuse_last_layer();
    for (int l = 0; l < d_.layers; ++l) layer(l);
    return std::move(tables_);
  }

 private:
  Composition& encoding_;
  Transformer& model_;
  const Dims& d_;
  int M_;
  Placed placed_;
  Tables tables_;

  [[noreturn]] void refuse(const std::string& what, const std::string& need) const {
    throw UsageError("export: " + encoding_.name() + " " + what +
                     ", and what is exported would need a place for " + need +
                     "; export another encoding, or see yonder logits");
  }

  // What is added to any words of any tokens.
  Tensor positions() {
    const Var zero(Tensor({1, M_, d_.width})), some = noise({1, M_, d_.width});
    std::vector<int> tokens(std::size_t(M_), 0);
    const Tensor added = encoding_.embed(zero, tokens, placed_).value();
    for (int t = 0; t < M_; ++t) tokens[std::size_t(t)] = t % d_.vocabulary;
    const Tensor sum = encoding_.embed(some, tokens, placed_).value();
    bool any = false;
    for (std::int64_t i = 0; i < sum.size(); ++i) {
      const real expected = some.value()[i] + added[i];
      if (std::abs(sum[i] - expected) > real(1e-4) * (1 + std::abs(expected)))
        refuse("reads the tokens where positions are added", "what it makes of them");
      any = any || added[i] != 0;
    }
    return any ? added.view({M_, d_.width}) : Tensor();
  }

  void refuse_last_layer() {
    const Block same = [](const Var& query, const Var&) { return query; };
    if (encoding_.last_layer(noise({1, M_, d_.width}), placed_, same))
      refuse("runs the last layer in its own way", "that");
  }

  void layer(int l) {
    const std::string at = "tables." + std::to_string(l) + ".";
    const Positions p = placed_.positions().in(l);
    const Var x = noise({1, M_, d_.width});
    if (!equal(encoding_.layer_input(x, l, p).value(), x.value()))
      refuse("changes the input of every layer", "that");
    const std::vector<Var> per_keys = encoding_.per_keys(x, l);
    if (std::any_of(per_keys.begin(), per_keys.end(), [](const Var& y) { return bool(y); }))
      refuse("makes more than k and v of a key", "that");

    const std::string name = "blocks." + std::to_string(l) + ".attn.";
    const Mask mask = encoding_.mask_in(l);
    const Attention call{.layer = l,
                         .queries = p,
                         .keys = p,
                         .query_weight = model_.parameters().find(name + "q.weight"),
                         .key_weight = model_.parameters().find(name + "k.weight"),
                         .mask = mask,
                         .input = x};
    const Shape heads{1, M_, d_.heads, d_.head()};
    Dots dots{.q = noise(heads), .k = noise(heads)};
    const Dots before = dots;
    ScoreTerms s{.scale = real(1 / std::sqrt(double(d_.head())))};
    const Tensor row = factors(call);
    Attention other = call;
    other.input = real(-1) * x;
    if (const Tensor again = factors(other);
        bool(row) != bool(again) || (row && !equal(row, again)))
      refuse("scales queries by content", "the program of it");
    encoding_.normed(dots, call);
    encoding_.dots(dots, call);
    encoding_.scores(s, call);
    if (dots.far_q || !equal(dots.q.value(), before.q.value()) ||
        !equal(dots.k.value(), before.k.value()))
      refuse("turns queries and keys", "these turns, which only rope alone has in GPT-NeoX");
    if (!equal(encoding_.output(before.q, call).value(), before.q.value()))
      refuse("gates what attention gives", "the gate");
    if (!s.strips.empty()) refuse("has a bias of more than the distance", "the program of it");
    if (!s.contextual.empty() || s.log_gate) refuse("counts by content", "the program of it");
    if (s.weights != Weights::softmax) refuse("has no softmax", "the program of its weights");

    if (row) add(at + "row", row);
    if (s.sink) add(at + "sink", s.sink.value());
    for (std::size_t t = 0; t < s.relative.size(); ++t)
      term(at + std::to_string(t) + ".", s.relative[t]);
    const bool plain = !row && !s.sink && s.relative.empty() && mask.window == 0 &&
                       mask.of_heads.empty() && s.scale == real(1 / std::sqrt(double(d_.head())));
    tables_.only_positions = tables_.only_positions && plain;
    tables_.layers.push_back({{"scale", s.scale},
                              {"window", mask.window},
                              {"sinks", mask.sinks},
                              {"of_heads", mask.of_heads},
                              {"terms", s.relative.size()}});
  }

  // The factors of queries, [M, H]; empty where all are 1.
  Tensor factors(const Attention& call) {
    Tensor row({M_, d_.heads});
    Tensor one({1, M_, d_.heads, d_.head()});
    std::fill(one.flat().begin(), one.flat().end(), real(1));
    Dots dots{.q = Var(one), .k = Var(one)};
    encoding_.scale_queries(dots, call);
    bool any = false;
    for (std::int64_t i = 0; i < row.size(); ++i) {
      row[i] = dots.q.value()[i * d_.head()] * (dots.row ? dots.row[i / d_.heads] : real(1));
      any = any || row[i] != 1;
    }
    return any ? row : Tensor();
  }

  void term(const std::string& at, const RelativeTerm& r) {
    Tensor bucket({M_});
    for (int distance = 0; distance < M_; ++distance) bucket[distance] = real(r.bucket(distance));
    add(at + "bucket", bucket);
    const std::pair<const char*, const Var*> vars[] = {
        {"A", &r.A}, {"B", &r.B}, {"V", &r.V}, {"c", &r.c}};
    for (const auto& [table, var] : vars)
      if (*var) add(at + table, var->value());
    if (r.f) add(at + "f", r.f);
  }

  void add(const std::string& name, const Tensor& t) { tables_.of_layers.emplace_back(name, t); }
};

Tables read(Transformer& model, int M) {
  Tables tables = Reading(model, M, M)();
  const Tables shorter = Reading(model, M, model.dims().trained)();
  if (!equal(tables.of_layers, shorter.of_layers) || tables.layers != shorter.layers ||
      !equal(tables.positions, shorter.positions))
    throw UsageError("export: " + model.encoding().name() +
                     " is another one in every length of a test, and what is exported knows no "
                     "length; give the option that fixes it, as --sinusoidal.factor");
  return tables;
}

}  // namespace

Tables tables_of(Transformer& model, int asked) {
  if (asked > 0) return read(model, asked);
  const int usual = 4096;
  try {
    return read(model, usual);
  } catch (const Undefined&) { return read(model, std::min(usual, model.dims().positions)); }
}

}  // namespace yonder
