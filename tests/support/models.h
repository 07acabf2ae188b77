#pragma once
#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/parallel.h"
#include "models/served.h"

/// \file
/// Small models for tests.
namespace yonder {

/// Limits the program to one thread while in scope: small work would only wait for other threads.
struct OneThread {
  int before = threads();
  OneThread() { set_threads(1); }
  ~OneThread() { set_threads(before); }
};

/// Dimensions small enough to check every value: d = 4, N = 8.
inline Dims tiny_dims() {
  return {.vocabulary = 7,
          .width = 8,
          .heads = 2,
          .layers = 2,
          .mlp = 12,
          .trained = 8,
          .causal = true};
}

/// Every registered encoding with its defaults, causal and bidirectional as far as it allows.
inline std::vector<Served> served() {
  std::vector<Served> all;
  for (const Entry& e : registry())
    for (const Serves direction : {Serves::causal_only, Serves::bidirectional_only}) {
      Dims dims = tiny_dims();
      dims.causal = direction == Serves::causal_only;
      const bool fits = e.serves == Serves::both || e.serves == direction;
      if (fits) all.push_back({e.name, dims, {}});
    }
  return all;
}

/// Every registered encoding with one training option changed: a switch flipped, another of its
/// choices, or 2 for a number whose default is 0. Only those that fit the model.
inline std::vector<Served> served_in_other_forms() {
  std::vector<Served> all;
  for (const Served& plain : served()) {
    const auto encoding = entry(plain.encoding).make();
    for (const Option& o : encoding->options()) {
      if (o.inference_time) continue;
      std::vector<Value> others(o.choices.begin(), o.choices.end());
      const Value now = value_of(o);
      if (const bool* on = std::get_if<bool>(&now)) others = {!*on};
      else if (text_of(now) == "auto") others = {true, false};
      else if (text_of(now) == "0") others = {std::int64_t(2)};
      for (const Value& value : others) {
        Served kind = plain;
        kind.settings = {{{plain.encoding, {}, o.name}, value}};
        const bool another = text_of(value) != text_of(now);  // may not be allowed in such a model
        if (another && !why_refused([&] { kind.model(); })) all.push_back(kind);
      }
    }
  }
  return all;
}

/// The encoding that an extension of `e` is applied to: `e`, or none (logn.when).
inline std::string extended(const Entry& e, const Override& extension) {
  const auto encoding = e.make();
  return find(encoding->options(), extension.key.name)->inference_time ? e.name : "none";
}

/// Whether a composition is allowed.
inline bool composes(const std::string& names) {
  return !why_refused([&] { Composition{names}; });
}

/// Blocks that together have each value of each axis, except the plain one.
inline std::vector<BlockDesign> designs() {
  std::vector<BlockDesign> all{
      {.loops = 3}, {.place = NormPlace::post, .act = Activation::relu2, .bias = Biased::qkv}};
  for (const char* name : {"gpt2", "neox", "llama", "gemma"})
    all.push_back(BlockDesign::named(name));
  all.back().kv_heads = 1;
  all.push_back({.place = NormPlace::post,
                 .act = Activation::swiglu,
                 .kv_heads = 1,
                 .bias = Biased::all,
                 .loops = 2});
  return all;
}

/// Models with an encoding of each kind in all of these blocks.
inline std::vector<Served> served_in_other_blocks() {
  std::vector<Served> all;
  for (const BlockDesign& block : designs())
    for (const char* encoding : {"none", "rope", "learned", "alibi+logn", "shaw", "fox"})
      for (const bool causal : {true, false}) {
        Dims dims = tiny_dims();
        dims.causal = causal, dims.block = block;
        if (causal || std::string(encoding) != "fox") all.push_back({encoding, dims, {}});
      }
  return all;
}

/// served(), and each of them with every modifier that it composes with and with every extension
/// for longer inputs; and some in other blocks.
inline std::vector<Served> served_in_all_ways() {
  std::vector<Served> all = served();
  for (const Served& plain : served()) {
    const Entry& e = entry(plain.encoding);
    for (const Override& extension : e.extensions)
      if (const Served kind{extended(e, extension), plain.dims, {extension}};
          kind.takes_extension())
        all.push_back(kind);
    for (const Entry& modifier : registry())
      if (const std::string both = e.name + "+" + modifier.name;
          modifier.kind == Kind::modifier && e.kind != Kind::modifier &&
          (plain.dims.causal || modifier.serves == Serves::both) && composes(both))
        all.push_back({both, plain.dims, {}});
    // Extensions with several options.
    if (plain.encoding != "rope") continue;
    all.push_back({"rope",
                   plain.dims,
                   {{"rope.scaling", "longrope"}, {"rope.factors", "1,2.5"}, {"rope.keep", 3}}});
    all.push_back({"rope", plain.dims, {{"rope.base", 500}, {"rope.scaling", "yarn"}}});
  }
  for (const Served& other : served_in_other_blocks()) all.push_back(other);
  return all;
}

/// Random tokens [B·T] from a vocabulary of 7.
inline std::vector<int> some_tokens(int count, const std::string& stream = "tokens") {
  RandomStream draws(Random(3, stream));
  std::vector<int> tokens(static_cast<std::size_t>(count));
  for (int& t : tokens) t = draws.below(tiny_dims().vocabulary);
  return tokens;
}

/// A pass and its tokens: two sequences of `extent` tokens, the second padded after `second`.
struct Sequences {
  Pass pass;
  std::vector<int> tokens, targets;

  Sequences(int extent, int second)
      : pass{.batch = 2, .tokens = extent, .lengths = {extent, second}},
        tokens(some_tokens(2 * extent)),
        targets(some_tokens(2 * extent, "targets")) {
    for (int t = second; t < extent; ++t) tokens[extent + t] = targets[extent + t] = -1;
    targets[0] = -1;  // not every position needs a target
  }
};

/// Returns the logits of a pass, or nothing if the encoding is undefined for its positions.
inline std::optional<Tensor> logits_where_defined(Transformer& model, std::span<const int> tokens,
                                                  const Pass& pass) {
  try {
    const Placed at(model.encoding(), pass);
    return model.logits(tokens, at).value();
  } catch (const UsageError&) { return {}; }
}

/// Returns the largest |a − b|; infinite if one of them is NaN or the sizes differ.
inline double difference(std::span<const real> a, std::span<const real> b) {
  double most = a.size() == b.size() ? 0 : INFINITY;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    const double d = std::abs(double(a[i]) - double(b[i]));
    most = std::isnan(d) ? INFINITY : std::max(most, d);
  }
  return most;
}

/// Logits of token t of sequence b.
inline std::span<const real> row(const Tensor& logits, int b, int t) {
  const std::size_t V = std::size_t(logits.dim(2));
  return logits.flat().subspan((std::size_t(b) * std::size_t(logits.dim(1)) + std::size_t(t)) * V,
                               V);
}

}  // namespace yonder
