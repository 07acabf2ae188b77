#include <algorithm>

#include "encodings/base/encoding.h"

// The hooks of a composition: each calls the components' hooks in order; those of a layer call only
// the components in that layer.
namespace yonder {

void Composition::check() const {
  for (const Component& p : components_) p.encoding->check();
}

int Composition::positions(const Dims& dims) {
  int most = std::max(dims.positions, dims.trained);
  for (Component& p : components_) most = std::max(most, p.encoding->positions(dims));
  return most;
}

bool Composition::monotonic() const {
  return std::all_of(components_.begin(), components_.end(),
                     [](const Component& p) { return p.encoding->monotonic(); });
}

void Composition::freeze_for_length(int longest) {
  for (Component& p : components_) p.encoding->freeze_for_length(longest);
}

std::vector<int> Composition::sample_positions(const Placing& wanted) {
  for (Component& p : components_)
    if (auto at = p.encoding->sample_positions(wanted); !at.empty()) return at;
  return {};
}

int Composition::placements() const {
  int most = 1;
  for (const Component& p : components_) most = std::max(most, p.encoding->placements());
  return most;
}

std::vector<int> Composition::positions_from_digits(std::span<const int> digits, int tokens,
                                                    RandomStream* draws) {
  for (Component& p : components_)
    if (auto at = p.encoding->positions_from_digits(digits, tokens, draws); !at.empty()) return at;
  return {};
}

int Composition::sample_digit_offset(RandomStream* draws) {
  int sum = 0;
  for (Component& p : components_) sum += p.encoding->sample_digit_offset(draws);
  return sum;
}

bool Composition::needs_digits() const {
  return std::any_of(components_.begin(), components_.end(),
                     [](const Component& p) { return p.encoding->needs_digits(); });
}

Mask Composition::mask_in(int layer) const {
  Mask m{.causal = dims_.causal};
  for (const Component& p : components_)
    if (p.in(layer)) p.encoding->mask(m);
  return m;
}

void Composition::begin(const Positions& at) {
  check();
  for (Component& p : components_) p.encoding->begin(at);
}

Var Composition::embed(const Var& x, std::span<const int> tokens, const Positions& at) {
  Var y = x;
  for (Component& p : components_) y = p.encoding->embed(y, tokens, at);
  return y;
}

Var Composition::layer_input(const Var& x, int layer, const Positions& at) {
  Var y = x;
  for (Component& p : components_)
    if (p.in(layer)) y = p.encoding->layer_input(y, layer, at);
  return y;
}

std::vector<Var> Composition::per_keys(const Var& x, int layer) {
  std::vector<Var> all;
  for (Component& p : components_)
    all.push_back(p.in(layer) ? p.encoding->per_key(x, layer) : Var());
  return all;
}

namespace {

// Calls f(encoding, call) for the components in the call's layer, modifiers last if `apart`.
template <class F>
void each_in_layer(std::vector<Composition::Component>& components, const Attention& call,
                   bool apart, F&& f) {
  Attention own = call;
  for (const bool modifier : {false, true})
    for (std::size_t n = 0; n < components.size(); ++n) {
      Composition::Component& p = components[n];
      if (!p.in(call.layer) || (apart && p.entry->kind == Kind::modifier) != modifier) continue;
      if (n < call.per_keys.size()) own.per_key = call.per_keys[n];
      f(*p.encoding, own);
    }
}

}  // namespace

void Composition::normed(Dots& d, const Attention& a) {
  each_in_layer(components_, a, false,
                [&d](Encoding& e, const Attention& own) { e.normed(d, own); });
}

// Modifiers come last: their factors apply to what other encodings make of q in this hook (pope).
void Composition::scale_queries(Dots& d, const Attention& a) {
  each_in_layer(components_, a, true,
                [&d](Encoding& e, const Attention& own) { e.scale_queries(d, own); });
}

void Composition::dots(Dots& d, const Attention& a) {
  each_in_layer(components_, a, false, [&d](Encoding& e, const Attention& own) { e.dots(d, own); });
}

// Modifiers come last, so they see the terms of all other encodings.
void Composition::scores(ScoreTerms& s, const Attention& a) {
  each_in_layer(components_, a, true,
                [&s](Encoding& e, const Attention& own) { e.scores(s, own); });
}

Var Composition::output(const Var& z, const Attention& a) {
  Var y = z;
  each_in_layer(components_, a, false,
                [&y](Encoding& e, const Attention& own) { y = e.output(y, own); });
  return y;
}

Var Composition::last_layer(const Var& hidden, const Positions& at, const Block& run) {
  for (Component& p : components_)
    if (!p.in(dims_.layers - 1)) continue;
    else if (Var y = p.encoding->last_layer(hidden, at, run)) return y;
  return {};
}

bool Composition::replaces_last_layer() const {
  return std::any_of(components_.begin(), components_.end(),
                     [](const Component& p) { return p.encoding->replaces_last_layer(); });
}

std::vector<double> Composition::frequencies(int longest) const {
  for (const Component& p : components_)
    if (auto w = p.encoding->frequencies(longest); !w.empty()) return w;
  return {};
}

bool Composition::complex() const {
  return std::any_of(components_.begin(), components_.end(),
                     [](const Component& p) { return p.encoding->complex(); });
}

}  // namespace yonder
