#include "core/attention/row_state.h"

namespace yonder::fused {

Carried::Carried(const QueryTile& queries, Workspace& memory) {
  if (!queries.call.scores.contextual.empty()) contextual.emplace(queries, memory);
  if (queries.call.gates) gates.emplace(queries, memory);
  if (queries.call.scores.weights != Weights::softmax) stick_breaking.emplace(memory);
}

std::size_t Carried::reals(const AttentionCall& call) {
  return (call.scores.contextual.empty() ? 0 : Contextual::reals(call)) +
         (call.gates ? Gates::reals() : 0) +
         (call.scores.weights == Weights::softmax ? 0 : StickBreaking::reals());
}

void Carried::scores(const TilePair& pair, Square s, Square spare) {
  pair.dot_products(s, spare);
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
