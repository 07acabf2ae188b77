#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/io/files.h"
#include "encodings/base/encoding.h"
#include "models/checkpoint.h"
#include "tests/support/catch.h"
#include "tests/support/refused.h"
#include "tests/support/tiny_run.h"

using namespace yonder;
namespace fs = std::filesystem;

namespace {

std::string checkpoint() { return trained_run() + "/checkpoints/step-3.safetensors"; }

// Like `refused`, for a training, which must leave nothing behind.
void training_refused(const std::string& arguments, int code, const std::string& said) {
  const Folder folder;
  refused("train" + tiny_copy + "--steps 2 --quiet " + arguments + " --out " + (folder / "run"),
          code, said);
  CHECK(fs::is_empty(folder.path));
}

}  // namespace

TEST_CASE("a misspelled word is refused with the nearest known one") {
  refused("trian", 2, "did you mean 'train'?");
  refused("--versoin", 2, "did you mean '--version'?");
  training_refused("--widht 64", 2, "did you mean '--width'?");
  training_refused("--task cpoy", 2, "did you mean 'copy'?");
  training_refused("--encoding ropee", 2, "did you mean 'rope'?");
  training_refused("--encoding rope+lgon", 2, "did you mean 'logn'?");
  training_refused("--rope.bsae 500", 2, "did you mean '--rope.base'?");
  training_refused("--rope.layout haf", 2, "did you mean 'half'?");
}

TEST_CASE("an option of a task or encoding not in use is refused with the one in use") {
  training_refused("--encoding rope --alibi.learned true", 2, "'rope'");
  training_refused("--recall.keys 40", 2, "recall.keys: the task in use is copy");
  training_refused("--text /tmp", 2, "--text: the task in use is copy");
}

TEST_CASE("a number out of range is refused with what is allowed") {
  training_refused("--steps 0", 2, "--steps: '0' is not allowed; it takes a whole number from 1");
  training_refused("--lr -1", 2, "--lr: '-1' is not allowed; it takes a number above 0");
  training_refused("--lr nan", 2, "--lr: 'nan'");
  training_refused("--lr 1e-3x", 2, "--lr: '1e-3x'");
  training_refused("--batch 0", 2, "--batch");
  training_refused("--train-length 0", 2, "--train-length");
  training_refused("--layers 0", 2, "--layers");
  training_refused("--seed -1", 2, "--seed");
  training_refused("--width 99999999999", 2, "--width");
  training_refused("--rope.fraction 2", 2, "rope.fraction");
  training_refused("--width 65536 --layers 1000", 2, "are free");
  refused("eval " + trained_run() + " --eval-lengths 0", 2, "--eval-lengths: '0'");
  refused("eval " + trained_run() + " --eval-lengths 4,,8", 2, "--eval-lengths: ''");
  refused("eval " + trained_run() + " --eval-lengths 4-8,6", 2, "'6' and '4-8' share a length");
  refused("eval " + trained_run() + " --eval-lengths 99999999", 2, "--eval-lengths");
}

TEST_CASE("missing and surplus arguments are refused") {
  refused("train" + tiny_copy + "--steps 2", 2, "--out is missing");
  refused("train --out", 2, "--out: needs a value");
  refused("train --out --force", 2, "--out: needs a value");
  training_refused("more", 2, "'more' is one argument too many");
  refused("eval --eval-lengths 4", 2, "DIR is missing");
  const Ran bare = yonder_run("sweep");  // does not start two hours of work
  CHECK(bare.code == 2);
  CHECK(bare.err.find("Examples\n  yonder sweep quick") != bare.err.npos);
  refused("logits " + trained_run() + " --tokens t.npy", 2, "--out is missing");
  refused("logits " + trained_run() + " --tokens t --out l --grads g", 2, "--targets");
}

TEST_CASE("dimensions that do not fit together are refused before anything is written") {
  training_refused("--width 18 --heads 4", 2, "18 is not a multiple of heads 4");
  training_refused("--width 12 --heads 4 --encoding rope", 2, "rope");
  training_refused("--bidirectional --encoding cope", 2, "cope: for causal models only");
}

TEST_CASE("a text that is missing, empty or too short is refused") {
  const Folder folder;
  put(folder / "empty", "");
  put(folder / "short", "a few words and no more");
  const std::string text = "--task text --train-length 512 ";
  training_refused("--task text", 2, "--text");
  training_refused(text + "--text " + (folder / "none"), 3, "none");
  training_refused(text + "--text " + (folder / "empty"), 3, "empty");
  training_refused(text + "--text " + (folder / "short"), 2, "too few for a length of 512");
}

TEST_CASE("a folder with a run is not touched without --force, and replaced with it") {
  const Folder folder;
  const std::string run = folder / "run";
  const std::string start = "train" + tiny_copy + "--encoding rope --quiet --out " + run;
  REQUIRE(yonder_run(start + " --steps 3").code == 0);
  put(run + "/notes.txt", "mine");
  const std::string before = content_of(run + "/metrics.jsonl");
  refused(start + " --steps 2", 2, "--force");
  // A run that cannot start does not cost the old run either.
  refused(start + " --steps 2 --force --width 17", 2, "multiple");
  refused(start + " --steps 2 --force --lr 1e38 --warmup 0 --rope.base 0", 2, "rope.base");
  CHECK(content_of(run + "/metrics.jsonl") == before);
  CHECK(fs::exists(run + "/checkpoints/step-3.safetensors"));

  REQUIRE(yonder_run(start + " --steps 2 --force").code == 0);
  CHECK(fs::exists(run + "/checkpoints/step-2.safetensors"));
  CHECK_FALSE(fs::exists(run + "/checkpoints/step-3.safetensors"));
  CHECK(content_of(run + "/notes.txt") == "mine");
  fs::create_directory(run + "/cells");
  refused(start + " --steps 2 --force", 2, "holds a sweep");
}

TEST_CASE("a run's folder records its configuration and its progress") {
  const std::string& run = trained_run();
  const std::string config = content_of(run + "/config.toml");
  for (const char* said : {"encoding = 'rope'", "width = 16", "mlp = 64", "base = 10000\n",
                           "[data.copy]", "alphabet = 16\n", "truncate = false"})
    CHECK(config.find(said) != std::string::npos);
  CHECK(nlohmann::json::parse(content_of(run + "/environment.json")).contains("processor"));
  std::istringstream metrics(content_of(run + "/metrics.jsonl"));
  int steps = 0;
  for (std::string line; std::getline(metrics, line); ++steps) {
    const auto m = nlohmann::json::parse(line);
    CHECK(m["step"] == steps + 1);
    CHECK(m["loss"] > 0);
    CHECK(m["grad_norm"] > 0);
  }
  CHECK(steps == 3);
}

TEST_CASE("a file that is not a checkpoint, is truncated or has other shapes is refused") {
  const Folder folder;
  const std::string good = content_of(checkpoint());
  put(folder / "text", "no checkpoint");
  put(folder / "truncated", good.substr(0, good.size() - 5));
  std::string other = good;
  const auto mlp = other.find("\\\"mlp\\\":64");
  REQUIRE(mlp != std::string::npos);
  other.replace(mlp, 10, "\\\"mlp\\\":60");
  put(folder / "other", other);
  const std::string test = " --eval-lengths 4 --quiet";
  refused("eval " + (folder / "nowhere") + test, 3, "nowhere");
  refused("eval " + folder.path + test, 3, "no checkpoint");
  for (const std::string name : {"text", "truncated", "other"})
    refused("eval " + (folder / name) + test, 3, name);
}

TEST_CASE("options fixed in training cannot be changed at inference, others can") {
  const std::string test = "eval " + trained_run() + " --eval-lengths 4,8 --quiet";
  refused(test + " --rope.fraction 0.5", 2, "fixed in training at 1");
  refused(test + " --copy.alphabet 5", 2, "fixed in training at");
  refused(test + " --kerple.kind power", 2, "without kerple");
  refused(test + " --rope.scaling nkt", 2, "did you mean 'ntk'?");
  for (const std::string more : {"--rope.scaling ntk --rope.factor 4", "--window.size 4",
                                 "--logn.when test", "--rope.base 500", "--rope.fraction 1"})
    CHECK(yonder_run(test + " " + more).code == 0);
}

TEST_CASE("if the encoding is undefined at a length, its row says why") {
  const Folder folder;
  const std::string run = folder / "run";
  REQUIRE(
      yonder_run("train" + tiny_copy + "--encoding learned --steps 2 --quiet --out " + run).code ==
      0);
  const Ran ran = yonder_run("eval " + run + " --eval-lengths 4,64 --examples 3 --json --quiet");
  REQUIRE(ran.code == 0);
  CHECK(ran.err == "");
  const auto rows = nlohmann::json::parse(ran.out)["rows"];
  REQUIRE(rows.size() == 2);
  CHECK(rows[0]["loss"] > 0);
  CHECK(rows[0]["examples"] == 3);
  CHECK(rows[0]["status"] == "ok");
  CHECK_FALSE(rows[0].contains("error"));
  CHECK(rows[1]["status"] == "undefined");
  CHECK(rows[1]["loss"].is_null());
  CHECK(std::string(rows[1]["error"]).find("--learned.beyond") != std::string::npos);
  const Ran table = yonder_run("eval " + run + " --eval-lengths 64 --quiet");
  CHECK(table.code == 0);
  CHECK(table.out.find("undefined: learned") != std::string::npos);
}

TEST_CASE("evaluation and training on a changed text warn, unless the text is named explicitly") {
  const Folder folder;
  const std::string path = folder / "text", run = folder / "run";
  std::string text;
  for (int i = 0; i < 400; ++i) text += "line " + std::to_string(i) + "\n";
  put(path, text);
  REQUIRE(
      yonder_run("train --task text --text " + path +
                 " --train-length 32 --width 16 --heads 2 --layers 1 --batch 4 --steps 2 --quiet "
                 "--out " +
                 run)
          .code == 0);
  const auto said = [&](const std::string& model, const std::string& more) {
    const Ran ran = yonder_run("eval " + model + " --eval-lengths 32 --examples 2 --quiet" + more);
    CHECK(ran.code == 0);
    return ran.err;
  };
  CHECK(said(run, "") == "");
  put(path, "a line before all others\n" + text);
  const std::string changed = said(run, "");
  CHECK(changed.starts_with("eval: " + path + " is not the text that the model was trained on"));
  CHECK(std::count(changed.begin(), changed.end(), '\n') == 1);
  CHECK(said(run, " --text " + path) == "");
  const auto trained = [&](const std::string& more) {
    return yonder_run("train --from " + run +
                      " --train-length 32 --steps 1 --quiet --force --out " + folder / "next" +
                      more)
        .err;
  };
  CHECK(trained("").starts_with("train: " + path + " is not the text that the model began with"));
  CHECK(trained(" --text " + path) == "");
  Checkpoint older = load_model(run + "/checkpoints/step-2.safetensors");
  older.origin.task.erase("checksum");
  save_model(folder / "older", *older.model, older.origin);
  CHECK(said(folder / "older", "") == "");
}

TEST_CASE("more examples than a text has are refused by eval, and reduced by sweep with a note") {
  const Folder folder;
  std::string text;
  for (int i = 0; i < 400; ++i) text += "line " + std::to_string(i) + "\n";
  put(folder / "text", text);  // the last 350 of 3490 bytes are for tests, 6 blocks
  const std::string model =
      " --task text --text " + (folder / "text") +
      " --train-length 32 --width 16 --heads 2 --layers 1 --batch 4 --steps 2";
  REQUIRE(yonder_run("train" + model + " --quiet --out " + (folder / "run")).code == 0);
  const std::string eval = "eval " + (folder / "run") + " --quiet --eval-lengths 32,64 --examples ";
  refused(eval + "10", 2, "10 are asked for, and there are 6 of length 64");
  CHECK(yonder_run(eval + "6").code == 0);
  const Ran swept =
      yonder_run("sweep" + model + " --encodings none --eval-lengths 32,64 --seeds 1 " +
                 "--examples 10 --out " + (folder / "sweep"));
  CHECK(swept.code == 0);
  CHECK(swept.err.find("text: evaluated on 6 sequences of length 64 and not on 10") !=
        std::string::npos);
}

TEST_CASE("a training that diverges ends with code 4, names the step and keeps its checkpoints") {
  const Folder folder;
  const std::string run = folder / "run";
  refused("train" + tiny_copy +
              "--encoding none --steps 50 --checkpoint-every 1 --warmup 0 --lr 1e30 " +
              "--quiet --out " + run,
          4, "diverged at step 2");
  CHECK(fs::exists(run + "/checkpoints/step-1.safetensors"));
  CHECK(content_of(run + "/metrics.jsonl").find("\"step\":1,") != std::string::npos);
}

TEST_CASE("a path that cannot be written ends with code 6") {
  refused("train" + tiny_copy + "--steps 1 --quiet --out /dev/null/run", 6, "/dev/null/run");
  const std::string command = std::string(YONDER_BINARY) + " --version > /dev/full 2> /dev/null";
  CHECK(WEXITSTATUS(std::system(command.c_str())) == 6);
}

TEST_CASE("checkpoints are byte-identical for any number of threads", "[slow]") {
  for (const std::string encoding : {"rope", "learned", "alibi", "t5", "kerple"}) {
    std::string first;
    for (const std::string threads : {"1", "2", "3", "4", "8"}) {
      const Folder folder;
      const std::string run = folder / "run";
      const Ran ran =
          yonder_run("train --task copy --train-length 20 --width 32 --heads 4 --layers 2 " +
                     std::string("--batch 7 --steps 4 --quiet --threads ") + threads +
                     " --encoding " + encoding + " --out " + run);
      REQUIRE(ran.code == 0);
      const std::string bytes = content_of(run + "/checkpoints/step-4.safetensors");
      REQUIRE_FALSE(bytes.empty());
      if (first.empty()) first = bytes;
      INFO(encoding << " with " << threads << " threads");
      CHECK((bytes == first));
    }
  }
}

TEST_CASE("settings that are rarely intended cause a warning") {
  const Folder folder;
  const auto said = [&](const std::string& arguments) {
    const Ran ran = yonder_run("train --width 16 --heads 2 --layers 1 --batch 2 --force --out " +
                               (folder / "run ") + arguments);
    CHECK(ran.code == 0);
    return ran.err;
  };
  CHECK(said("--task copy --train-length 4 --steps 3").find("lower --warmup") != std::string::npos);
  CHECK(said("--task copy --train-length 4 --steps 3 --warmup 2").find("--warmup") ==
        std::string::npos);
  put(folder / "text", std::string(200, 'x'));
  // --text implies the task.
  CHECK(said("--text " + (folder / "text") + " --train-length 32 --steps 3")
            .find("too few for a length of 32") != std::string::npos);
}

TEST_CASE("a suggested command runs as printed, and --resume of a file names its run's folder") {
  const Folder folder;
  const Ran ran = yonder_run("train" + tiny_copy + "--steps 2 --out '" + (folder / "my run'"));
  const std::size_t at = ran.err.find("eval '");
  REQUIRE(at != ran.err.npos);
  CHECK(yonder_run(ran.err.substr(at, ran.err.find('\n', at) - at)).code == 0);
  refused("train --resume '" + (folder / "my run/checkpoints/step-2.safetensors'"), 2,
          "name the folder of the run, " + (folder / "my run"));
}

TEST_CASE("per-layer encodings and one that switches are trained and compared") {
  const Folder folder;
  const std::string model =
      "--task copy --train-length 4 --width 16 --heads 2 --layers 2 --batch 4 ";
  const Ran ran =
      yonder_run("sweep " + model +
                 "--encodings rope@0,none@1,rope:encoding.switch_at=0.5,alibi --eval-lengths 4,8 "
                 "--steps 4 --seeds 1 --examples 8 --window-baseline --quiet --out " +
                 (folder / "s"));
  INFO(ran.err);
  REQUIRE(ran.code == 0);
  CHECK(ran.out.find("RoPE@0,NoPE@1 + window") != ran.out.npos);
  CHECK(ran.out.find("RoPE (switch at 0.5") != ran.out.npos);
  const std::string csv = content_of(folder / "s/results.csv");
  CHECK(csv.find("\"rope@0,none@1\",,copy,,,answer,8,") != csv.npos);
  CHECK(csv.find("rope:encoding.switch_at=0.5,,copy,,,answer,8,") != csv.npos);
  // Evaluated with its final encoding.
  std::string switched;
  for (const auto& run : fs::directory_iterator(folder / "s/cells"))
    if (run.path().filename().string().starts_with("rope_encoding.switch_at"))
      switched = run.path().string();
  const Ran end = yonder_run("eval " + switched + " --eval-lengths 8 --quiet --json");
  CHECK(end.out.find("\"encoding\": \"none\"") != end.out.npos);
  refused("sweep " + model +
              "--encodings rope:encoding.switch_at=0.5:rope.scaling=yarn --steps 4 --out " +
              (folder / "t"),
          2, "the model was trained as 'none', without rope");
  refused("sweep " + model + "--encodings learned@0,none@1 --steps 4 --out " + (folder / "t"), 2,
          "learned in some layers only");
  training_refused("--encoding rope@0,none@1", 2, "names 2 layers, and the model has 1");
  training_refused("--encoding rope --encoding.switch-to none --encoding.switch-at 2", 2,
                   "--encoding.switch-at: '2' is not allowed");
  training_refused("--encoding rope --encoding.switch-to alibi", 2, "would never be used");
}
