#include "core/attention/row_state.h"

namespace yonder::fused {

Carried::Carried(const QueryTile& queries, Workspace& memory) {
  if (!queries.plan.scores.contextual.empty()) contextual.emplace(queries, memory);
  if (queries.plan.gates) gates.emplace(queries, memory);
  if (queries.plan.scores.weights != Weights::softmax) sticks.emplace(memory);
}

std::size_t Carried::reals(const Plan& plan) {
  return (plan.scores.contextual.empty() ? 0 : Contextual::reals(plan)) +
         (plan.gates ? Gates::reals() : 0) +
         (plan.scores.weights == Weights::softmax ? 0 : Sticks::reals());
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
