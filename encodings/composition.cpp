#include <algorithm>

#include "encodings/encoding.h"

namespace yonder {

namespace {

std::pair<int, int> extremes(const Positions& p) {
  int least = p(0, 0), most = least;
  for (int b = 0; b < (p.shared() ? 1 : p.batch); ++b)
    for (int t = 0; t < p.tokens; ++t)
      least = std::min(least, p(b, t)), most = std::max(most, p(b, t));
  return {least, most};
}

}  // namespace

int Attention::least() const { return extremes(queries).first - extremes(keys).second; }
int Attention::most() const { return extremes(queries).second - extremes(keys).first; }

std::vector<int> places(const Positions& p) {
  int longest = 0;
  for (int b = 0; b < p.batch; ++b) longest = std::max(longest, p.length(b));
  std::vector<int> at;
  for (int b = 0; b < (p.shared() ? 1 : p.batch); ++b)
    for (int t = 0; t < p.tokens; ++t)
      at.push_back(p.first + t < (p.shared() ? longest : p.length(b)) ? p(b, t) : 0);
  return at;
}

namespace {

using Part = Composition::Part;

std::string join(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& w : words) text += (text.empty() ? "" : ", ") + w;
  return text;
}

std::string names_of(Kind kind) {
  std::vector<std::string> names;
  for (const Entry& e : registry())
    if (e.kind == kind) names.push_back(e.name);
  return join(names);
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

}  // namespace

Composition::Composition(const std::string& names) : name_(names) {
  for (const std::string& name : split(names, '+')) {
    const Entry& e = entry(name);
    Part next{&e, e.make()};
    for (const Part& part : parts_) refuse_conflict(names, part, next);
    parts_.push_back(std::move(next));
  }
}

Part* Composition::part(const std::string& name) {
  for (Part& p : parts_)
    if (p.entry->name == name) return &p;
  return nullptr;
}

namespace {

Option& option_of(Options& options, const std::string& full, const std::string& field) {
  if (Option* o = find(options, field)) return *o;
  std::vector<std::string> names;
  for (const Option& o : options) names.push_back(o.name);
  const std::string hint = did_you_mean(field, names);
  throw UsageError(full + ": there is no such option" +
                   (!hint.empty()   ? hint
                    : names.empty() ? "; this encoding has none"
                                    : "; there are " + join(names)));
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

}  // namespace

void Composition::set(const std::string& option, const std::string& value) {
  const auto [name, field] = parted(option);
  Part* p = part(entry(name).name);
  if (!p)
    throw UsageError(option + ": '" + name_ + "' has no " + name + "; write '" + name_ + "+" +
                     name + "' or leave the option away");
  Options options = p->encoding->options();
  assign(option_of(options, option, field), name, value);
}

void Composition::set_at_test(const std::string& option, const std::string& value) {
  const auto [name, field] = parted(option);
  Part* p = part(entry(name).name);
  if (!p) {
    if (!joins_at_test({option, value}))
      throw UsageError(
          option + ": the model was trained as '" + name_ + "', without " + name +
          "; only window.size, sinks.first, sinks.window, sharpen.by and logn.when=test "
          "can be added to it");
    Composition extra(name);
    extra.set(option, value);
    if (Parameters none(0); dims_.trained) extra.build(dims_, none);
    for (const Part& there : parts_) refuse_conflict(name_ + "+" + name, there, extra.parts_[0]);
    parts_.push_back(std::move(extra.parts_[0]));
    name_ += "+" + name;
    return;
  }
  Options options = p->encoding->options();
  Option& o = option_of(options, option, field);
  const std::string trained = text_of(o);
  assign(o, name, value == "N-1" ? std::to_string(dims_.trained - 1) : value);
  if (o.test_time || text_of(o) == trained) return;
  assign(o, name, trained);
  std::vector<std::string> free;
  for (const Option& other : options)
    if (other.test_time) free.push_back(name + "." + other.name);
  throw UsageError(option + ": training has fixed it at " + trained + "; train another model" +
                   (free.empty() ? "" : ", or change " + join(free)));
}

void Composition::check() const {
  for (const Part& p : parts_) p.encoding->check();
}

int Composition::positions(const Dims& dims) {
  int most = std::max(dims.positions, dims.trained);
  for (Part& p : parts_) most = std::max(most, p.encoding->positions(dims));
  return most;
}

void Composition::build(const Dims& dims, Parameters& parameters) {
  for (const Part& p : parts_)
    if (p.entry->serves != Serves::both && dims.causal != (p.entry->serves == Serves::causal_only))
      throw UsageError(p.entry->name + ": it serves " + (dims.causal ? "bidirectional" : "causal") +
                       " models only; choose such a model or another encoding");
  dims_ = dims;
  dims_.positions = std::max(dims.positions, dims.trained);
  dims_.positions = positions(dims_);
  for (Part& p : parts_) p.encoding->build(dims_, parameters);
}

void Composition::settle(int longest) {
  for (Part& p : parts_) p.encoding->settle(longest);
}

std::vector<int> Composition::place(int tokens, int longest, Draws* draws) {
  for (Part& p : parts_)
    if (auto at = p.encoding->place(tokens, longest, draws); !at.empty()) return at;
  return {};
}

std::vector<int> Composition::couple(std::span<const int> digits, int tokens, Draws* draws) {
  for (Part& p : parts_)
    if (auto at = p.encoding->couple(digits, tokens, draws); !at.empty()) return at;
  return {};
}

int Composition::shift(Draws* draws) {
  int sum = 0;
  for (Part& p : parts_) sum += p.encoding->shift(draws);
  return sum;
}

bool Composition::counts_digits() const {
  return std::any_of(parts_.begin(), parts_.end(),
                     [](const Part& p) { return p.encoding->counts_digits(); });
}

void Composition::mask(Mask& m) {
  for (Part& p : parts_) p.encoding->mask(m);
}

void Composition::begin(const Positions& at) {
  check();
  for (Part& p : parts_) p.encoding->begin(at);
}

Var Composition::embed(const Var& x, std::span<const int> tokens, const Positions& at) {
  Var y = x;
  for (Part& p : parts_) y = p.encoding->embed(y, tokens, at);
  return y;
}

Var Composition::layer_input(const Var& x, int layer, const Positions& at) {
  Var y = x;
  for (Part& p : parts_) y = p.encoding->layer_input(y, layer, at);
  return y;
}

Var Composition::per_key(const Var& x, int layer) {
  for (Part& p : parts_)
    if (Var y = p.encoding->per_key(x, layer)) return y;
  return {};
}

// What an encoding makes of q comes before the factors, which are the modifiers'.
void Composition::scale_queries(Dots& d, const Attention& a) {
  for (const bool modifier : {false, true})
    for (Part& p : parts_)
      if ((p.entry->kind == Kind::modifier) == modifier) p.encoding->scale_queries(d, a);
}

void Composition::dots(Dots& d, const Attention& a) {
  for (Part& p : parts_) p.encoding->dots(d, a);
}

void Composition::scores(Scores& s, const Attention& a) {
  for (Part& p : parts_) p.encoding->scores(s, a);
}

Var Composition::last_layer(const Var& hidden, const Positions& at, const Block& run) {
  for (Part& p : parts_)
    if (Var y = p.encoding->last_layer(hidden, at, run)) return y;
  return {};
}

bool Composition::complex() const {
  return std::any_of(parts_.begin(), parts_.end(),
                     [](const Part& p) { return p.encoding->complex(); });
}

}  // namespace yonder
