// Training with bf16 factors of matrix products.
#include <cmath>

#include "core/simd/bf16.h"
#include "core/simd/matmul.h"
#include "tests/support/catch.h"
#include "tests/support/models.h"
#include "tests/support/tensors.h"
#include "train/training/trainer.h"

using namespace yonder;

namespace {

// A and B of small integers and one that bf16 cannot represent: 257 is rounded to 256.
Tensor product(Precision precision) {
  const Tensor a({2, 3}), b({3, 2}), c({2, 2});
  for (int i = 0; i < 6; ++i) a[i] = real(i), b[i] = real(6 - i);
  a[0] = 257;
  const WithPrecision scope(precision);
  matmul({2, 2, 3, {a.data.get(), 3}, {b.data.get(), 2}, c.data.get(), 2});
  return c;
}

RunConfig configured(const std::string& encoding, const std::string& precision, int seed) {
  RunConfig config{.task = "reverse", .encoding = encoding, .train_length = 12};
  config.width = 32, config.heads = 2, config.layers = 2;
  config.steps = 300, config.batch = 32, config.lr = 2e-3, config.warmup = 30;
  config.precision = precision, config.seed = seed;
  return config;
}

// The losses of a training, each the mean of 50 steps.
std::vector<double> losses(const RunConfig& config) {
  Trained run = prepare(config);
  Trainer trainer(run);
  std::vector<double> means(std::size_t(config.steps / 50));
  for (int s = 1; s <= config.steps; ++s)
    means[std::size_t(s - 1) / 50] += trainer.step(s).loss / 50;
  return means;
}

}  // namespace

TEST_CASE("bf16 rounds the factors of a product and nothing else") {
  const bf16::WithUnit loops(bf16::Unit::loops);
  const Tensor exact = product(Precision::f32), rounded = product(Precision::bf16);
  CHECK(exact[0] == 257 * 6 + 1 * 4 + 2 * 2);
  CHECK(rounded[0] == 256 * 6 + 1 * 4 + 2 * 2);
  CHECK(rounded[2] == exact[2]);
}

TEST_CASE("bf16 uses the processor's own unit, or is refused in a sentence") {
  try {
    const Precision bf16 = precision_named("bf16");
    const Tensor own = product(bf16);
    const bf16::WithUnit loops(bf16::Unit::loops);
    const Tensor wanted = product(bf16);
    for (int i = 0; i < 4; ++i) CHECK(own[i] == wanted[i]);
  } catch (const UsageError& e) {
    CHECK(std::string(e.what()).find("keep --precision f32") != std::string::npos);
    CHECK_THROWS_AS(losses(configured("rope", "bf16", 0)), UsageError);
  }
}

TEST_CASE("losses of bf16 stay as near to those of f32 as another seed's", "[slow]") {
  for (const char* encoding : {"rope", "t5", "deberta"}) {
    INFO(encoding);
    const auto f32 = losses(configured(encoding, "f32", 0));
    std::vector<double> spread(f32.size()), off(f32.size());
    for (int seed = 1; seed <= 3; ++seed) {
      const auto other = losses(configured(encoding, "f32", seed));
      for (std::size_t i = 0; i < f32.size(); ++i)
        spread[i] = std::max(spread[i], std::abs(other[i] - f32[i]));
    }
    const bf16::WithUnit loops(bf16::Unit::loops);
    const auto bf16 = losses(configured(encoding, "bf16", 0));
    for (std::size_t i = 0; i < f32.size(); ++i) {
      off[i] = std::abs(bf16[i] - f32[i]);
      INFO("steps to " << 50 * (i + 1) << ": " << bf16[i] << ", in f32 " << f32[i]);
      CHECK(off[i] < spread[i] + 1e-3);
    }
  }
}
