#include "core/ops/ops.h"
#include "tests/support/catch.h"
#include "tests/support/models.h"

using namespace yonder;

namespace {

// Logits, loss and all gradients of one step, concatenated.
std::vector<real> step(const Served& kind, const Sequences& s) {
  Transformer model = kind.model();
  const Placed at(model.encoding(), s.pass);
  Tape tape;
  const Var logits = model.logits(s.tokens, at);
  const Var loss = cross_entropy(logits, s.targets);
  std::vector<real> all(logits.value().flat().begin(), logits.value().flat().end());
  all.push_back(loss.value()[0]);
  tape.backward(loss);
  for (const auto& [name, var] : model.parameters().all())
    all.insert(all.end(), var.grad().flat().begin(), var.grad().flat().end());
  return all;
}

}  // namespace

TEST_CASE("logits and gradients are bit-identical for any number of threads", "[slow]") {
  const int before = threads();
  for (Served kind : served()) {
    INFO(kind.name());
    kind.dims.width = 32;
    kind.dims.trained = 96;
    // One tile of everything, and several: 2·96 rows, a sequence that ends within a tile.
    for (const Sequences& s : {Sequences(7, 5), Sequences(96, 70)}) {
      set_threads(1);
      const std::vector<real> one = step(kind, s);
      for (const int n : {2, 3, 4, 8}) {
        INFO(n << " threads");
        set_threads(n);
        CHECK(difference(step(kind, s), one) == 0);
      }
    }
  }
  set_threads(before);
}
