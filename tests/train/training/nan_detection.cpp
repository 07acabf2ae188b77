#include <cmath>

#include "core/error.h"
#include "core/ops/ops.h"
#include "tests/support/attention_cases.h"
#include "tests/support/binary.h"
#include "tests/support/catch.h"
#include "tests/support/encodings.h"
#include "tests/support/task_for.h"
#include "train/training/adamw.h"
#include "train/training/trainer.h"

using namespace yonder;
using Catch::Approx;
using Catch::Matchers::ContainsSubstring;

namespace {

constexpr real not_a_number = std::numeric_limits<real>::quiet_NaN();

RunConfig config_of(const std::string& encoding) {
  return {.encoding = encoding,
          .train_length = 4,
          .width = 16,
          .heads = 2,
          .layers = 2,
          .batch = 4,
          .warmup = 0,
          .threads = 1};
}

// The error of step 3 after `change`, if the first two steps succeed.
std::string third_step(RunConfig config, const std::function<void(Trained&)>& change) {
  Trained run = prepare(config);
  Trainer trainer(run);
  for (int s = 1; s <= 2; ++s) trainer.step(s);
  change(run);
  try {
    trainer.step(3);
  } catch (const DivergedError& e) { return e.what(); }
  return "";
}

void spoil(Trained& run, const std::string& name) {
  run.model->parameters().find(name).value()[0] = not_a_number;
}

}  // namespace

TEST_CASE("a NaN loss is caught in its step") {
  CHECK_THAT(third_step(config_of("rope"), [](Trained& r) { spoil(r, "norm.weight"); }),
             ContainsSubstring("diverged at step 3, where the loss is not finite"));
}

TEST_CASE("a NaN parameter is caught in its step, by name") {
  Trained run = prepare(config_of("learned"));
  Trainer trainer(run);
  trainer.step(1);
  // A row that no batch reaches: neither the loss nor a gradient shows it.
  const Tensor table = run.model->parameters().find("encoding.learned.table").value();
  table[table.size() - 1] = not_a_number;
  CHECK_THROWS_WITH(trainer.step(2),
                    ContainsSubstring("diverged at step 2, where encoding.learned.table"));
}

TEST_CASE("a non-finite gradient is caught by name before it changes a parameter") {
  RunConfig config = config_of("none");
  Trained run = prepare(config);
  Trainer trainer(run);
  trainer.step(1);
  // The weight is finite and its square is not: the backward pass through the norm overflows.
  const Tensor up = run.model->parameters().find("blocks.1.mlp.up.weight").value();
  const real huge = std::numeric_limits<real>::max();
  run.model->parameters().find("head.weight").value()[0] = huge;
  const Tensor before = up.view(up.shape);
  const std::vector<real> kept(before.flat().begin(), before.flat().end());
  std::string said;
  try {
    trainer.step(2);
  } catch (const DivergedError& e) { said = e.what(); }
  INFO(said);
  CHECK_THAT(said, ContainsSubstring("diverged at step 2, where "));
  CHECK(std::equal(kept.begin(), kept.end(), up.flat().begin()));
}

TEST_CASE("all_finite detects a single NaN or infinity, wherever it is") {
  Parameters parameters(1);
  parameters.make("a", {40000}, Init::std(1));
  parameters.make("b", {7}, Init::std(1));
  CHECK(all_finite(parameters));
  for (const auto& [name, i] : {std::pair{"a", 0}, {"a", 16383}, {"a", 39999}, {"b", 6}})
    for (const real bad : {not_a_number, std::numeric_limits<real>::infinity(),
                           -std::numeric_limits<real>::infinity()}) {
      real& x = parameters.find(name).value()[i];
      const real before = std::exchange(x, bad);
      CHECK_FALSE(all_finite(parameters));
      x = before;
    }
  parameters.find("b").value()[0] = std::numeric_limits<real>::max();
  CHECK(all_finite(parameters));
}

TEST_CASE("a watched tape names the first operation with a non-finite result") {
  const Var x = Var::parameter(filled({4}, 200));
  Tape tape(Tape::Watch::finite);
  const Var fine = real(2) * x;
  CHECK_THROWS_WITH(exp(fine), "the result of exp (core/ops/elementwise.cpp)");
  CHECK_THROWS_WITH(real(1) * Var(filled({4}, not_a_number)),
                    ContainsSubstring("the result of operator*"));
}

TEST_CASE("a watched tape names the first operation with a non-finite gradient") {
  const Var x = Var::parameter(filled({4}, 1));
  Tape tape(Tape::Watch::finite);
  const Var y = sum(real(1e30) * (real(1e30) * (real(1e-30) * x)));
  CHECK_THROWS_WITH(tape.backward(y),
                    ContainsSubstring("a gradient of operator* (core/ops/elementwise.cpp)"));
}

TEST_CASE("anomaly detection changes no bit of a finite training, whatever the encoding") {
  for (const Entry& e : registry()) {
    INFO(e.name);
    RunConfig config = config_of(e.name);
    config.task = task_for(e, config.task);
    config.bidirectional = e.serves == Serves::bidirectional_only;
    auto losses = [&] {
      Trained run = prepare(config);
      Trainer trainer(run);
      std::vector<double> all;
      for (int s = 1; s <= 3; ++s) all.push_back(trainer.step(s).loss);
      return all;
    };
    const auto plain = losses();
    config.detect_anomaly = true;
    CHECK(losses() == plain);
  }
}

TEST_CASE("train --detect-anomaly names the first operation with a non-finite result") {
  const Folder folder;
  const Ran ran = yonder_run(
      "train --task copy --train-length 4 --width 16 --heads 2 --layers 1 --batch 4 --encoding "
      "none "
      "--steps 50 --warmup 0 --lr 1e30 --quiet --detect-anomaly --out " +
      (folder / "run"));
  CHECK(ran.code == 4);
  INFO(ran.err);
  CHECK_THAT(ran.err, ContainsSubstring("diverged at step 2, where the result of ") &&
                          ContainsSubstring("core/"));
}

TEST_CASE("attention stays finite if scores are beyond the range of exp") {
  cases::Operands x({.terms = cases::c, .B = 1, .Tq = 70, .Tk = 70, .H = 1});
  for (const Var& v : {x.call.dots.q, x.call.dots.k})
    for (real& element : v.value().flat()) element *= 3000;  // scores of about 10^7
  const auto [z, operands] = x.compute();
  for (const real value : z.flat()) REQUIRE(std::isfinite(value));
  for (const auto& [name, operand] : operands)
    if (operand)
      for (const real g : operand.grad().flat()) REQUIRE(std::isfinite(g));
}

TEST_CASE("log n of a sequence of one token is 0, and its pass is finite") {
  RunConfig config = config_of("logn");
  Trained run = prepare(config);
  const Placed at(run.model->encoding(), {.tokens = 1, .longest = 1});
  const Var logits = run.model->logits(std::vector<int>{1}, at);
  for (const real x : logits.value().flat()) CHECK(std::isfinite(x));
  Built b("logn", wide(16, 2, 16));
  CHECK(b.call(Sequence({0})).dots.row[0] == 0);
}

TEST_CASE("angles are computed in double: rope at 64k rotates as at 0") {
  Built b("rope", wide(16, 2, 16));
  const Tensor q = normal({1, 9, 2, 8}, "q"), k = normal({1, 9, 2, 8}, "k");
  const auto here = b.call(Sequence(range(0, 9)), q, k);
  const auto there = b.call(Sequence(range(65527, 9)), q, k);
  // Products of a few units: float rounding alone. Angles in float would be off by 4e-3.
  for (int i = 0; i < 9; ++i)
    for (int j = 0; j <= i; ++j)
      CHECK(there.score(0, i, j) == Approx(here.score(0, i, j)).margin(5e-6));
}

TEST_CASE("xPos is accurate at 64k: factors far from the middle have the same products") {
  Built b("xpos", wide(16, 2, 16));
  const int T = 65536;
  Tensor q({1, T, 2, 8}), k({1, T, 2, 8});
  const Tensor few = normal({9, 2, 8}, "few");
  for (int first : {0, T - 9})
    for (int i = 0; i < 9 * 16; ++i)
      q[first * 16 + i] = few[i], k[first * 16 + i] = few[9 * 16 - 1 - i];
  const auto far = b.call(Sequence(range(0, T)), q, k);
  for (const Var& x : {far.dots.q, far.dots.k})
    for (const real v : x.value().flat()) REQUIRE(std::isfinite(v));
  Tensor near_q({1, 9, 2, 8}), near_k({1, 9, 2, 8});
  std::copy_n(q.data.get(), 9 * 16, near_q.data.get());
  std::copy_n(k.data.get(), 9 * 16, near_k.data.get());
  const auto near = b.call(Sequence(range(0, 9)), near_q, near_k);
  for (int first : {0, T - 9})
    for (int i = 0; i < 9; ++i)
      for (int j = 0; j <= i; ++j)
        CHECK(far.score(0, first + i, first + j) == Approx(near.score(0, i, j)).margin(1e-5));
}
