// The encoding of README.md's tutorial, built from the text of the page.
#include <cstdlib>

#include "core/ops/ops.h"
#include "tests/support/catch.h"
#include "tests/support/gradcheck.h"
#include "tests/support/models.h"

using namespace yonder;

TEST_CASE("the README's encoding is registered and has correct flags and gradients") {
  const OneThread small;
  CHECK(entry("gauss").title == "A Gaussian bias");
  for (const bool causal : {true, false}) {
    Dims dims = tiny_dims();
    dims.causal = causal;
    Transformer model = Served{"gauss", dims, {}}.model();
    CHECK(model.parameters().find("encoding.gauss.steepness").dim(0) == dims.heads);
    const std::vector<int> tokens = some_tokens(22), targets = some_tokens(22, "targets");
    const Placed at(model.encoding(), {.batch = 2, .tokens = 11, .lengths = {11, 11}});
    const Worst worst =
        check_gradients([&] { return cross_entropy(model.logits(tokens, at), targets); },
                        model.parameters().all(), 3);
    INFO(worst.where);
    CHECK(worst.error < 1e-6);
  }
  Composition composed("gauss+logn");
  composed.set("gauss.reach", "32");
  CHECK_THROWS_AS(composed.set("gauss.reach", "0"), UsageError);
}
