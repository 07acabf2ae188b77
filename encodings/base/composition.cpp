#include <algorithm>

#include "encodings/base/encoding.h"

// What a composition consists of: names become parts, options find theirs, and all are built. What
// the parts then do in a model is in composition_hooks.cpp.
namespace yonder {
namespace {

using Part = Composition::Part;

std::string listed(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& w : words) text += (text.empty() ? "" : ", ") + w;
  return text;
}

std::string names_of(Kind kind) {
  std::vector<std::string> names;
  for (const Entry& e : registry())
    if (e.kind == kind) names.push_back(e.name);
  return listed(names);
}

// Why `a` can't stand beside `b` ("; " and the way out), or "". Asked in both orders.
std::string conflict(const Part& a, const Part& b) {
  const Kind one = a.entry->kind, two = b.entry->kind;
  auto scores = [](Kind k) { return k == Kind::relative || k == Kind::bias; };
  if (a.entry == b.entry) return "a name stands once; leave one of them away";
  if (scores(one) && scores(two)) return "both act on the scores; choose one";
  if (one == Kind::rotary && two == Kind::rotary) return "both turn q and k; choose one";
  if (one == Kind::rotary && two == Kind::relative)
    return a.entry->name + " goes with plain biases only; these are " + names_of(Kind::bias);
  const auto draws = [](const Part& p) {
    return p.entry->name == "random" || p.entry->name == "offset" || p.entry->name == "pose" ||
           p.entry->name == "coupled";
  };
  if (draws(a) && draws(b)) return "both draw the positions of training; choose one";
  if (a.entry->name == "sinks" && b.entry->name == "window")
    return "both say how far a query sees; leave window away and set sinks.window";
  if (a.entry->name == "sinks" && b.entry->name == "stick-breaking")
    return "sinks take the weight that softmax has to put somewhere, and stick-breaking may leave "
           "some; choose one";
  if ((one == Kind::none || a.encoding->complex()) && two != Kind::modifier)
    return a.entry->name + " goes with modifiers only; these are " + names_of(Kind::modifier);
  return "";
}

void refuse_conflict(const std::string& names, const Part& one, const Part& two) {
  for (const auto& [a, b] : {std::pair{&one, &two}, std::pair{&two, &one}})
    if (const std::string why = conflict(*a, *b); !why.empty())
      throw UsageError("encoding: '" + names + "' can't join " + a->entry->name + " and " +
                       b->entry->name + ": " + why);
}

Option& option_of(Options& options, const std::string& full, const std::string& field) {
  if (Option* o = find(options, field)) return *o;
  std::vector<std::string> names;
  for (const Option& o : options) names.push_back(o.name);
  const std::string hint = did_you_mean(field, names);
  throw UsageError(full + ": there is no such option" +
                   (!hint.empty()   ? hint
                    : names.empty() ? "; this encoding has none"
                                    : "; there are " + listed(names)));
}

std::pair<std::string, std::string> parted(const std::string& option) {
  const auto dot = option.find('.');
  if (dot == std::string::npos)
    throw UsageError(option + ": an encoding's option is written {encoding}.{option}");
  return {option.substr(0, dot), option.substr(dot + 1)};
}

// Whether a test may add the modifier to a model that was trained without it.
bool joins_at_test(const Setting& s) {
  return s.option == "window.size" || s.option == "sharpen.by" || s.option == "sinks.first" ||
         s.option == "sinks.window" || (s.option == "logn.when" && s.value == "test");
}

std::string name_in(const std::string& address) { return address.substr(0, address.find('@')); }

// An encoding as one group has it, with the options of that group set.
Part part_of(const LayerGroup& group, const std::string& name) {
  const Entry& e = entry(name);
  Part part{.entry = &e, .encoding = e.make(), .layers = group.layers};
  Options options = part.encoding->options();
  for (const auto& [option, value] : group.options) {
    const auto [owner, field] = parted(option);
    if (owner != name) continue;
    const Option& o = option_of(options, option, field);
    assign(o, name, value);
    part.own_options.push_back({field, text_of(o)});
  }
  return part;
}

const Setting* find(const std::vector<Setting>& settings, const std::string& option) {
  for (const Setting& s : settings)
    if (s.option == option) return &s;
  return nullptr;
}

bool same(const Part& a, const Part& b) {
  if (a.entry != b.entry || a.own_options.size() != b.own_options.size()) return false;
  return std::all_of(a.own_options.begin(), a.own_options.end(), [&b](const Setting& s) {
    const Setting* other = find(b.own_options, s.option);
    return other && other->value == s.value;
  });
}

void add_layers(Part& part, const std::vector<int>& more) {
  part.layers.insert(part.layers.end(), more.begin(), more.end());
  std::sort(part.layers.begin(), part.layers.end());
}

std::size_t layers_in(const std::vector<LayerGroup>& groups) {
  std::size_t count = 0;
  for (const LayerGroup& g : groups) count += g.layers.size();
  return count;
}

}  // namespace

bool Part::in(int layer) const {
  return layers.empty() || std::binary_search(layers.begin(), layers.end(), layer);
}

Composition::Composition(const std::string& names) : name_(names) {
  const auto groups = groups_of(names);
  for (const LayerGroup& group : groups) {
    std::vector<std::size_t> here;
    for (const std::string& name : group.names) {
      Part part = part_of(group, name);
      const auto at = std::find_if(parts_.begin(), parts_.end(),
                                   [&part](const Part& p) { return same(p, part); });
      here.push_back(std::size_t(at - parts_.begin()));
      if (at == parts_.end()) parts_.push_back(std::move(part));
      else add_layers(*at, group.layers);
    }
    for (std::size_t i = 0; i < here.size(); ++i)
      for (std::size_t j = 0; j < i; ++j) refuse_conflict(names, parts_[here[j]], parts_[here[i]]);
  }
  for (Part& p : parts_)
    if (p.layers.size() == layers_in(groups)) p.layers.clear();
}

bool Composition::everywhere(const std::string& name) const {
  const auto groups = groups_of(name_);
  return std::all_of(groups.begin(), groups.end(), [&name](const LayerGroup& g) {
    return std::find(g.names.begin(), g.names.end(), name) != g.names.end();
  });
}

// "rope", or "rope@0-2" where that is not the only one or its layers fix options of it.
std::string Composition::address(const Part& p) const {
  const auto count = std::count_if(parts_.begin(), parts_.end(),
                                   [&p](const Part& other) { return other.entry == p.entry; });
  const bool own = !p.layers.empty() && (count > 1 || !p.own_options.empty());
  return own ? p.entry->name + "@" + text_of(p.layers) : p.entry->name;
}

std::vector<Part*> Composition::addressed(const std::string& wanted) {
  const std::string name = entry(name_in(wanted)).name;
  std::vector<Part*> found;
  for (Part& p : parts_)
    if (p.entry->name == name && (wanted == name || wanted == name + "@" + text_of(p.layers)))
      found.push_back(&p);
  return found;
}

Options Composition::options() const {
  Options all;
  for (const Part& p : parts_)
    for (Option& o : p.encoding->options()) {
      o.name = address(p) + "." + o.name;
      all.push_back(std::move(o));
    }
  return all;
}

bool Composition::takes(const std::string& option) {
  const auto [wanted, field] = parted(option);
  const auto found = addressed(wanted);
  return std::any_of(found.begin(), found.end(),
                     [&, field = field](const Part* p) { return !find(p->own_options, field); });
}

// False if the layers of the part fix the option at another value.
bool Composition::assign_to(Part& p, const std::string& option, const std::string& value) {
  const std::string field = parted(option).second;
  Options options = p.encoding->options();
  const Option& o = option_of(options, option, field);
  assign(o, p.entry->name, value);
  const Setting* own = find(p.own_options, field);
  if (!own || text_of(o) == own->value) return true;
  assign(o, p.entry->name, own->value);
  return false;
}

void Composition::set(const std::string& option, const std::string& value) {
  const std::string wanted = parted(option).first;
  bool known = false, taken = false;
  for (Part* p : addressed(wanted)) known = true, taken |= assign_to(*p, option, value);
  if (!known)
    throw UsageError(option + ": '" + name_ + "' has no " + wanted + "; write '" + name_ + "+" +
                     wanted + "' or leave the option away");
  if (!taken) throw UsageError(option + ": '" + name_ + "' fixes it itself; change it there");
}

void Composition::set_at_test(const std::string& option, const std::string& value) {
  const auto [wanted, field] = parted(option);
  const std::string name = name_in(wanted);
  const bool joins = joins_at_test({option, value});
  const auto found = addressed(wanted);
  if (found.empty() && !joins)
    throw UsageError(
        option + ": the model was trained as '" + name_ + "', without " + wanted +
        "; only window.size, sinks.first, sinks.window, sharpen.by and logn.when=test can be "
        "added to it");
  for (Part* p : found) {
    Options options = p->encoding->options();
    const Option& o = option_of(options, option, field);
    const std::string trained = text_of(o);
    assign_to(*p, option, value == "N-1" ? std::to_string(dims_.trained - 1) : value);
    if (o.test_time || text_of(o) == trained) continue;
    assign(o, name, trained);
    std::vector<std::string> free;
    for (const Option& other : options)
      if (other.test_time) free.push_back(name + "." + other.name);
    throw UsageError(option + ": training has fixed it at " + trained + "; train another model" +
                     (free.empty() ? "" : ", or change " + listed(free)));
  }
  if (joins && !everywhere(name)) join(name, option, value);
}

namespace {

// Whether a part acts in a layer of the group.
bool meets(const Part& p, const LayerGroup& g) {
  return g.layers.empty() ||
         std::any_of(g.layers.begin(), g.layers.end(), [&p](int layer) { return p.in(layer); });
}

}  // namespace

// Adds a modifier to the layers that lack it.
void Composition::join(const std::string& name, const std::string& option,
                       const std::string& value) {
  auto groups = groups_of(name_);
  Part* there = nullptr;
  for (Part& p : parts_)
    if (p.entry->name == name && p.own_options.empty()) there = &p;
  if (!there) {
    Composition extra(name);
    extra.set(option, value);
    if (Parameters none(0); dims_.trained) extra.build(dims_, none);
    const auto lacks = [&name](const LayerGroup& g) {
      return std::find(g.names.begin(), g.names.end(), name) == g.names.end();
    };
    for (const LayerGroup& g : groups)
      for (const Part& p : parts_)
        if (lacks(g) && meets(p, g)) refuse_conflict(name_ + "+" + name, p, extra.parts_[0]);
    parts_.push_back(std::move(extra.parts_[0]));
    there = &parts_.back();
  }
  for (LayerGroup& g : groups)
    if (std::find(g.names.begin(), g.names.end(), name) == g.names.end()) {
      g.names.push_back(name);
      add_layers(*there, g.layers);
    }
  if (there->layers.size() == layers_in(groups)) there->layers.clear();
  name_ = text_of(groups);
  if (layers_in(groups) == 0) return;
  const Composition read_back(name_);  // its order, so that checkpoints are the same
  const auto place = [&read_back](const Part& p) {
    return std::find_if(read_back.parts_.begin(), read_back.parts_.end(),
                        [&p](const Part& other) { return same(other, p); });
  };
  std::stable_sort(parts_.begin(), parts_.end(),
                   [&](const Part& a, const Part& b) { return place(a) < place(b); });
}

void Composition::build(const Dims& dims, Parameters& parameters) {
  for (const Part& p : parts_)
    if (p.entry->serves != Serves::both && dims.causal != (p.entry->serves == Serves::causal_only))
      throw UsageError(p.entry->name + ": it serves " + (dims.causal ? "bidirectional" : "causal") +
                       " models only; choose such a model or another encoding");
  if (const std::size_t named = layers_in(groups_of(name_)); named && int(named) != dims.layers)
    throw UsageError("encoding: '" + name_ + "' names " + std::to_string(named) +
                     (named == 1 ? " layer" : " layers") + ", and the model has " +
                     std::to_string(dims.layers) + "; name each of them once, from 0 to " +
                     std::to_string(dims.layers - 1));
  dims_ = dims;
  dims_.positions = std::max(dims.positions, dims.trained);
  dims_.positions = positions(dims_);
  for (Part& p : parts_) build(p, parameters);
}

namespace {

// "encoding.cope.blocks.3.table" is layer 3's.
bool of_other_layer(const Part& p, const std::string& parameter) {
  const std::string blocks = "encoding." + p.entry->name + ".blocks.";
  return parameter.starts_with(blocks) && !p.in(std::atoi(parameter.c_str() + blocks.size()));
}

bool acts_by_layer(const Part& p) {
  return p.encoding->by_layer().value_or(p.entry->kind != Kind::absolute);
}

}  // namespace

void Composition::build(Part& p, Parameters& parameters) {
  const bool alone = std::none_of(parts_.begin(), parts_.end(), [&p](const Part& other) {
    return &other != &p && other.entry == p.entry;
  });
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
        "encoding: '" + name_ + "' has " + p.entry->name +
        " in some layers only, and not all that it does is done in a layer: it acts on "
        "the embedded tokens, draws positions, or replaces the last layer; give it to "
        "every layer, or leave it away");
}

}  // namespace yonder
