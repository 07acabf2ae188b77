#include "train/config/keys.h"

namespace yonder {
namespace {

const TaskEntry* find_task(const std::string& name) {
  for (const TaskEntry& t : tasks())
    if (t.name == name) return &t;
  return nullptr;
}

// Calls `f` with the option of an encoding or a task. Returns false if there is none.
template <class F>
bool with_option(const OptionKey& key, const F& f) {
  const auto look = [&](auto owner) {
    const auto found = find(owner->options(), key.name);
    if (found) f(*found);
    return found.has_value();
  };
  if (const Entry* e = find_entry(key.owner)) return look(e->make());
  const TaskEntry* task = find_task(key.owner);
  return task && key.layers.empty() && look(task->make());
}

// A field of the configuration itself, or null. The key may omit its section.
const Option* field(const Options& fields, const OptionKey& key) {
  if (!key.layers.empty()) return nullptr;
  for (const Option& o : fields) {
    const OptionKey full(o.name);
    if ((key.owner.empty() || key.owner == full.owner) && is_named(key.name, full.name, o.former))
      return &o;
  }
  return nullptr;
}

// All keys and short forms.
std::vector<std::string> all_keys() {
  RunConfig config;
  std::vector<std::string> all;
  for (const Option& o : config.fields()) all.push_back(o.name);
  const auto add = [&all](const std::string& owner, const Options& options) {
    for (const Option& o : options) {
      const OptionKey key(owner, {}, o.name);
      all.push_back(full_text(key));
      all.push_back(text_of(key));
    }
  };
  for (const Entry& e : registry()) add(e.name, e.make()->options());
  for (const TaskEntry& t : tasks()) add(t.name, t.make()->options());
  return all;
}

}  // namespace

bool is_of_encoding(const OptionKey& key) {
  return key.owner == "encoding" || find_entry(key.owner);
}

bool is_of_task(const OptionKey& key) { return find_task(key.owner); }

std::string full_text(const OptionKey& key) {
  const std::string section = find_entry(key.owner) ? "encoding." : is_of_task(key) ? "data." : "";
  return section + text_of(key);
}

Protocol protocol_named(const std::string& name) {
  Protocol protocol{};
  assign(choice("eval_protocol", &protocol, "").choice_formerly("same-targets", "fixed-targets"),
         "", name);
  return protocol;
}

std::string flag_of(const OptionKey& key) {
  if (key == OptionKey("text.path")) return "--text";
  const bool owned = find_entry(key.owner) || is_of_task(key) || key.owner == "encoding";
  return "--" + kebab_case(owned ? text_of(key) : key.name);
}

std::optional<OptionKey> find_key(const OptionKey& key) {
  RunConfig config;
  if (const Options fields = config.fields(); const Option* found = field(fields, key))
    return found->name;
  if (OptionKey full = key; with_option(key, [&](const Option& o) { full.name = o.name; }))
    return full;
  return {};
}

OptionKey known(const OptionKey& key) {
  if (const auto found = find_key(key)) return *found;
  const OptionKey plain(key.owner, {}, key.name);
  if (!key.layers.empty() && !find_entry(key.owner) && find_key(plain))
    throw UsageError("there is no key '" + text_of(key) +
                     "'; layers stand behind an encoding, as in encoding.rope@0-2.base");
  const std::string hint = did_you_mean(full_text(plain), all_keys());
  throw UsageError(
      "there is no key '" + full_text(plain) + "'" +
      (hint.empty() ? "; see yonder show encoding NAME and yonder train --help" : hint));
}

void set_key(RunConfig& config, const OptionKey& wanted, const Value& value) {
  const OptionKey key = known(wanted);
  const Options fields = config.fields();
  if (const Option* found = field(fields, key)) {
    Option named = *found;
    named.name = key.name;
    return assign(named, key.owner, value);
  }
  std::erase_if(config.options, [&](const Override& o) { return o.key == key; });
  config.options.push_back({key, typed(key, value)});
}

Value typed(const OptionKey& key, const Value& value) {
  RunConfig config;
  const Options fields = config.fields();
  if (const Option* found = field(fields, key)) return typed(*found, value);
  Value held = value;
  with_option(key, [&](const Option& o) { held = typed(o, value); });
  return held;
}

bool changes_at_inference(Encoding& encoding, const Override& to) {
  const auto o = find(encoding.options(), to.key.name);
  return o && o->inference_time && value_of(*o) != typed(*o, to.value);
}

}  // namespace yonder
