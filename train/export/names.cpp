#include "train/export/names.h"

#include <fmt/core.h>
#include <algorithm>
#include <cmath>
namespace yonder {
namespace {

template <class T>
T option(const Transformer& model, const char* name) {
  return std::get<T>(find(model.encoding().values(), std::string("rope.") + name)->value);
}

double number(const Transformer& model, const char* name) {
  const Value value = find(model.encoding().values(), std::string("rope.") + name)->value;
  if (const auto* whole = std::get_if<std::int64_t>(&value)) return double(*whole);
  return std::get<double>(value);
}

Tensor times(const Tensor& x, double factor) {
  Tensor y = Tensor::uninitialized(x.shape);
  for (std::int64_t i = 0; i < x.size(); ++i) y[i] = real(factor * x[i]);
  return y;
}

Tensor transposed(const Tensor& x) {
  Tensor y = Tensor::uninitialized({x.dim(1), x.dim(0)});
  for (int i = 0; i < x.dim(0); ++i)
    for (int j = 0; j < x.dim(1); ++j)
      y[std::int64_t(j) * x.dim(0) + i] = x[std::int64_t(i) * x.dim(1) + j];
  return y;
}

// The row of yonder's q or k that becomes row c of a head that pairs rows m and m + d'/2.
int row_of(int c, const std::optional<RopeForm>& rope) {
  if (!rope) return c;
  const int half = rope->columns / 2;
  if (rope->interleaved) return c >= 2 * half ? c : c < half ? 2 * c : 2 * (c - half) + 1;
  if (c < half) return c;
  if (c < 2 * half) return c - half + rope->apart;
  return c - half < rope->apart ? c - half : c;
}

// Reorders the rows of each head of q or k in that way.
Tensor in_halves(const Tensor& w, int d, const RopeForm& rope) {
  Tensor y = Tensor::uninitialized(w.shape);
  const std::int64_t D = w.dim(1);
  for (int row = 0; row < w.dim(0); ++row)
    std::copy_n(&w[(row - row % d + row_of(row % d, rope)) * D], D, &y[row * D]);
  return y;
}

Tensor fused(const Transformer& model, int layer, const Names& names,
             const std::optional<RopeForm>& rope) {
  const Dims& dims = model.dims();
  const int D = dims.width, d = dims.head();
  Tensor all = Tensor::uninitialized({3 * D, D});
  for (int part = 0; part < 3; ++part) {
    const std::string name = fmt::format("blocks.{}.attn.{}.weight", layer, "qkv"[part]);
    const Tensor one = model.parameters().find(name).value();
    for (int h = 0; h < dims.heads; ++h)
      for (int c = 0; c < d; ++c) {
        const int from = h * d + (part < 2 ? row_of(c, rope) : c);
        const int to = names.head_by_head ? (3 * h + part) * d + c : part * D + h * d + c;
        std::copy_n(&one[std::int64_t(from) * D], D, &all[std::int64_t(to) * D]);
      }
  }
  return all;
}

}  // namespace

std::optional<RopeForm> rope_form(const Transformer& model, const Exported& e) {
  if (model.encoding().name() != "rope") return {};
  const int d = model.dims().head();
  const bool truncate = option<bool>(model, "truncate");
  const std::string scaling = option<std::string>(model, "scaling");
  RopeForm form{.columns = 2 * int(number(model, "fraction") * d / 2),
                .base = number(model, "base"),
                .interleaved = option<std::string>(model, "layout") == "interleaved",
                .beta_fast = number(model, "beta_fast"),
                .beta_slow = number(model, "beta_slow"),
                .low_freq_factor = number(model, "low_freq_factor"),
                .high_freq_factor = number(model, "high_freq_factor")};
  const double k = number(model, "factor");
  const int width = truncate ? d : form.columns;  // of the spectrum
  const bool named =
      scaling == "linear" || scaling == "dynamic" || scaling == "yarn" || scaling == "llama3";
  if ((!named && scaling != "ntk" && scaling != "direct") || option<bool>(model, "resonance") ||
      (truncate && (scaling == "dynamic" || scaling == "yarn")))
    return {};
  if (e.most > 0)
    throw UsageError("export: --length is for tables, and this rope has none; omit it");
  if (scaling != "direct" && scaling != "dynamic" && k == 0)
    throw UsageError(
        "export: rope.factor is 0, so it depends on the evaluation length, and an exported model "
        "needs a fixed factor; give --rope.factor");
  if (named) form.scaling = scaling;
  if (scaling == "ntk") form.base *= std::pow(k, width / (width - 2.0));
  if (truncate) form.base = std::pow(form.base, double(form.columns) / d);
  form.apart = width / 2;
  form.factor = std::max(1.0, k);
  form.stretch = scaling == "direct" || scaling == "dynamic" ? 1 : form.factor;
  return form;
}

void require_causal(const Transformer& model) {
  if (!model.dims().causal)
    throw UsageError(
        "export: the model is bidirectional, and the exported format has no <mask>; train one "
        "without --bidirectional");
  if (model.dims().block.loops != 1 || model.depth() != model.dims().layers)
    throw UsageError(
        "export: the model loops, and an exported model applies its layers once; export a model "
        "with --loops 1");
}

void require_plain(const Transformer& model) {
  if (const std::string block = model.dims().block.text(model.dims().heads); !block.empty())
    throw UsageError(
        "export: the model's blocks have " + block +
        ", and what is exported would need a place for them; export plain ones, to hf " +
        "Llama's with rope, or see yonder logits");
}

NamedTensors renamed(const Transformer& model, const Names& names, const Tensor& positions,
                     const std::optional<RopeForm>& rope) {
  NamedTensors all;
  const Dims& dims = model.dims();
  const auto of = [&](const std::string& name) { return model.parameters().find(name).value(); };
  const auto linear = [&](const std::string& name, const Tensor& w, bool bias) {
    all.emplace_back(name + ".weight", names.transposed ? transposed(w) : w);
    if (bias) all.emplace_back(name + ".bias", Tensor({w.dim(0)}));
  };
  const auto norm = [&](const std::string& name, const std::string& ours) {
    for (const char* part : {".weight", ".bias"}) all.emplace_back(name + part, of(ours + part));
  };
  const Tensor embed = of("embed.weight");
  all.emplace_back(names.embed, times(embed, std::sqrt(double(dims.width))));
  if (positions) all.emplace_back(names.positions, positions);
  for (int l = 0; l < dims.layers; ++l) {
    const std::string ours = "blocks." + std::to_string(l) + ".";
    const auto theirs = [l](std::string name) {
      return name.replace(name.find('#'), 1, std::to_string(l));
    };
    norm(theirs(names.norm1), ours + "norm1");
    linear(theirs(names.qkv), fused(model, l, names, rope), names.attention_bias);
    linear(theirs(names.o), of(ours + "attn.o.weight"), names.attention_bias);
    norm(theirs(names.norm2), ours + "norm2");
    linear(theirs(names.up), of(ours + "mlp.up.weight"), names.mlp_bias);
    linear(theirs(names.down), of(ours + "mlp.down.weight"), names.mlp_bias);
  }
  norm(names.norm, "norm");
  all.emplace_back(names.head, model.tied() ? embed : of("head.weight"));
  return all;
}

NamedTensors named_as_llama(const Transformer& model, const RopeForm& rope) {
  constexpr std::pair<const char*, const char*> parts[] = {
      {"input_layernorm", "norm1"},          {"self_attn.q_proj", "attn.q"},
      {"self_attn.k_proj", "attn.k"},        {"self_attn.v_proj", "attn.v"},
      {"self_attn.o_proj", "attn.o"},        {"mlp.gate_proj", "mlp.gate"},
      {"post_attention_layernorm", "norm2"}, {"mlp.up_proj", "mlp.up"},
      {"mlp.down_proj", "mlp.down"}};
  const Dims& dims = model.dims();
  const auto of = [&](const std::string& name) {
    return model.parameters().find(name + ".weight").value();
  };
  NamedTensors all;
  all.emplace_back("model.embed_tokens.weight", times(of("embed"), std::sqrt(double(dims.width))));
  for (int l = 0; l < dims.layers; ++l)
    for (const auto& [theirs, ours] : parts) {
      const Tensor w = of(fmt::format("blocks.{}.{}", l, ours));
      const bool turns = std::string(ours) == "attn.q" || std::string(ours) == "attn.k";
      all.emplace_back(fmt::format("model.layers.{}.{}.weight", l, theirs),
                       turns ? in_halves(w, dims.head(), rope) : w);
    }
  all.emplace_back("model.norm.weight", of("norm"));
  all.emplace_back("lm_head.weight", of(model.tied() ? "embed" : "head"));
  return all;
}

}  // namespace yonder
