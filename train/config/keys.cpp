#include "train/config/keys.h"

#include <algorithm>

#include "datasets/base/dataset.h"

namespace yonder {
namespace {

// The fields that are no option of an encoding or a task, by full key.
Options fields(RunConfig& config) {
  Options all{Option{"model.encoding", &config.encoding, ""},
              Option{"data.task", &config.task, ""},
              Option{"data.length", &config.length, ""}.within(1, 1 << 24),
              Option{"model.bidirectional", &config.bidirectional, ""},
              Option{"model.tied", &config.tied, ""},
              Option{"train.from", &config.from, ""}};
  for (const Option& o : config.change_fields()) all.push_back(o);
  for (Option o : config.model_fields()) o.name = "model." + o.name, all.push_back(o);
  for (Option o : config.training_fields()) o.name = "train." + o.name, all.push_back(o);
  return all;
}

// Every key there is, in full.
std::vector<std::string> known() {
  RunConfig config;
  std::vector<std::string> all;
  for (const Option& o : fields(config)) all.push_back(o.name);
  for (const Entry& e : registry())
    for (const Option& o : e.make()->options()) all.push_back("encoding." + e.name + "." + o.name);
  for (const TaskEntry& t : tasks())
    for (const Option& o : t.make()->options()) all.push_back("data." + t.name + "." + o.name);
  return all;
}

// "rope.base" of "encoding.rope.base".
std::string option_of(const std::string& full) { return full.substr(full.find('.') + 1); }

// "encoding.rope.base" of "encoding.rope@0-2.base".
std::string without_layers(const std::string& key) {
  const auto at = key.find('@');
  return at == key.npos ? key
                        : key.substr(0, at) + key.substr(std::min(key.find('.', at), key.size()));
}

}  // namespace

std::string full_key(const std::string& key) {
  if (const std::string plain = without_layers(key); plain != key) {
    if (!full_key(plain).starts_with("encoding."))
      throw UsageError("there is no key '" + key +
                       "'; layers stand behind an encoding, as in encoding.rope@0-2.base");
    return key.starts_with("encoding.") ? key : "encoding." + key;
  }
  const auto all = known();
  std::vector<std::string> near = all;
  for (const char* plain : {"model.encoding", "data.task", "data.length"})
    if (option_of(plain) == key) return plain;
  for (const std::string& k : all) {
    const bool option = std::count(k.begin(), k.end(), '.') == 2;
    if (k == key || (option && option_of(k) == key)) return k;
    if (option) near.push_back(option_of(k));
  }
  const std::string hint = did_you_mean(key, near);
  throw UsageError(
      "there is no key '" + key + "'" +
      (hint.empty() ? "; see yonder show encoding NAME and yonder train --help" : hint));
}

std::string owner_of(const std::string& full) {
  const auto first = full.find('.'), last = full.rfind('.');
  if (first == last) return "";
  const std::string owner = full.substr(first + 1, last - first - 1);
  return owner.substr(0, owner.find('@'));
}

void set_key(RunConfig& config, const std::string& key, const std::string& value) {
  const std::string full = full_key(key);
  Options all = fields(config);
  if (const Option* field = find(all, full)) {
    Option named = *field;
    named.name = full.substr(full.find('.') + 1);
    return assign(named, full.substr(0, full.find('.')), value);
  }
  const std::string option = option_of(full);
  std::erase_if(config.options, [&](const Setting& s) { return s.option == option; });
  config.options.push_back({option, value});
}

}  // namespace yonder
