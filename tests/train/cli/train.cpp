#include <cmath>

#include "core/error.h"
#include "core/io/available_memory.h"
#include "core/parallel.h"
#include "core/tensor_pool.h"
#include "models/decode.h"
#include "tests/support/binary.h"
#include "tests/support/catch.h"
#include "tests/support/task_for.h"
#include "train/training/memory_estimate.h"
#include "train/training/session.h"
#include "train/training/trainer.h"

using namespace yonder;
using Catch::Approx;
using Catch::Matchers::ContainsSubstring;

namespace {

RunConfig small(const std::string& task, const std::string& encoding) {
  return {
      .task = task, .encoding = encoding, .train_length = 8, .width = 32, .heads = 4, .layers = 2};
}

// Counts the examples of a batch that greedy decoding with a cache gets right, one by one.
int decoded_right(Transformer& model, const Batch& batch, int longest) {
  int right = 0;
  for (int b = 0; b < batch.size; ++b) {
    const auto tokens = batch.tokens.begin() + b * batch.extent;
    const auto targets = batch.targets.begin() + b * batch.extent;
    const auto first = std::find_if(targets, targets + batch.extent, [](int t) { return t >= 0; });
    const std::vector<int> prompt(tokens, tokens + (first - targets) + 1);
    const std::vector<int> wanted(first, targets + batch.lengths[b]);
    right +=
        decode(model, prompt, 1, {.most = int(wanted.size()), .longest = longest})[0] == wanted;
  }
  return right;
}

}  // namespace

TEST_CASE("exact match by teacher forcing equals that of greedy decoding") {
  RunConfig config = small("copy", "rope");
  config.options = {{"copy.alphabet", "3"}};
  config.train_length = 3;
  config.lr = 3e-3;
  config.steps = 75;  // enough to be right sometimes
  Trained run = prepare(config);
  Trainer trainer(run);
  for (int s = 1; s <= config.steps; ++s) trainer.step(s);
  const EvalRow row = evaluate(run, {.lengths = {3}, .examples = 64})[0];
  const Batch batch = run.task->test({.length = 3, .count = 64}, 0, 64);
  const int right = decoded_right(*run.model, batch, row.tokens);
  CHECK(right > 5);
  CHECK(right < 60);
  CHECK(row.exact_match == right / 64.0);
}

TEST_CASE("an evaluation's loss is the mean over its targets, whatever the other lengths are") {
  RunConfig config = small("reverse", "alibi");
  Trained run = prepare(config);
  const auto rows = evaluate(run, {.lengths = {5, 20}, .examples = 70});  // more than one pass
  CHECK(rows[1].loss == evaluate(run, {.lengths = {20}, .examples = 70})[0].loss);
  CHECK(rows[0].examples == 70);

  double sum = 0;
  int targets = 0;
  const Batch batch = run.task->test({.length = 5, .longest = 20, .count = 70}, 0, 70);
  const Placed at(run.model->encoding(), {.batch = 70, .tokens = batch.extent});
  const Tensor logits = run.model->logits(batch.tokens, at).value();
  const int V = run.task->vocabulary();
  for (std::size_t row = 0; row < batch.targets.size(); ++row) {
    if (batch.targets[row] < 0) continue;
    double all = 0;
    for (int v = 0; v < V; ++v) all += std::exp(double(logits[row * V + v]));
    sum += std::log(all) - double(logits[row * V + batch.targets[row]]);
    ++targets;
  }
  // Losses of a few nats from float logits.
  CHECK(rows[0].loss == Approx(sum / targets).epsilon(1e-5));
  CHECK(std::isnan(rows[0].perplexity));
}

TEST_CASE("the loss by position omits positions where a masked text hides nothing") {
  const Folder folder;
  const std::string run = folder / "run", csv = folder / "positions.csv";
  REQUIRE(
      yonder_run("train --task text --text " YONDER_SOURCE "/README.md --bidirectional "
                 "--train-length 32 --width 16 --heads 2 --layers 1 --batch 4 --steps 2 --quiet "
                 "--threads 1 --encoding rope --out " +
                 run)
          .code == 0);
  REQUIRE(yonder_run("eval " + run + " --eval-lengths 32 --quiet --per-position " + csv).code == 0);
  const std::string found = content_of(csv);
  CHECK(found.rfind("length,index,loss\n32,1,", 0) == 0);
  CHECK(found.find("nan") == std::string::npos);
}

TEST_CASE("a text is evaluated in nats, perplexity and by position") {
  const Folder folder;
  std::string text;
  for (int i = 0; i < 3000; ++i) text += "line " + std::to_string(i * i) + "\n";
  put(folder / "text", text);
  RunConfig config = small("text", "kerple");
  config.train_length = 32;
  config.options = {{"text.path", folder / "text"}};
  Trained run = prepare(config);
  const auto rows = evaluate(run, {.lengths = {32, 64}, .by_position = 1000});
  for (const EvalRow& row : rows) {
    CHECK(row.perplexity == Approx(std::exp(row.loss)));
    CHECK(std::isnan(row.exact_match));
    REQUIRE(int(row.position_loss.size()) == row.tokens);
    for (double x : row.position_loss) CHECK(x > 0);
  }
  // The same final bytes are scored at both lengths, by their last 32 positions.
  double tail = 0;
  for (int t = 32; t < 64; ++t) tail += rows[1].position_loss[t] / 32;
  CHECK(tail == Approx(rows[1].loss));
  // Which other positions are scored changes no bit of the loss.
  const auto few = evaluate(run, {.lengths = {32, 64}, .by_position = 3, .details_from = 64});
  for (int i : {0, 1}) CHECK(few[i].loss == rows[i].loss);
  CHECK((few[0].position_loss.empty() && few[1].position_loss.size() == 64));
  CHECK(few[1].position_loss != rows[1].position_loss);
}

TEST_CASE("a saved model evaluates like the one that was trained") {
  const Folder folder;
  RunConfig config = small("recall", "rope+logn");
  config.steps = 5;
  config.options = {{"rope.base", "500"}, {"recall.keys", "12"}};
  const TrainResult result = train(config, folder / "run", Existing::refuse, {});
  Trained saved = load(folder / "run");
  CHECK(saved.step == 5);
  CHECK(saved.config.encoding == "rope+logn");
  Trained run = prepare(config);
  Trainer trainer(run);
  for (int s = 1; s <= 5; ++s) trainer.step(s);
  const EvalSettings test{.lengths = {8, 12}, .examples = 10};
  const auto a = evaluate(saved, test), b = evaluate(run, test);
  for (int i : {0, 1}) CHECK(a[i].loss == b[i].loss);
  CHECK(result.steps == 5);
}

TEST_CASE("every encoding trains and is evaluated at other lengths, or says why not") {
  std::map<std::string, std::string> ended;  // why there is no value beyond the trained length
  for (const Entry& e : registry()) {
    if (e.serves == Serves::bidirectional_only) continue;
    INFO(e.name);
    Trained run = prepare(small(task_for(e), e.name));
    std::map<std::string, std::vector<real>> before;
    for (const auto& [name, var] : run.model->parameters().all()) {
      const auto all = var.value().flat();
      before[name].assign(all.begin(), all.end());
    }
    Trainer trainer(run);
    // An untrained model knows nothing: it predicts all tokens about equally.
    const double blind = std::log(run.model->dims().vocabulary);
    for (int s = 1; s <= 3; ++s) CHECK(trainer.step(s).loss == Approx(blind).epsilon(0.5));
    for (const auto& [name, var] : run.model->parameters().all()) {
      INFO(name);
      if (name == "encoding.tupe.theta") continue;  // of a bidirectional model's first token
      CHECK_FALSE(std::equal(before[name].begin(), before[name].end(), &var.value()[0]));
    }
    for (const EvalRow& row : evaluate(run, {.lengths = {3, 8, 80}, .examples = 2})) {
      if (row.status != Status::ok) ended[e.name] = row.reason;
      if (row.length <= 8 || row.status == Status::ok)
        CHECK(row.loss == Approx(blind).epsilon(0.5));
      else CHECK((std::isnan(row.loss) && !row.problem.empty()));
    }
  }
  for (const auto& [name, why] : ended) UNSCOPED_INFO(name << ": " << why);
  CHECK(ended == std::map<std::string, std::string>{{"learned", "table ends"},
                                                    {"multiplied", "table ends"},
                                                    {"random", "range ends"},
                                                    {"tupe", "table ends"}});
}

TEST_CASE("an encoding undefined at a length gets a row, any other refusal ends the evaluation") {
  struct Refusing : Encoding {
    bool undefined;
    explicit Refusing(bool u) : undefined(u) {}
    void dots(Dots&, const Attention&) override {
      if (undefined) throw Undefined("too short", "a table has nothing to do with it");
      throw UsageError("a mistake");
    }
  };
  const Entry entry{.name = "refusing", .kind = Kind::rotary};
  const auto run_with = [&](bool undefined) {
    Trained run = prepare(small("copy", "none"));
    std::vector<Composition::Component> parts;
    parts.push_back({.entry = &entry, .encoding = std::make_unique<Refusing>(undefined)});
    run.model = std::make_unique<Transformer>(
        run.model->dims(), std::make_unique<Composition>("refusing", std::move(parts)), 0);
    return run;
  };
  Trained undefined = run_with(true), wrong = run_with(false);
  const EvalRow row = evaluate(undefined, {.lengths = {4}, .examples = 2})[0];
  CHECK(row.status == Status::undefined);
  CHECK(row.reason == "too short");
  CHECK(row.problem == "a table has nothing to do with it");
  CHECK_THROWS_WITH(evaluate(wrong, {.lengths = {4}, .examples = 2}), "a mistake");
}

TEST_CASE("an evaluation with NaN logits has no accuracy, and says why") {
  Trained run = prepare(small("copy", "rope"));
  run.model->parameters().find("head.weight").value()[0] = std::numeric_limits<real>::quiet_NaN();
  const EvalRow row = evaluate(run, {.lengths = {4}, .examples = 2})[0];
  CHECK(row.status == Status::failed);
  CHECK(row.problem == "rope: logits are no longer finite numbers");
  CHECK((std::isnan(row.loss) && std::isnan(row.token_accuracy) && std::isnan(row.exact_match)));
}

TEST_CASE("what does not fit into the machine's memory is refused") {
  RunConfig table = small("copy", "learned+random");
  table.options.push_back({"random.range", "2000000000"});
  CHECK_THROWS_WITH(prepare(table), ContainsSubstring("[2000000000, 32], make it smaller"));
  CHECK_NOTHROW(require_memory(1e3, "wait"));
  CHECK_THROWS_AS(require_memory(1e18, "wait"), UsageError);
  const Dims dims{.vocabulary = 256, .trained = 128};
  CHECK(testing_bytes(dims, 200000) > 1.5 * testing_bytes(dims, 100000));
}

TEST_CASE("the estimated minimum memory of a training is 0.3 to 1.3 times its peak") {
  const int before = threads();
  set_threads(1);
  for (const int batch : {8, 64}) {
    RunConfig config = small("copy", "rope");
    config.train_length = 32, config.batch = batch;
    pool::reset_peak();
    const std::size_t others = pool::live_bytes();
    Trained run = prepare(config);
    Trainer trainer(run);
    for (int s = 1; s <= 20; ++s) trainer.step(s);  // including a long batch
    const double took = double(pool::peak_bytes() - others);
    const double least = training_bytes(run.model->dims(), batch);
    INFO(batch << " sequences: " << least << " bytes of " << took);
    CHECK(least < 1.3 * took);
    CHECK(least > 0.3 * took);
  }
  set_threads(before);
}

TEST_CASE("once warm, training allocates no more tensor storage from the system") {
  set_threads(1);  // with more, the number of workspaces in use at once is random
  RunConfig config = small("copy", "rope");
  Trained run = prepare(config);
  Trainer trainer(run);
  for (int s = 1; s <= 40; ++s) trainer.step(s);  // every length has occurred
  const std::size_t before = pool::system_bytes(), live = pool::live_bytes();
  for (int s = 41; s <= 60; ++s) trainer.step(s);
  CHECK(pool::system_bytes() == before);
  CHECK(pool::live_bytes() == live);
}

TEST_CASE("copying 12 symbols is learned to 99 % in 1500 steps", "[slow]") {
  RunConfig config = small("copy", "alibi");
  set_threads(1);  // its loops are too small to share
  config.train_length = 12;
  config.width = 64;
  config.steps = 1500;
  config.lr = 3e-3;
  Trained run = prepare(config);
  Trainer trainer(run);
  for (int s = 1; s <= config.steps; ++s) trainer.step(s);
  const EvalRow row = evaluate(run, {.lengths = {12}, .examples = 200})[0];
  CHECK(row.token_accuracy >= 0.99);
  CHECK(row.chance < 0.2);
}
