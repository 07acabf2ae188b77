#include <algorithm>

#include "encodings/base/encoding.h"

// Construction of a composition: names become components, options are assigned to them, and all are
// built. What the components do in a model is in composition_hooks.cpp.
namespace yonder {
namespace {

using Component = Composition::Component;

std::string names_of(Kind kind) {
  std::vector<std::string> names;
  for (const Entry& e : registry())
    if (e.kind == kind) names.push_back(e.name);
  return joined(names, ", ");
}

// Why `a` can't be combined with `b`, with a remedy after "; ". Called in both orders.
std::optional<std::string> conflict(const Component& a, const Component& b) {
  const Kind one = a.entry->kind, two = b.entry->kind;
  auto scores = [](Kind k) { return k == Kind::relative || k == Kind::bias; };
  if (a.entry == b.entry) return "each encoding may be named only once; remove one";
  if (scores(one) && scores(two)) return "both act on the scores; choose one";
  if (one == Kind::rotary && two == Kind::rotary) return "both rotate q and k; choose one";
  if (one == Kind::rotary && two == Kind::relative)
    return a.entry->name + " goes with plain biases only; these are " + names_of(Kind::bias);
  if (a.entry->draws_positions && b.entry->draws_positions)
    return "both draw the positions of training; choose one";
  for (const Conflict& c : a.entry->conflicts_with)
    if (c.with == b.entry->name) return c.why;
  if ((one == Kind::none || a.encoding->complex()) && two != Kind::modifier)
    return a.entry->name + " goes with modifiers only; these are " + names_of(Kind::modifier);
  return {};
}

// Why the two can't be in the same layer of `names`; empty if they can.
std::optional<std::string> refusal_of_pair(const std::string& names, const Component& one,
                                           const Component& two) {
  for (const auto& [a, b] : {std::pair{&one, &two}, std::pair{&two, &one}})
    if (const auto why = conflict(*a, *b))
      return fmt::format("encoding: '{}' can't join {} and {}: {}", names, a->entry->name,
                         b->entry->name, *why);
  return {};
}

void require_none(const std::optional<std::string>& refusal) {
  if (refusal) throw UsageError(*refusal);
}

Option option_of(const Options& options, const OptionKey& key) {
  if (const auto o = find(options, key.name)) return *o;
  std::vector<std::string> names;
  for (const Option& o : options) names.push_back(o.name);
  const std::string hint = did_you_mean(key.name, names);
  throw UsageError(text_of(key) + ": there is no such option" +
                   (!hint.empty()   ? hint
                    : names.empty() ? "; this encoding has none"
                                    : "; there are " + joined(names, ", ")));
}

// Whether this override may add the modifier to a model that was trained without it.
bool joins_at_inference(const Entry& e, const OptionKey& key, const Value& value) {
  return key.layers.empty() && std::any_of(e.joins_at_inference.begin(), e.joins_at_inference.end(),
                                           [&](const JoinsAtInference& j) {
                                             return j.option == key.name &&
                                                    (!j.only || text_of(*j.only) == text_of(value));
                                           });
}

// All such overrides, as text.
std::string joining() {
  std::vector<std::string> all;
  for (const Entry& e : registry())
    for (const JoinsAtInference& j : e.joins_at_inference)
      all.push_back(fmt::format("{}.{}{}", e.name, j.option, j.only ? "=" + text_of(*j.only) : ""));
  return joined(all, ", ");
}

// The encoding `name` of a group, with its options in that group set.
Component component_of(const LayerGroup& group, const std::string& name) {
  const Entry& e = entry(name);
  Component component{.entry = &e, .encoding = e.make(), .layers = group.layers};
  Options options = component.encoding->options();
  for (const auto& [key, value] : group.options) {
    if (key.owner != name) continue;
    const Option& o = option_of(options, key);
    assign(o, name, value);
    component.own_options.push_back({{name, {}, key.name}, value_of(o)});
  }
  return component;
}

const Override* own(const Component& p, const std::string& option) {
  return find(p.own_options, {p.entry->name, {}, option});
}

bool same(const Component& a, const Component& b) {
  if (a.entry != b.entry || a.own_options.size() != b.own_options.size()) return false;
  return std::all_of(a.own_options.begin(), a.own_options.end(), [&b](const Override& o) {
    const Override* other = find(b.own_options, o.key);
    return other && *other == o;
  });
}

void add_layers(Component& component, const Layers& more) {
  component.layers.insert(component.layers.end(), more.begin(), more.end());
  std::sort(component.layers.begin(), component.layers.end());
}

}  // namespace

bool Component::in(int layer) const {
  return layers.empty() || std::binary_search(layers.begin(), layers.end(), layer);
}

Composition::Composition(const std::string& names) : name_(names), groups_(groups_of(names)) {
  for (const LayerGroup& group : groups_) {
    std::vector<std::size_t> here;
    for (const std::string& name : group.names) {
      Component component = component_of(group, name);
      const auto at = std::find_if(components_.begin(), components_.end(),
                                   [&component](const Component& p) { return same(p, component); });
      here.push_back(std::size_t(at - components_.begin()));
      if (at == components_.end()) components_.push_back(std::move(component));
      else add_layers(*at, group.layers);
    }
    for (std::size_t i = 0; i < here.size(); ++i)
      for (std::size_t j = 0; j < i; ++j)
        require_none(refusal_of_pair(names, components_[here[j]], components_[here[i]]));
  }
  for (Component& p : components_)
    if (p.layers.size() == layers_in(groups_)) p.layers.clear();
}

// "rope.base", or "rope@0-2.base" if there are several or its layers fix options of their own.
OptionKey Composition::key_of(const Component& p, const std::string& option) const {
  const auto count = std::count_if(components_.begin(), components_.end(),
                                   [&p](const Component& other) { return other.entry == p.entry; });
  const bool own = !p.layers.empty() && (count > 1 || !p.own_options.empty());
  return {p.entry->name, own ? p.layers : Layers{}, option};
}

std::vector<Component*> Composition::addressed(const OptionKey& key) {
  if (key.owner.empty())
    throw UsageError(key.name + ": an encoding's option is written {encoding}.{option}");
  const std::string name = entry(key.owner).name;
  std::vector<Component*> found;
  for (Component& p : components_)
    if (p.entry->name == name && (key.layers.empty() || key.layers == p.layers))
      found.push_back(&p);
  return found;
}

Options Composition::options() {
  Options all;
  for (const Component& p : components_)
    for (Option& o : p.encoding->options()) {
      o.name = text_of(key_of(p, o.name));
      all.push_back(std::move(o));
    }
  return all;
}

Overrides Composition::values() const {
  Overrides all;
  for (const Component& p : components_)
    for (const Option& o : p.encoding->options()) all.push_back({key_of(p, o.name), value_of(o)});
  return all;
}

bool Composition::takes(const OptionKey& key) {
  const auto found = addressed(key);
  return std::any_of(found.begin(), found.end(),
                     [&key](const Component* p) { return !own(*p, key.name); });
}

// Returns false if the component's layers fix the option at another value.
bool Composition::assign_to(Component& p, const OptionKey& key, const Value& value) {
  Options options = p.encoding->options();
  const Option& o = option_of(options, key);
  assign(o, p.entry->name, value);
  const Override* fixed = own(p, key.name);
  if (!fixed || value_of(o) == fixed->value) return true;
  assign(o, p.entry->name, fixed->value);
  return false;
}

void Composition::set(const OptionKey& key, const Value& value) {
  bool known = false, taken = false;
  for (Component* p : addressed(key)) known = true, taken |= assign_to(*p, key, value);
  if (!known)
    throw UsageError(fmt::format("{0}: '{1}' has no {2}; write '{1}+{2}' or remove the option",
                                 text_of(key), name_, key.address()));
  if (!taken) throw UsageError(text_of(key) + ": '" + name_ + "' fixes it itself; change it there");
}

void Composition::set_at_inference(const OptionKey& key, const Value& value) {
  const auto found = addressed(key);
  const bool joins = joins_at_inference(entry(key.owner), key, value);
  if (found.empty() && !joins)
    throw UsageError(text_of(key) + ": the model was trained as '" + name_ + "', without " +
                     key.address() + "; options that can be added at inference: " + joining());
  for (Component* p : found) {
    Options options = p->encoding->options();
    const Option& o = option_of(options, key);
    const Value trained = value_of(o);
    assign_to(*p, key, value == Value("N-1") ? Value(std::int64_t(dims_.trained - 1)) : value);
    if (o.inference_time || value_of(o) == trained) continue;
    assign(o, key.owner, trained);
    std::vector<std::string> free;
    for (const Option& other : options)
      if (other.inference_time) free.push_back(key.owner + "." + other.name);
    throw UsageError(fmt::format("{}: fixed in training at {}; train another model{}", text_of(key),
                                 text_of(trained),
                                 free.empty() ? "" : ", or change " + joined(free, ", ")));
  }
  if (joins && !everywhere(groups_, key.owner)) join(key, value);
}

namespace {

// Whether a component acts in a layer of the group.
bool meets(const Component& p, const LayerGroup& g) {
  return g.layers.empty() ||
         std::any_of(g.layers.begin(), g.layers.end(), [&p](int layer) { return p.in(layer); });
}

bool lacks(const LayerGroup& g, const std::string& name) { return !has(g.names, name); }

}  // namespace

std::optional<std::string> Composition::refusal_of(const Component& modifier) const {
  const std::string& name = modifier.entry->name;
  for (const LayerGroup& g : groups_)
    for (const Component& p : components_)
      if (lacks(g, name) && meets(p, g))
        if (auto why = refusal_of_pair(name_ + "+" + name, p, modifier)) return why;
  return {};
}

std::optional<std::string> Composition::refusal_of(const std::string& modifier) const {
  return refusal_of(component_of({}, modifier));
}

// Adds a modifier to the layers that lack it.
void Composition::join(const OptionKey& key, const Value& value) {
  const std::string& name = key.owner;
  auto groups = groups_;
  Component* there = nullptr;
  for (Component& p : components_)
    if (p.entry->name == name && p.own_options.empty()) there = &p;
  if (!there) {
    Composition extra(name);
    extra.set(key, value);
    if (Parameters none(0); dims_.trained) extra.build(dims_, none);
    require_none(refusal_of(extra.components_[0]));
    components_.push_back(std::move(extra.components_[0]));
    there = &components_.back();
  }
  for (LayerGroup& g : groups)
    if (lacks(g, name)) {
      g.names.push_back(name);
      add_layers(*there, g.layers);
    }
  if (there->layers.size() == layers_in(groups)) there->layers.clear();
  name_ = text_of(groups);
  groups_ = std::move(groups);
  if (layers_in(groups_) == 0) return;
  const Composition read_back(name_);  // component order as loaded from a checkpoint
  const auto place = [&read_back](const Component& p) {
    return std::find_if(read_back.components_.begin(), read_back.components_.end(),
                        [&p](const Component& other) { return same(other, p); });
  };
  std::stable_sort(components_.begin(), components_.end(),
                   [&](const Component& a, const Component& b) { return place(a) < place(b); });
}

void Composition::build(const Dims& dims, Parameters& parameters) {
  for (const Component& p : components_)
    if (p.entry->serves != Serves::both && dims.causal != (p.entry->serves == Serves::causal_only))
      throw UsageError(p.entry->name + ": for " + (dims.causal ? "bidirectional" : "causal") +
                       " models only; train one, or choose another encoding");
  if (const std::size_t named = layers_in(groups_); named && int(named) != dims.layers)
    throw UsageError(fmt::format(
        "encoding: '{}' names {} {}, and the model has {}; name each of them once, from 0 to {}",
        name_, named, named == 1 ? "layer" : "layers", dims.layers, dims.layers - 1));
  dims_ = dims;
  dims_.positions = std::max(dims.positions, dims.trained);
  dims_.positions = positions(dims_);
  dims_.monotonic = monotonic();
  dims_.biased = std::any_of(components_.begin(), components_.end(),
                             [](const Component& p) { return p.entry->kind == Kind::bias; });
  for (Component& p : components_) build(p, parameters);
}

namespace {

// Whether p lacks the parameter's layer: "encoding.cope.blocks.3.table" belongs to layer 3.
bool of_other_layer(const Component& p, const std::string& parameter) {
  const std::string blocks = "encoding." + p.entry->name + ".blocks.";
  return parameter.starts_with(blocks) && !p.in(std::atoi(parameter.c_str() + blocks.size()));
}

bool acts_by_layer(const Component& p) {
  return p.encoding->by_layer().value_or(p.entry->kind != Kind::absolute);
}

}  // namespace

void Composition::build(Component& p, Parameters& parameters) {
  const bool alone =
      std::none_of(components_.begin(), components_.end(),
                   [&p](const Component& other) { return &other != &p && other.entry == p.entry; });
  parameters.leave_out([&](const std::string& name) {
    if (of_other_layer(p, name)) return true;
    if (!alone && parameters.find(name))
      throw UsageError("encoding: '" + name_ + "' gives " + p.entry->name +
                       " other options in other layers, and they share " + name +
                       "; give it the same ones in all");
    return false;
  });
  p.encoding->build(dims_, parameters);
  parameters.leave_out({});
  if (!p.layers.empty() && !acts_by_layer(p))
    throw UsageError(
        fmt::format("encoding: '{}' has {} in some layers only, and not all that it does is done "
                    "in a layer: it acts on the embedded tokens, draws positions, or replaces the "
                    "last layer; give it to every layer, or remove it",
                    name_, p.entry->name));
}

}  // namespace yonder
