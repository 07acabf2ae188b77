// Every encoding of the registry trains: the loss falls within 50 steps, and a copy of up to four
// symbols is learned within 3000.
#include <numeric>

#include "core/tensor_pool.h"
#include "tests/support/binary.h"
#include "tests/support/catch.h"
#include "tests/support/models.h"
#include "tests/support/task_for.h"
#include "train/training/session.h"
#include "train/training/trainer.h"

using namespace yonder;

namespace {

// A modifier needs an encoding to modify.
std::string trained_name(const Entry& e) {
  return e.kind == Kind::modifier ? "rope+" + e.name : e.name;
}

RunConfig copying(const Entry& e, int steps) {
  const std::string task = task_for(e);
  return {.task = task,
          .encoding = trained_name(e),
          .options = {{task == "copy" ? "copy.alphabet" : task + ".noise", "8"}},
          .train_length = 4,
          .width = 64,
          .heads = 4,
          .layers = 2,
          .steps = steps,
          .batch = 32,
          .lr = 3e-3,
          .warmup = 40};
}

// The step, a multiple of 250, at which 99 % of the answer's tokens are right; past `steps`: never.
int learned_at(const Entry& e, int steps) {
  Trained run = prepare(copying(e, steps));
  Trainer trainer(run);
  for (int s = 1; s <= steps; ++s) {
    trainer.step(s);
    if (s % 250 == 0 && evaluate(run, {.lengths = {4}, .examples = 500})[0].token_accuracy >= 0.99)
      return s;
  }
  return steps + 1;
}

void all_learn(Kind kind) {
  const OneThread alone;
  for (const Entry& e : registry()) {
    if (e.kind != kind) continue;
    const int at = learned_at(e, 3000);
    INFO(trained_name(e) << " at step " << at);
    CHECK(at <= 3000);
  }
}

void all_fit_at_16384(Kind kind) {
  const Folder folder;
  std::string text;
  for (int i = 0; text.size() < 400'000; ++i) text += std::to_string(i * 7) + "\n";
  put(folder / "text", text);
  for (const Entry& e : registry()) {
    if (e.kind != kind || task_for(e, "text") != "text") continue;
    Trained run = prepare({.task = "text",
                           .encoding = trained_name(e),
                           .options = {{"text.path", folder / "text"}},
                           .train_length = 128,
                           .width = 64,
                           .heads = 2,
                           .layers = 2});
    pool::reset_peak();
    EvalRow row = evaluate(run, {.lengths = {16384}, .examples = 1})[0];
    for (const Override& s : e.extensions) {  // those that end at N may be extended
      if (row.status == Status::ok) break;
      run.model->encoding().set_at_inference(s.key, s.value);
      row = evaluate(run, {.lengths = {16384}, .examples = 1})[0];
    }
    INFO(trained_name(e) << " " << pool::peak_bytes());
    CHECK(row.problem == "");
    CHECK(row.loss > 0);
    CHECK(pool::peak_bytes() < 250'000'000);  // a row of scores for each token: 1 GB
  }
}

}  // namespace

TEST_CASE("the loss of every encoding falls within 50 steps") {
  const OneThread alone;
  for (const Entry& e : registry()) {
    Trained run = prepare(copying(e, 50));
    Trainer trainer(run);
    std::vector<double> loss;
    for (int s = 1; s <= 50; ++s) loss.push_back(trainer.step(s).loss);
    const double first = std::accumulate(loss.begin(), loss.begin() + 5, 0.) / 5;
    const double last = std::accumulate(loss.end() - 5, loss.end(), 0.) / 5;
    INFO(trained_name(e) << " from " << first << " to " << last);
    CHECK(last < 0.9 * first);
  }
}

TEST_CASE("without positions a causal model learns to copy", "[slow]") { all_learn(Kind::none); }
TEST_CASE("every absolute encoding learns to copy", "[slow]") { all_learn(Kind::absolute); }
TEST_CASE("every relative encoding learns to copy", "[slow]") { all_learn(Kind::relative); }
TEST_CASE("every bias learns to copy", "[slow]") { all_learn(Kind::bias); }
TEST_CASE("every rotary encoding learns to copy", "[slow]") { all_learn(Kind::rotary); }
TEST_CASE("rope learns to copy with every modifier", "[slow]") { all_learn(Kind::modifier); }

TEST_CASE("where copying is learned, a head attends to the token to be copied", "[slow]") {
  Trained run = prepare(copying(entry("rope"), 1500));
  Trainer trainer(run);
  for (int s = 1; s <= 1500; ++s) trainer.step(s);
  const EvalRow row = evaluate(run, {.lengths = {4}, .examples = 500, .attention = true})[0];
  CHECK(row.exact_match >= 0.99);
  double most = 0;
  for (const auto& heads : row.attention)
    for (const HeadSums& head : heads) most = std::max(most, head.told / double(head.told_rows));
  CHECK(most >= 0.7);
}

TEST_CASE("16384 tokens fit into 1 GB with no or absolute positions", "[slow]") {
  all_fit_at_16384(Kind::none);
  all_fit_at_16384(Kind::absolute);
}
TEST_CASE("16384 tokens fit into 1 GB with relative terms", "[slow]") {
  all_fit_at_16384(Kind::relative);
}
TEST_CASE("16384 tokens fit into 1 GB with biases", "[slow]") { all_fit_at_16384(Kind::bias); }
TEST_CASE("16384 tokens fit into 1 GB with rotary encodings and modifiers", "[slow]") {
  all_fit_at_16384(Kind::rotary);
  all_fit_at_16384(Kind::modifier);
}
