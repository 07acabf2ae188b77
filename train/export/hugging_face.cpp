// Names and configurations of GPTNeoXForCausalLM, GPT2LMHeadModel and LlamaForCausalLM:
// github.com/huggingface/transformers, src/transformers/models/gpt_neox, gpt2 and llama.
#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>

#include "train/export/export.h"
#include "train/export/names.h"
#include "train/export/tables.h"

namespace yonder {

const std::map<std::string, std::string>& export_files();  // CMakeLists.txt

namespace {

using Json = nlohmann::ordered_json;

constexpr Names neox{.embed = "gpt_neox.embed_in.weight",
                     .norm1 = "gpt_neox.layers.#.input_layernorm",
                     .qkv = "gpt_neox.layers.#.attention.query_key_value",
                     .o = "gpt_neox.layers.#.attention.dense",
                     .norm2 = "gpt_neox.layers.#.post_attention_layernorm",
                     .up = "gpt_neox.layers.#.mlp.dense_h_to_4h",
                     .down = "gpt_neox.layers.#.mlp.dense_4h_to_h",
                     .norm = "gpt_neox.final_layer_norm",
                     .head = "embed_out.weight",
                     .head_by_head = true,
                     .mlp_bias = true};
constexpr Names gpt2{.embed = "transformer.wte.weight",
                     .positions = "transformer.wpe.weight",
                     .norm1 = "transformer.h.#.ln_1",
                     .qkv = "transformer.h.#.attn.c_attn",
                     .o = "transformer.h.#.attn.c_proj",
                     .norm2 = "transformer.h.#.ln_2",
                     .up = "transformer.h.#.mlp.c_fc",
                     .down = "transformer.h.#.mlp.c_proj",
                     .norm = "transformer.ln_f",
                     .head = "lm_head.weight",
                     .transposed = true,
                     .attention_bias = true,
                     .mlp_bias = true};

// Fields of every configuration. Weights are never tied: embedding and head differ by √D.
Json config_of(const std::string& model_type, const std::string& architecture, const Dims& dims,
               const Exported& e) {
  const bool tasks = !e.bytes();
  return {{"architectures", {architecture}},
          {"model_type", model_type},
          {"torch_dtype", "float32"},
          {"tie_word_embeddings", false},
          {"vocab_size", dims.vocabulary},
          {"bos_token_id", tasks ? 0 : 256},
          {"eos_token_id", tasks ? Json(2) : Json()}};
}

Json rope_scaling(const RopeForm& rope, const Dims& dims) {
  if (rope.scaling.empty()) return {};
  Json said{{"rope_type", rope.scaling}, {"type", rope.scaling}, {"factor", rope.factor}};
  if (rope.scaling == "yarn")
    said.update({{"beta_fast", rope.beta_fast}, {"beta_slow", rope.beta_slow}});
  if (rope.scaling == "llama3")
    said.update(
        {{"low_freq_factor", rope.low_freq_factor}, {"high_freq_factor", rope.high_freq_factor}});
  if (rope.scaling == "yarn" || rope.scaling == "llama3")
    said["original_max_position_embeddings"] = dims.trained;
  return said;
}

Json neox_config(const RopeForm& rope, const Dims& dims, const Exported& e) {
  double part = double(rope.columns) / dims.head();
  while (int(part * dims.head()) < rope.columns) part = std::nextafter(part, 1.0);
  Json config = config_of("gpt_neox", "GPTNeoXForCausalLM", dims, e);
  config.update({{"hidden_size", dims.width},
                 {"num_hidden_layers", dims.layers},
                 {"num_attention_heads", dims.heads},
                 {"intermediate_size", dims.mlp},
                 {"hidden_act", "gelu_new"},
                 {"layer_norm_eps", 1e-5},
                 {"use_parallel_residual", false},
                 {"attention_bias", false},
                 {"attention_dropout", 0.0},
                 {"hidden_dropout", 0.0},
                 {"rotary_pct", part},
                 {"rotary_emb_base", rope.base},
                 {"rope_scaling", rope_scaling(rope, dims)},
                 {"max_position_embeddings", std::ceil(dims.trained * rope.stretch)}});
  return config;
}

// Whether it is Llama's block, with any number of key and value heads.
bool is_llama(const Dims& dims) {
  BlockDesign llama = BlockDesign::named("llama");
  llama.kv_heads = dims.block.kv_heads;
  return dims.block == llama;
}

Json llama_config(const RopeForm& rope, const Dims& dims, const Exported& e) {
  Json config = config_of("llama", "LlamaForCausalLM", dims, e);
  config.update({{"hidden_size", dims.width},
                 {"num_hidden_layers", dims.layers},
                 {"num_attention_heads", dims.heads},
                 {"num_key_value_heads", dims.kv_heads()},
                 {"head_dim", dims.head()},
                 {"intermediate_size", dims.mlp},
                 {"hidden_act", "silu"},
                 {"rms_norm_eps", 1e-5},
                 {"attention_bias", false},
                 {"mlp_bias", false},
                 {"attention_dropout", 0.0},
                 {"rope_theta", rope.base},
                 {"rope_scaling", rope_scaling(rope, dims)},
                 {"max_position_embeddings", std::ceil(dims.trained * rope.stretch)}});
  return config;
}

Json gpt2_config(const Tables& tables, const Dims& dims, const Exported& e) {
  Json config = config_of("gpt2", "GPT2LMHeadModel", dims, e);
  config.update({{"n_embd", dims.width},
                 {"n_layer", dims.layers},
                 {"n_head", dims.heads},
                 {"n_inner", dims.mlp},
                 {"n_positions", tables.most},
                 {"activation_function", "gelu_new"},
                 {"layer_norm_epsilon", 1e-5},
                 {"attn_pdrop", 0.0},
                 {"embd_pdrop", 0.0},
                 {"resid_pdrop", 0.0}});
  return config;
}

Json yonder_config(const Transformer& model, const Tables& tables, const NamedTensors& tensors,
                   const Exported& e) {
  const Dims& dims = model.dims();
  Json config = config_of("yonder", "YonderForCausalLM", dims, e);
  config.update({{"auto_map",
                  {{"AutoConfig", "modeling_yonder.YonderConfig"},
                   {"AutoModelForCausalLM", "modeling_yonder.YonderForCausalLM"}}},
                 {"encoding", model.encoding().name()},
                 {"hidden_size", dims.width},
                 {"num_hidden_layers", dims.layers},
                 {"num_attention_heads", dims.heads},
                 {"intermediate_size", dims.mlp},
                 {"layer_norm_eps", 1e-5},
                 {"max_position_embeddings", tables.most},
                 {"trained_length", dims.trained},
                 {"attention_tables", tables.layers}});
  config.update(tables.embedding);
  for (const auto& [name, tensor] : tensors) config["shapes"][name] = tensor.shape;
  return config;
}

// The weights under yonder's names, and the tables.
NamedTensors own_names(const Transformer& model, const Tables& tables) {
  NamedTensors all;
  for (const auto& [name, var] : model.parameters().all())
    if (!name.starts_with("encoding.")) all.emplace_back(name, var.value());
  if (model.tied())
    all.emplace_back("head.weight", model.parameters().find("embed.weight").value());
  if (tables.positions) all.emplace_back("tables.positions", tables.positions);
  all.insert(all.end(), tables.all.begin(), tables.all.end());
  return all;
}

// The text without the lines "# <name other>" and "# </name other>", and without what is between
// them unless a piece of one of these names is needed.
std::string with_pieces(const std::string& text, const std::set<std::string>& needed) {
  std::istringstream lines(text);
  std::string kept, line;
  for (bool keeps = true; std::getline(lines, line);) {
    const std::size_t begin = line.find_first_not_of(' ');
    if (begin == line.npos || line.compare(begin, 3, "# <") != 0) {
      if (keeps) kept += line + "\n";
      continue;
    }
    std::istringstream names(line.substr(begin + 3, line.size() - begin - 4));
    keeps = line[begin + 3] == '/';
    for (std::string name; names >> name;) keeps = keeps || needed.contains(name);
  }
  return kept;
}

std::string text_of(const Json& said) { return said.dump(2, ' ', false) + "\n"; }

}  // namespace

std::map<std::string, std::string> hugging_face(Transformer& model, const Exported& e) {
  require_causal(model);
  const Dims& dims = model.dims();
  std::map<std::string, std::string> files{{"tokenizer.json", text_of(tokenizer_json(e))},
                                           {"tokenizer_config.json", text_of(tokenizer_config(e))}};
  const auto put = [&](const NamedTensors& tensors, const Json& config) {
    files["model.safetensors"] = format_safetensors({tensors, {{"format", "pt"}}});
    files["config.json"] = text_of(config);
  };
  if (is_llama(dims))
    if (const auto rope = rope_form(model, e); rope && rope->columns == dims.head()) {
      put(named_as_llama(model, *rope), llama_config(*rope, dims, e));
      return files;
    }
  require_plain(model);
  if (const auto rope = rope_form(model, e)) {
    put(renamed(model, neox, {}, rope), neox_config(*rope, dims, e));
    return files;
  }
  Tables tables = tables_of(model, e.most);
  if (tables.only_positions()) {
    if (!tables.positions) tables.positions = Tensor({tables.most, dims.width});
    put(renamed(model, gpt2, tables.positions, {}), gpt2_config(tables, dims, e));
    return files;
  }
  const NamedTensors tensors = own_names(model, tables);
  put(tensors, yonder_config(model, tables, tensors, e));
  files["modeling_yonder.py"] = with_pieces(export_files().at("modeling_yonder.py"), tables.pieces);
  return files;
}

}  // namespace yonder
