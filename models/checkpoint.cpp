#include "models/checkpoint.h"

#include <fmt/core.h>

#include <algorithm>
#include <limits>
#include <map>
#include <optional>

#include "core/io/files.h"
#include "core/io/json.h"
#include "core/io/safetensors.h"
#include "models/manifest.h"

namespace yonder {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

// The first format has the plain block only and does not store it.
constexpr int plain_format = 1, format = 2;

ordered_json describe(const Transformer& model, const Origin& origin) {
  const Dims& d = model.dims();
  ordered_json options = ordered_json::object();
  for (const auto& [key, value] : model.encoding().values()) options[text_of(key)] = json_of(value);
  ordered_json extents{{"vocabulary", d.vocabulary}, {"width", d.width},   {"heads", d.heads},
                       {"layers", d.layers},         {"mlp", d.mlp},       {"causal", d.causal},
                       {"tied", model.tied()},       {"length", d.trained}};
  const bool plain = d.block.text(d.heads).empty();
  if (BlockDesign block = d.block; !plain)
    for (const Option& o : block.options()) extents[o.name] = json_of(value_of(o));
  return {{"format", plain ? plain_format : format},
          {"model", std::move(extents)},
          {"encoding", model.encoding().name()},
          {"options", std::move(options)},
          {"task", origin.task},
          {"step", origin.step},
          {"seed", origin.seed}};
}

/// An object in the metadata that must have exactly these keys.
class Object {
 public:
  Object(const json& said, const std::string& name, std::vector<std::string> keys)
      : said_(said), name_(name) {
    if (!said.is_object()) throw UsageError(name + " is not a JSON object");
    for (const std::string& key : keys)
      if (!said.contains(key)) throw UsageError(fmt::format("{} has no '{}'", name, key));
    for (const auto& [key, value] : said.items())
      if (!has(keys, key)) throw UsageError(fmt::format("{} has an unknown '{}'", name, key));
  }

  const json& operator[](const std::string& key) const { return said_[key]; }
  int whole(const std::string& key) const {
    const json& x = said_[key];
    if (!x.is_number_unsigned() ||
        x.get<std::uint64_t>() > std::uint64_t(std::numeric_limits<int>::max()))
      wrong(key, "a whole number");
    return x;
  }
  bool truth(const std::string& key) const {
    if (!said_[key].is_boolean()) wrong(key, "true or false");
    return said_[key];
  }
  std::string text(const std::string& key) const {
    if (!said_[key].is_string()) wrong(key, "a text");
    return said_[key];
  }

 private:
  const json& said_;
  std::string name_;

  [[noreturn]] void wrong(const std::string& key, const std::string& what) const {
    throw UsageError(fmt::format("{} has a '{}' that is not {}", name_, key, what));
  }
};

void set_options(Composition& encoding, const json& said) {
  if (!said.is_object()) throw UsageError("'options' is not a JSON object");
  for (const auto& [name, value] : said.items()) encoding.set(name, value_of(value, name));
  for (const Option& o : encoding.options())
    if (!o.later && !said.contains(o.name)) throw UsageError("option '" + o.name + "' is missing");
}

// The block of a model whose file stores one.
BlockDesign block_of(const Object& model) {
  BlockDesign block;
  for (const Option& o : block.options())
    assign(o, "model", value_of(model[o.name], "model." + o.name));
  return block;
}

Tensor copy_of(const Tensor& x) {
  Tensor copy = Tensor::uninitialized(x.shape);
  std::copy_n(&x[0], x.size(), &copy[0]);
  return copy;
}

Checkpoint rebuild(const Safetensors& file, const std::string& path) {
  if (!file.metadata.contains("yonder"))
    throw UsageError(
        "it lacks the metadata 'yonder', which other programs drop when they save tensors again; "
        "take the file that yonder wrote");
  const json all = parse_json(file.metadata.at("yonder"), path);
  const bool plain = all.is_object() && all.value("format", json()) == plain_format;
  if (all.is_object() && all.contains("format") && !plain && all["format"] != format)
    throw UsageError(fmt::format("its format is {}, this program reads {} and {}",
                                 all["format"].dump(), plain_format, format));
  const Object said(all, "the metadata",
                    {"format", "model", "encoding", "options", "task", "step", "seed"});
  std::vector<std::string> keys{"vocabulary", "width",  "heads", "layers",
                                "mlp",        "causal", "tied",  "length"};
  if (BlockDesign block; !plain)
    for (const Option& o : block.options()) keys.push_back(o.name);
  const Object model(said["model"], "'model'", keys);
  Dims dims{.vocabulary = model.whole("vocabulary"),
            .width = model.whole("width"),
            .heads = model.whole("heads"),
            .layers = model.whole("layers"),
            .mlp = model.whole("mlp"),
            .trained = model.whole("length"),
            .causal = model.truth("causal")};
  if (!plain) dims.block = block_of(model);
  if (!said["task"].is_object()) throw UsageError("'task' is not a JSON object");
  if (!said["seed"].is_number_unsigned()) throw UsageError("'seed' is not a whole number");

  auto encoding = std::make_unique<Composition>(said.text("encoding"));
  set_options(*encoding, said["options"]);
  std::map<std::string, Tensor> saved;
  for (const auto& [name, tensor] : file.tensors) saved[name] = copy_of(tensor);
  auto rebuilt =
      std::make_unique<Transformer>(dims, std::move(encoding), Parameters(saved, said["seed"]),
                                    model.truth("tied") ? Head::tied : Head::own);
  if (const auto unused = rebuilt->parameters().unused(); !unused.empty())
    throw UsageError("tensor '" + unused[0] + "' is unknown");
  return {std::move(rebuilt), {said["task"], said.whole("step"), said["seed"]}};
}

}  // namespace

std::string format_model(const Transformer& model, const Origin& origin) {
  Safetensors file;
  for (const auto& [name, var] : model.parameters().all())
    file.tensors.emplace_back(name, var.value());
  // replace: a task's path may contain bytes that are not UTF-8
  file.metadata["yonder"] =
      describe(model, origin).dump(-1, ' ', false, json::error_handler_t::replace);
  return format_safetensors(file);
}

void save_model(const std::string& path, const Transformer& model, const Origin& origin) {
  write_file(path, format_model(model, origin));
}

CheckpointFile read_checkpoint(const std::string& path) {
  const std::string content = read_file(path);
  require_whole(path, content);
  return {path, parse_safetensors(content, path)};
}

Checkpoint load_model(const CheckpointFile& file, const Overrides& inference_options) {
  Checkpoint checkpoint;
  try {
    checkpoint = rebuild(file.content, file.path);
  } catch (const UsageError& e) {
    throw FileError(file.path + ": not a usable checkpoint: " + e.what());
  }
  for (const auto& [key, value] : inference_options) checkpoint.model->set_at_inference(key, value);
  checkpoint.model->encoding().check();
  return checkpoint;
}

Checkpoint load_model(const std::string& path, const Overrides& inference_options) {
  return load_model(read_checkpoint(path), inference_options);
}

}  // namespace yonder
