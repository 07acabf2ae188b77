// yonder-vectors: writes what every encoding does to given queries, keys and values, in double
// precision, as files to compare other implementations with (see README.md in this folder).
#include <cstdio>
#include <nlohmann/json.hpp>

#include "core/io/files.h"
#include "core/io/json.h"
#include "core/io/safetensors.h"
#include "core/ops/ops.h"
#include "tests/support/attention_reference.h"
#include "tests/support/models.h"
#include "tests/support/tensors.h"

namespace yonder {
namespace {

using Json = nlohmann::ordered_json;

constexpr int trained = 8, batch = 2, head_width = 8;

/// One file: an encoding in one situation.
struct Case {
  std::string name;
  int tokens = trained, heads = 2;
  bool causal = true;
  std::vector<int> lengths = {};
  Overrides extension = {};
};

std::vector<Case> cases_of(const Entry& e) {
  std::vector<Case> all;
  const bool causal = e.serves != Serves::bidirectional_only;
  if (causal) all = {{"causal"}, {"beyond", 2 * trained}, {"heads-3", trained, 3}};
  if (e.serves != Serves::causal_only) all.push_back({.name = "bidirectional", .causal = false});
  all.push_back({.name = "padded", .causal = causal, .lengths = {trained, trained - 2}});
  for (const Override& o : e.extensions)
    all.push_back({.name = o.key.name + "-" + text_of(o.value),
                   .tokens = 2 * trained,
                   .causal = causal,
                   .extension = {o}});
  return all;
}

// safetensors as in core/io/safetensors.h, but with F64.
std::string format(const NamedTensors& tensors, const std::string& metadata) {
  Json said{{"__metadata__", {{"vectors", metadata}}}};
  std::string data;
  for (const auto& [name, t] : tensors) {
    const std::size_t begin = data.size();
    data.append(reinterpret_cast<const char*>(t.data.get()),
                std::size_t(t.size()) * sizeof(double));
    said[name] = {{"dtype", "F64"}, {"shape", t.shape}, {"data_offsets", {begin, data.size()}}};
  }
  std::string header = said.dump();
  header.resize((header.size() + 7) / 8 * 8, ' ');
  const std::uint64_t length = header.size();
  return std::string(reinterpret_cast<const char*>(&length), 8) + header + data;
}

Tensor numbers(const std::vector<int>& all, Shape shape) {
  Tensor x = Tensor::uninitialized(std::move(shape));
  std::copy(all.begin(), all.end(), x.data.get());
  return x;
}

bool same(const Var& a, const Var& b) { return same_bits(a.value(), b.value()); }

/// Writes the tensors of one case.
class Writing {
 public:
  Writing(const Entry& e, const Case& c) : case_(c), model_(served(e, c).model()) {
    Pass pass{.batch = batch, .tokens = c.tokens, .lengths = c.lengths};
    if (model_.encoding().needs_digits())  // numbers of three digits
      for (int i = 0; i < batch * c.tokens; ++i) pass.digits.push_back(i % 4 == 3 ? -1 : 2 - i % 4);
    placed_.emplace(model_.encoding(), pass);
  }

  std::string file() {
    if (model_.encoding().complex())
      throw UsageError(model_.encoding().name() + ": the complex Transformer has no plain q, k, v");
    const Positions& p = *placed_;
    model_.encoding().begin(p);
    if (!p.digits.empty())
      put("digits", numbers({p.digits.begin(), p.digits.end()}, {batch, case_.tokens}));
    input(p);
    attend(p.in(0));
    for (const auto& [name, var] : model_.parameters().all())
      if (var.gradient().started() || name.starts_with("encoding.")) {
        put(name, var.value());
        put("grad." + name, var.grad());
      }
    return format(tensors_, metadata(p).dump());
  }

 private:
  const Case& case_;
  Transformer model_;
  std::optional<Placed> placed_;
  NamedTensors tensors_;

  static Served served(const Entry& e, const Case& c) {
    const Dims dims{.vocabulary = 7,
                    .width = c.heads * head_width,
                    .heads = c.heads,
                    .layers = 1,
                    .mlp = 8,
                    .trained = trained,
                    .causal = c.causal};
    const std::string name = c.extension.empty() ? e.name : extended(e, c.extension[0]);
    return {name, dims, c.extension};
  }

  void put(const std::string& name, const Tensor& t) { tensors_.emplace_back(name, t); }

  // The tensors of the hook on embeddings, or else of that on a layer's input.
  void input(const Positions& p) {
    const int T = case_.tokens, D = model_.dims().width;
    const std::vector<int> tokens = some_tokens(batch * T);
    Tape tape;
    const Var x = Var::parameter(normal({batch, T, D}, "x"));
    Var y = model_.encoding().embed(x, tokens, p);
    if (same(x, y)) y = model_.encoding().layer_input(x, 0, p);
    if (same(x, y)) return;
    const Tensor dy = normal({batch, T, D}, "dy");
    tape.backward(sum(y * Var(dy)));
    put("tokens", numbers(tokens, {batch, T}));
    put("x", x.value()), put("y", y.value()), put("dy", dy), put("grad.x", x.grad());
  }

  void attend(const Positions& p) {
    Composition& encoding = model_.encoding();
    const Dims& dims = model_.dims();
    const int T = case_.tokens;
    const Shape heads{batch, T, dims.heads, head_width};
    Tape tape;
    const Var q = Var::parameter(normal(heads, "q")), k = Var::parameter(normal(heads, "k")),
              v = Var::parameter(normal(heads, "v"));
    const Var n = Var::parameter(normal({batch, T, dims.width}, "n"));
    const Mask mask = encoding.mask_in(0);
    Attention call{.layer = 0,
                   .queries = p,
                   .keys = p,
                   .query_weight = model_.parameters().find("blocks.0.attn.q.weight"),
                   .key_weight = model_.parameters().find("blocks.0.attn.k.weight"),
                   .mask = mask,
                   .input = n,
                   .per_keys = encoding.per_keys(n, 0)};
    ScoreTerms scores{.scale = real(1 / std::sqrt(double(head_width)))};
    Dots dots{.q = q, .k = k};
    encoding.normed(dots, call);
    encoding.scale_queries(dots, call);
    encoding.dots(dots, call);
    call.products = &dots;
    encoding.scores(scores, call);
    const Var z = attention(dots, v, scores, mask, p, p), out = encoding.output(z, call);
    const Tensor dout = normal(heads, "dout");
    put("q", q.value()), put("k", k.value()), put("v", v.value());
    by_formula({.dots = dots, .v = v, .scores = scores, .mask = mask, .queries = p, .keys = p}, z);
    tape.backward(sum(out * Var(dout)));
    put("out", out.value()), put("dout", dout);
    put("grad.q", q.grad()), put("grad.k", k.grad()), put("grad.v", v.grad());
    if (n.gradient().started()) put("n", n.value()), put("grad.n", n.grad());
  }

  // Scores and weights by the plain loops of the tests, which have to give the same output.
  void by_formula(naive::Call call, const Var& out) {
    const int H = model_.dims().heads, T = case_.tokens;
    const auto strip_size = std::size_t(H) * T * T;
    for (const StripBias& strip : call.scores.strips) {
      call.bias.resize(batch * strip_size);
      for (int b = 0; b < batch; ++b) {
        std::vector<real> bias(strip_size);
        strip.forward(strip.shared ? 0 : b, 0, T, bias.data());
        for (std::size_t i = 0; i < strip_size; ++i) call.bias[b * strip_size + i] += bias[i];
      }
    }
    call.scores.strips.clear();
    Tensor scores({batch, H, T, T}), weights({batch, H, T, T});
    double worst = 0;
    for (int b = 0; b < batch; ++b)
      for (int h = 0; h < H; ++h)
        for (int i = 0; i < T; ++i) {
          const naive::Row row(call, b, h, i);
          const naive::Numbers p = row.probabilities();
          const std::int64_t at = ((std::int64_t(b) * H + h) * T + i) * T;
          for (int j = 0; j < T; ++j) {
            scores[at + j] =
                row.visible(j) ? row.score(j) : -std::numeric_limits<double>::infinity();
            weights[at + j] = p[std::size_t(j)];
          }
          for (int c = 0; c < head_width; ++c) {
            double z = 0;
            for (int j = 0; j < T; ++j)
              if (p[std::size_t(j)] > 0) z += p[std::size_t(j)] * row.value(j, c);
            const std::int64_t to = ((std::int64_t(b) * T + i) * H + h) * head_width + c;
            worst = std::max(worst, std::abs(z - double(out.value()[to])));
          }
        }
    if (!(worst < 1e-12))
      throw std::logic_error(model_.encoding().name() + ", " + case_.name +
                             ": the formula and the program differ by " + std::to_string(worst));
    put("scores", scores), put("weights", weights);
  }

  Json metadata(const Positions& p) const {
    Json options = Json::object();
    for (const auto& [key, value] : model_.encoding().values())
      options[text_of(key)] = json_of(value);
    std::vector<int> lengths(batch, case_.tokens);
    if (!case_.lengths.empty()) lengths = case_.lengths;
    return {{"format", 1},           {"encoding", model_.encoding().name()},
            {"options", options},    {"case", case_.name},
            {"N", trained},          {"L", p.longest},
            {"lengths", lengths},    {"positions", std::vector<int>(p.at.begin(), p.at.end())},
            {"causal", case_.causal}};
  }
};

int run(const std::vector<std::string>& words) {
  if (words.size() != 3 || words[1] != "--out")
    throw UsageError("usage: yonder-vectors all --out DIR, or rope,alibi in place of all");
  std::vector<std::string> names = split(words[0], ',');
  if (words[0] == "all") {
    names.clear();
    for (const Entry& e : registry()) names.push_back(e.name);
  }
  make_folders(words[2]);
  int files = 0;
  for (const std::string& name : names)
    for (const Case& c : cases_of(entry(name))) {
      const std::string path = words[2] + "/" + entry(name).name + "." + c.name + ".safetensors";
      try {
        write_file(path, Writing(entry(name), c).file()), ++files;
      } catch (const UsageError& e) {
        std::fprintf(stderr, "%s is not written: %s\n", path.c_str(), e.what());
      }
    }
  std::printf("%d files in %s\n", files, words[2].c_str());
  return 0;
}

}  // namespace
}  // namespace yonder

int main(int count, char** words) {
  try {
    return yonder::run({words + 1, words + count});
  } catch (const std::exception& e) {
    std::fprintf(stderr, "yonder-vectors: %s\n", e.what());
    return 2;
  }
}
