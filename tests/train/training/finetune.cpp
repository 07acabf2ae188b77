#include "train/training/finetune.h"
#include "core/parallel.h"
#include "models/checkpoint.h"
#include "tests/support/binary.h"
#include "tests/support/catch.h"
#include "tests/support/opens.h"
#include "train/training/trainer.h"

using namespace yonder;
using Catch::Matchers::ContainsSubstring;

namespace {

// The folder of a model trained on copies of up to 4 symbols.
std::string trained(const std::string& encoding) {
  static const Folder folder;
  const std::string path = folder / encoding;
  if (std::filesystem::exists(path)) return path;
  train({.task = "copy",
         .encoding = encoding,
         .train_length = 4,
         .width = 32,
         .heads = 2,
         .layers = 1,
         .steps = 60,
         .batch = 16,
         .lr = 3e-3,
         .warmup = 5,
         .threads = 1},
        path, Existing::refuse, {});
  return path;
}

// Fine-tuning to 16 symbols, four times as many.
RunConfig longer(const std::string& encoding, Overrides options) {
  RunConfig config = config_from(trained(encoding));
  config.train_length = 16;
  config.steps = 60;
  config.batch = 16;
  config.lr = 3e-3;
  config.warmup = 5;
  config.threads = 1;
  config.options = std::move(options);
  return config;
}

double loss_at(Trained& run, int length) {
  return evaluate(run, {.lengths = {length}, .examples = 32})[0].loss;
}

std::string option(const Trained& run, const std::string& name) {
  for (const auto& part : run.model->encoding().components())
    for (const Option& o : part.encoding->options())
      if (part.entry->name + "." + o.name == name) return text_of(o);
  return "";
}

}  // namespace

TEST_CASE("fine-tuning with interpolation lowers the loss at the longer length") {
  const Folder folder;
  const RunConfig config = longer("rope", {{"rope.scaling", "linear"}});
  Trained start = load(config.from, config.options);
  const int N = start.model->dims().trained, L = start.task->tokens(16);
  const TrainResult result = train(config, folder / "run", Existing::refuse, {});
  Trained tuned = load(folder / "run");
  CHECK(loss_at(tuned, 16) < loss_at(start, 16) - 0.05);

  // Formulas use the first N; the factor of fine-tuning applies at every length.
  CHECK(tuned.model->dims().trained == N);
  CHECK(std::stod(option(tuned, "rope.factor")) == double(L) / N);
  CHECK(option(tuned, "rope.scaling") == "linear");
  CHECK(tuned.config.train_length == 16);
  REQUIRE(tuned.before);
  CHECK(tuned.before->length == 4);
  CHECK(tuned.before->step == 60);
  CHECK(tuned.step == 120);
  CHECK(result.checkpoint.ends_with("step-120.safetensors"));

  // And once more: N is still that of the first training.
  RunConfig again = config_from(folder / "run");
  again.train_length = 20;
  again.threads = 1;
  CHECK(resume_from_checkpoint(again).before->length == 4);
}

TEST_CASE("fine-tuning with another base or rounded wavelengths keeps them") {
  const Folder folder;
  RunConfig config = longer("rope", {{"rope.base", "500000"}, {"rope.resonance", "true"}});
  config.steps = 2;
  train(config, folder / "run", Existing::refuse, {});
  const Trained tuned = load(folder / "run");
  CHECK(option(tuned, "rope.base") == "500000");
  CHECK(option(tuned, "rope.resonance") == "true");
  RunConfig again = config_from(folder / "run");
  again.threads = 1;
  CHECK(option(resume_from_checkpoint(again), "rope.base") == "500000");
}

TEST_CASE("new rows of a table start as they are at inference, and are trained") {
  const RunConfig config = longer("learned", {{"learned.beyond", "random"}});
  Trained start = load(config.from, config.options);
  const int N = start.model->dims().trained, D = start.model->dims().width;
  Trained run = resume_from_checkpoint(config);
  CHECK(loss_at(run, 16) == loss_at(start, 16));
  CHECK(loss_at(run, 4) == loss_at(start, 4));
  CHECK(option(run, "learned.beyond") == "error");
  const int L = run.task->tokens(16);
  CHECK(run.model->dims().trained == L);
  const Var table = run.model->parameters().find("encoding.learned.table");
  REQUIRE(table.value().shape == Shape{L, D});

  const std::vector<real> before(table.value().flat().begin(), table.value().flat().end());
  Trainer trainer(run);
  for (int s = 1; s <= 5; ++s) trainer.step(s);
  int moved = 0;
  for (int i = N * D; i < L * D; ++i) moved += table.value()[i] != before[std::size_t(i)];
  CHECK(moved > (L - N) * D / 2);

  const Folder folder;
  train(config, folder / "run", Existing::refuse, {});
  Trained tuned = load(folder / "run");
  CHECK(tuned.model->dims().trained == L);
  CHECK(loss_at(tuned, 16) < loss_at(start, 16) - 0.05);
  CHECK_FALSE(evaluate(tuned, {.lengths = {17}, .examples = 4})[0].status == Status::ok);
}

TEST_CASE("other policies of a table train only the existing rows") {
  for (const std::string beyond : {"clamp", "wrap", "hierarchical"}) {
    Trained run = resume_from_checkpoint(longer("learned", {{"learned.beyond", beyond}}));
    CHECK(run.model->dims().trained == load(trained("learned")).model->dims().trained);
    CHECK(option(run, "learned.beyond") == beyond);
  }
}

TEST_CASE("continued training uses batches that the model has not seen") {
  RunConfig config = longer("rope", {});
  config.train_length = 4;
  Trained run = resume_from_checkpoint(config);
  const double first = Trainer(run).step(1).loss;
  Trained same = load(config.from);
  same.step = 0;
  same.config.batch = config.batch;
  CHECK(Trainer(same).step(1).loss != first);
}

TEST_CASE("fine-tuning refuses another model, a frozen option and a length without positions") {
  RunConfig config = longer("rope", {});
  config.width = 64;
  CHECK_THROWS_WITH(resume_from_checkpoint(config),
                    ContainsSubstring("--width") && ContainsSubstring("'32'"));
  config = longer("rope", {});
  config.encoding = "alibi";
  CHECK_THROWS_WITH(resume_from_checkpoint(config), ContainsSubstring("--encoding"));
  CHECK_THROWS_WITH(resume_from_checkpoint(longer("rope", {{"rope.layout", "half"}})),
                    ContainsSubstring("rope.layout"));
  CHECK_THROWS_WITH(resume_from_checkpoint(longer("learned", {})),
                    ContainsSubstring("--learned.beyond"));
  CHECK_THROWS_WITH(resume_from_checkpoint(longer("rope+learned", {{"learned.beyond", "random"},
                                                                   {"rope.scaling", "linear"}})),
                    ContainsSubstring("one of the two at a time"));
}

TEST_CASE("the checkpoint that training continues from is opened once, and so is its manifest") {
  const Folder folder;
  const std::string there = trained("learned") + "/checkpoints/step-60";
  for (const std::string beyond : {"clamp", "random"}) {
    Opens model(there + ".safetensors"), manifest(there + ".json");
    const Ran ran =
        yonder_run("train --quiet --from " + trained("learned") + " --train-length 8 --steps 1 " +
                   "--learned.beyond " + beyond + " --out " + (folder / beyond));
    INFO(ran.err);
    REQUIRE(ran.code == 0);
    CHECK(model.count() == 1);
    CHECK(manifest.count() == 1);
  }
}

TEST_CASE("train --from takes model and task from the checkpoint, and eval reads its result") {
  const Folder folder;
  const std::string out = folder / "run", from = "train --quiet --from " + trained("rope");
  const Ran ran = yonder_run(from + " --train-length 8 --steps 2 --threads 1 --rope.scaling yarn " +
                             "--window.size 6 --out " + out);
  CHECK(ran.err == "");
  CHECK(ran.code == 0);
  CHECK(load_model(out + "/checkpoints/step-62.safetensors").origin.step == 62);  // as logits does
  const Ran eval = yonder_run("eval " + out + " --eval-lengths 8,16 --examples 4 --quiet --json");
  CHECK(eval.out.find("\"train_length\": 8") != std::string::npos);
  CHECK(eval.out.find("\"encoding\": \"rope+window\"") != std::string::npos);
  CHECK(yonder_run("show " + out).out.find("continues from") != std::string::npos);
  const std::string compared = " --eval-lengths 8 --examples 4 --quiet --extensions logn",
                    note = "count from the 10 tokens of an earlier training, not from the 18 of";
  CHECK(yonder_run("eval " + out + compared).out.find(note) != std::string::npos);
  CHECK(yonder_run("eval " + trained("rope") + compared).out.find("count from") ==
        std::string::npos);
  CHECK(yonder_run(from + " --width 64 --out " + (folder / "no")).code == 2);
  CHECK(yonder_run("train --from nowhere --out " + (folder / "no")).code == 3);
  CHECK_FALSE(std::filesystem::exists(folder / "no"));
}
