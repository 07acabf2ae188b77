#include "train/training/data_parallel.h"

#include "tests/support/catch.h"
#include "train/training/trainer.h"

using namespace yonder;
using Catch::Approx;

namespace {

RunConfig tiny(int shards) {
  RunConfig config{.encoding = "rope", .train_length = 6, .width = 16, .heads = 2, .layers = 1};
  config.batch = 10;
  config.shards = shards;
  return config;
}

std::vector<real> parameters_after(int steps, const RunConfig& config) {
  Trained run = prepare(config);
  Trainer trainer(run);
  for (int s = 1; s <= steps; ++s) trainer.step(s);
  std::vector<real> all;
  for (const auto& [name, var] : run.model->parameters().all())
    all.insert(all.end(), var.value().flat().begin(), var.value().flat().end());
  return all;
}

}  // namespace

TEST_CASE("a part of a batch has its own sequences, padded like the whole") {
  const Batch whole{.size = 3,
                    .extent = 2,
                    .tokens = {1, 2, 3, -1, 4, 5},
                    .targets = {2, -1, 3, -1, 5, 6},
                    .lengths = {2, 1, 2},
                    .digits = {0, 1, 0, -1, 7, 8}};
  const Batch part = part_of(whole, 1, 2);
  CHECK(part.size == 2);
  CHECK(part.extent == 2);
  CHECK(part.tokens == std::vector<int>{3, -1, 4, 5});
  CHECK(part.targets == std::vector<int>{3, -1, 5, 6});
  CHECK(part.lengths == std::vector<int>{1, 2});
  CHECK(part.digits == std::vector<int>{0, -1, 7, 8});
  CHECK(part.lag.empty());
}

TEST_CASE("a training in shards differs from one in whole batches only by rounding") {
  const std::vector<real> whole = parameters_after(3, tiny(1));
  for (int shards : {2, 3, 16}) {  // the last leaves six of them empty
    const std::vector<real> parts = parameters_after(3, tiny(shards));
    double most = 0;
    for (std::size_t i = 0; i < whole.size(); ++i)
      most = std::max(most, double(std::abs(parts[i] - whole[i])));
    CHECK(most > 0);
    // Adam divides by the root of tiny squares where a gradient is nearly 0.
    CHECK(most < 1e-9);
  }
}

TEST_CASE("the gradient of shards is weighted by their targets") {
  Parameters parameters(0);
  const Var w = parameters.make("w", {1}, Init::value(0));
  Shards shards(parameters, 2, Shards::Order::kept, {});
  const Batch batch{.size = 2,
                    .extent = 3,
                    .tokens = {0, 0, 0, 0, 0, 0},
                    .targets = {1, 1, 1, 1, -1, -1},
                    .lengths = {3, 3}};
  std::vector<double> weights;
  const double mean = shards.gradient(batch, [&](const Batch& part, double weight) {
    const real value = part.targets[1] < 0 ? 8 : 4;
    weights.push_back(weight);
    w.grad()[0] += real(weight) * value;
    return double(value);
  });
  CHECK(weights == std::vector<double>{0.75, 0.25});
  CHECK(mean == Approx(5));
  CHECK(w.grad()[0] == Approx(5));
}
