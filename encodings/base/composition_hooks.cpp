#include <algorithm>

#include "encodings/base/encoding.h"

// What a composition does in a model: every hook goes to its components, in their order, and to
// those of a layer where it is one layer's.
namespace yonder {

void Composition::check() const {
  for (const Component& p : components_) p.encoding->check();
}

int Composition::positions(const Dims& dims) {
  int most = std::max(dims.positions, dims.trained);
  for (Component& p : components_) most = std::max(most, p.encoding->positions(dims));
  return most;
}

bool Composition::rising() const {
  return std::all_of(components_.begin(), components_.end(),
                     [](const Component& p) { return p.encoding->rising(); });
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

Var Composition::per_key(const Var& x, int layer) {
  for (Component& p : components_)
    if (!p.in(layer)) continue;
    else if (Var y = p.encoding->per_key(x, layer)) return y;
  return {};
}

// What an encoding makes of q comes before the factors, which are the modifiers'.
void Composition::scale_queries(Dots& d, const Attention& a) {
  for (const bool modifier : {false, true})
    for (Component& p : components_)
      if (p.in(a.layer) && (p.entry->kind == Kind::modifier) == modifier)
        p.encoding->scale_queries(d, a);
}

void Composition::dots(Dots& d, const Attention& a) {
  for (Component& p : components_)
    if (p.in(a.layer)) p.encoding->dots(d, a);
}

// Modifiers find all that the others have put there.
void Composition::scores(ScoreTerms& s, const Attention& a) {
  for (const bool modifier : {false, true})
    for (Component& p : components_)
      if (p.in(a.layer) && (p.entry->kind == Kind::modifier) == modifier) p.encoding->scores(s, a);
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
