#include <catch2/catch.hpp>
#include <cmath>

#include "datasets.h"
#include "models/transformer.h"
#include "train/pass.h"

using namespace yonder;

namespace {

// One training pass of an encoding over additions of up to 5 digits at `coupled` positions.
Tensor logits(const std::string& encoding, const std::string& coupled) {
  const auto task = prepared("addition", {{"coupled", coupled}}, 5);
  const Batch batch = task->test({.length = 5}, 0, 4);
  const Dims dims{.vocabulary = task->vocabulary(),
                  .width = 16,
                  .heads = 2,
                  .layers = 1,
                  .mlp = 16,
                  .trained = task->tokens(5)};
  Transformer model(dims, std::make_unique<Composition>(encoding), 3);
  Draws draws(Random(1, "positions"));
  const Placed at(model.encoding(), pass_of(batch, dims.trained, &draws));
  return model.logits(batch.tokens, at).value();
}

}  // namespace

TEST_CASE("positions that a task gives go with every encoding but those that draw their own") {
  for (const Entry& e : registry()) {
    if (e.serves == Serves::bidirectional_only) continue;
    INFO(e.name);
    if (e.name == "random" || e.name == "offset" || e.name == "pose") {
      CHECK_THROWS_WITH(logits(e.name, "19"),
                        e.name +
                            ": it draws positions, and the task gives its own; leave one of "
                            "them away");
      continue;
    }
    const Tensor given = logits(e.name, "19");
    bool finite = true;
    for (real x : given.flat()) finite = finite && std::isfinite(x);
    CHECK(finite);
  }
}

TEST_CASE("a learned table holds as many coupled positions as training has tokens") {
  CHECK_NOTHROW(logits("learned", "19"));  // 3·5 + 4
  CHECK_THROWS_WITH(logits("learned", "200"), Catch::Contains("beyond the table of 19"));
}
