// GGUF 3, little-endian: "GGUF", version, counts, key-value pairs, tensor descriptions, tensors.
// github.com/ggml-org/ggml, docs/gguf.md; names of weights: github.com/ggml-org/llama.cpp,
// src/llama-arch.cpp
#include <cmath>
#include <utility>

#include "train/export/export.h"
#include "train/export/names.h"
#include "train/export/tables.h"

namespace yonder {
namespace {

constexpr std::uint32_t alignment = 32;

constexpr Names gguf_names{.embed = "token_embd.weight",
                           .positions = "position_embd.weight",
                           .norm1 = "blk.#.attn_norm",
                           .qkv = "blk.#.attn_qkv",
                           .o = "blk.#.attn_output",
                           .norm2 = "blk.#.ffn_norm",
                           .up = "blk.#.ffn_up",
                           .down = "blk.#.ffn_down",
                           .norm = "output_norm",
                           .head = "output.weight"};

/// Writes a file of key-value pairs and tensors.
class Writer {
 public:
  void put(const std::string& key, std::uint32_t x) { pair(key, 4), bits(x); }
  void put(const std::string& key, float x) { pair(key, 6), bits(x); }
  void put(const std::string& key, bool x) { pair(key, 7), bits(std::uint8_t(x)); }
  void put(const std::string& key, const std::string& x) { pair(key, 8), string(x); }
  void put(const std::string& key, const std::vector<std::string>& all) {
    pair(key, 9), bits(std::uint32_t(8)), bits(std::uint64_t(all.size()));
    for (const std::string& x : all) string(x);
  }
  void put(const std::string& key, const std::vector<std::int32_t>& all) {
    pair(key, 9), bits(std::uint32_t(5)), bits(std::uint64_t(all.size()));
    for (const std::int32_t x : all) bits(x);
  }

  std::string file(const NamedTensors& tensors) {
    const std::string said = std::exchange(out_, "GGUF");
    bits(std::uint32_t(3)), bits(std::uint64_t(tensors.size())), bits(pairs_);
    out_ += said;
    std::uint64_t offset = 0;
    for (const auto& [name, t] : tensors) {
      string(name), bits(std::uint32_t(t.shape.size()));
      for (std::size_t axis = t.shape.size(); axis-- > 0;) bits(std::uint64_t(t.shape[axis]));
      bits(std::uint32_t(0)), bits(offset);  // f32
      offset = aligned(offset + std::uint64_t(t.size()) * sizeof(float));
    }
    for (const auto& [name, t] : tensors) {
      out_.resize(aligned(out_.size()));
      for (const real x : t.flat()) bits(float(x));
    }
    out_.resize(aligned(out_.size()));
    return std::move(out_);
  }

 private:
  std::string out_;
  std::uint64_t pairs_ = 0;

  static std::uint64_t aligned(std::uint64_t at) {
    return (at + alignment - 1) / alignment * alignment;
  }
  template <class T>
  void bits(T x) {
    out_.append(reinterpret_cast<const char*>(&x), sizeof x);
  }
  void string(const std::string& x) { bits(std::uint64_t(x.size())), out_ += x; }
  void pair(const std::string& key, std::uint32_t type) { ++pairs_, string(key), bits(type); }
};

[[noreturn]] void refuse(const std::string& what, const std::string& otherwise) {
  throw UsageError("export: llama.cpp would need " + what + "; " + otherwise);
}

bool is_alibi(const Transformer& model) {
  const Override* learned = nullptr;
  const Overrides values = model.encoding().values();
  return model.encoding().name() == "alibi" && (learned = find(values, "alibi.learned")) &&
         !std::get<bool>(learned->value);
}

void put_rope(Writer& w, const RopeForm& rope, const Dims& dims) {
  if (rope.scaling == "dynamic" || rope.scaling == "llama3")
    refuse(rope.scaling + " for GPT-NeoX", "choose linear, ntk or yarn, or --to hf");
  if (rope.scaling == "yarn" && (rope.beta_fast != 32 || rope.beta_slow != 1))
    refuse("the betas of yarn in the file", "choose 32 and 1, or --to hf");
  w.put("gptneox.use_parallel_residual", false);
  w.put("gptneox.rope.dimension_count", std::uint32_t(rope.columns));
  w.put("gptneox.rope.freq_base", float(rope.base));
  if (rope.scaling.empty()) return;
  w.put("gptneox.rope.scaling.type", rope.scaling);
  w.put("gptneox.rope.scaling.factor", float(rope.factor));
  w.put("gptneox.rope.scaling.original_context_length", std::uint32_t(dims.trained));
}

void put_tokenizer(Writer& w, const Exported& e) {
  const std::vector<std::string> names = token_names(e);
  const int specials = e.bytes() ? 256 : 0;  // index of the first; tasks have three
  std::vector<std::int32_t> types(names.size(), 1);
  for (int i = specials; i < (e.bytes() ? 257 : 3); ++i) types[std::size_t(i)] = 3;
  w.put("tokenizer.ggml.model", std::string("gpt2"));
  w.put("tokenizer.ggml.pre", std::string("gpt-2"));
  w.put("tokenizer.ggml.tokens", names);
  w.put("tokenizer.ggml.token_type", types);
  w.put("tokenizer.ggml.merges", std::vector<std::string>());
  w.put("tokenizer.ggml.bos_token_id", std::uint32_t(specials));
  w.put("tokenizer.ggml.add_bos_token", true);
  if (!e.bytes()) w.put("tokenizer.ggml.eos_token_id", std::uint32_t(2));
}

}  // namespace

std::string gguf(Transformer& model, const Exported& e) {
  require_causal(model);
  require_plain(model);
  const Dims& dims = model.dims();
  const auto rope = rope_form(model, e);
  const bool alibi = is_alibi(model);
  Tables tables;
  if (!rope) {
    tables = tables_of(model, e.most);
    if (!alibi && !tables.only_positions())
      refuse(
          "an architecture with " + model.encoding().name() + " as it is here",
          "export alibi, none, learned, sinusoidal, or rope without or with linear, ntk or yarn, "
          "or --to hf");
    if (!alibi && !tables.positions) tables.positions = Tensor({tables.most, dims.width});
  }
  const std::string architecture = rope ? "gptneox" : alibi ? "mpt" : "gpt2";
  const int context = rope ? int(std::ceil(dims.trained * rope->stretch)) : tables.most;
  Writer w;
  w.put("general.architecture", architecture);
  w.put("general.name", e.name);
  w.put("general.alignment", alignment);
  const std::pair<const char*, int> extents[] = {{"context_length", context},
                                                 {"embedding_length", dims.width},
                                                 {"block_count", dims.layers},
                                                 {"feed_forward_length", dims.mlp},
                                                 {"attention.head_count", dims.heads}};
  for (const auto& [key, extent] : extents) w.put(architecture + "." + key, std::uint32_t(extent));
  w.put(architecture + ".attention.layer_norm_epsilon", 1e-5f);
  if (rope) put_rope(w, *rope, dims);
  if (alibi) w.put("mpt.attention.max_alibi_bias", 8.0f);
  put_tokenizer(w, e);

  Names names = gguf_names;
  names.attention_bias = names.mlp_bias = !alibi;
  return w.file(renamed(model, names, tables.positions, rope));
}

}  // namespace yonder
