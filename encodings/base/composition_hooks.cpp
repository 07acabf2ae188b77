#include <algorithm>

#include "encodings/base/encoding.h"

// What a composition does in a model: every hook goes to its parts, in their order, and to those of
// a layer where it is one layer's.
namespace yonder {

void Composition::check() const {
  for (const Part& p : parts_) p.encoding->check();
}

int Composition::positions(const Dims& dims) {
  int most = std::max(dims.positions, dims.trained);
  for (Part& p : parts_) most = std::max(most, p.encoding->positions(dims));
  return most;
}

bool Composition::rising() const {
  return std::all_of(parts_.begin(), parts_.end(),
                     [](const Part& p) { return p.encoding->rising(); });
}

void Composition::settle(int longest) {
  for (Part& p : parts_) p.encoding->settle(longest);
}

std::vector<int> Composition::place(const Placing& wanted) {
  for (Part& p : parts_)
    if (auto at = p.encoding->place(wanted); !at.empty()) return at;
  return {};
}

int Composition::placements() const {
  int most = 1;
  for (const Part& p : parts_) most = std::max(most, p.encoding->placements());
  return most;
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

Mask Composition::mask_in(int layer) const {
  Mask m{.causal = dims_.causal};
  for (const Part& p : parts_)
    if (p.in(layer)) p.encoding->mask(m);
  return m;
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
  for (Part& p : parts_)
    if (p.in(layer)) y = p.encoding->layer_input(y, layer, at);
  return y;
}

Var Composition::per_key(const Var& x, int layer) {
  for (Part& p : parts_)
    if (!p.in(layer)) continue;
    else if (Var y = p.encoding->per_key(x, layer)) return y;
  return {};
}

// What an encoding makes of q comes before the factors, which are the modifiers'.
void Composition::scale_queries(Dots& d, const Attention& a) {
  for (const bool modifier : {false, true})
    for (Part& p : parts_)
      if (p.in(a.layer) && (p.entry->kind == Kind::modifier) == modifier)
        p.encoding->scale_queries(d, a);
}

void Composition::dots(Dots& d, const Attention& a) {
  for (Part& p : parts_)
    if (p.in(a.layer)) p.encoding->dots(d, a);
}

// Modifiers find all that the others have put there.
void Composition::scores(Scores& s, const Attention& a) {
  for (const bool modifier : {false, true})
    for (Part& p : parts_)
      if (p.in(a.layer) && (p.entry->kind == Kind::modifier) == modifier) p.encoding->scores(s, a);
}

Var Composition::last_layer(const Var& hidden, const Positions& at, const Block& run) {
  for (Part& p : parts_)
    if (!p.in(dims_.layers - 1)) continue;
    else if (Var y = p.encoding->last_layer(hidden, at, run)) return y;
  return {};
}

std::vector<double> Composition::frequencies(int longest) const {
  for (const Part& p : parts_)
    if (auto w = p.encoding->frequencies(longest); !w.empty()) return w;
  return {};
}

bool Composition::complex() const {
  return std::any_of(parts_.begin(), parts_.end(),
                     [](const Part& p) { return p.encoding->complex(); });
}

}  // namespace yonder
