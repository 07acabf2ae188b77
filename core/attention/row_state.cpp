#include "core/attention/row_state.h"

namespace yonder::fused {

PackedProducts::PackedProducts(const AttentionCall& call) {
  if (call.dots.log_decay) decay.emplace(call);
  if (call.dots.path.w) path.emplace(call);
}

Carried::Carried(const QueryTile& queries, const PackedProducts& packed, Workspace& memory) {
  if (packed.decay) decay.emplace(queries, *packed.decay, memory);
  if (packed.path) path.emplace(queries, *packed.path, memory);
  if (!queries.call.scores.contextual.empty()) contextual.emplace(queries, memory);
  if (queries.call.gates) gates.emplace(queries, memory);
  if (breaks_sticks(queries.call.scores.weights)) stick_breaking.emplace(memory);
  if (queries.call.scores.weights == Weights::entmax) entmax.emplace(queries.call.scores.alpha);
}

std::size_t Carried::reals(const AttentionCall& call) {
  return (call.scores.contextual.empty() ? 0 : Contextual::reals(call)) +
         (call.gates ? Gates::reals() : 0) + (call.dots.log_decay ? Decay::reals(call) : 0) +
         (call.dots.path.w ? Path::reals(call) : 0) +
         (breaks_sticks(call.scores.weights) ? StickBreaking::reals() : 0);
}

void Carried::scores(const TilePair& pair, Square s, Square spare) {
  if (decay) decay->dot_products(pair, s);
  else if (path) path->dot_products(pair, s);
  else pair.dot_products(s, spare);
  if ((decay || path) && pair.tables.f) relative(pair.call).stretch(pair, s);
  if (contextual) {
    pair.hide(s);
    contextual->walk(pair, s);
    contextual->add_scores(pair, s);
  }
  pair.add_terms(s);
  if (gates) gates->add_scores(pair, s);
  pair.hide(s);
}

}  // namespace yonder::fused
