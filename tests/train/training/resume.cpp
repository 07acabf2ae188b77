#include "core/error.h"
#include "core/io/files.h"
#include "core/parallel.h"
#include "models/checkpoint.h"
#include "models/manifest.h"
#include "tests/support/catch.h"
#include "tests/support/runs.h"
#include "tests/support/task_for.h"
#include "train/training/checkpoint_dir.h"
#include "train/training/finetune.h"

using namespace yonder;
using Catch::Approx;
using Catch::Matchers::ContainsSubstring;
namespace fs = std::filesystem;

namespace {

std::vector<std::string> files_in(const std::string& folder) {
  std::vector<std::string> names;
  for (const auto& file : fs::directory_iterator(folder + "/checkpoints"))
    names.push_back(file.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

std::string error_of(const RunConfig& config, const std::string& folder) {
  try {
    train(config, folder, Existing::resume, {});
  } catch (const std::runtime_error& e) { return e.what(); }
  return "";
}

}  // namespace

TEST_CASE("a resumed training ends with the same bytes, whatever the encoding") {
  for (const Entry& e : registry()) {
    INFO(e.name);
    const Folder folder;
    RunConfig config = tiny_run(e.name);
    config.task = task_for(e, config.task);
    config.bidirectional = e.serves == Serves::bidirectional_only;
    const TrainResult whole = train(config, folder / "whole", Existing::refuse, {});
    train_until(7, config, folder / "parts", Existing::refuse);  // saved at 4
    train_until(11, config, folder / "parts", Existing::resume);
    const TrainResult parts = train(config, folder / "parts", Existing::resume, {});
    CHECK(parts.before == 8);
    CHECK(parts.loss == whole.loss);
    for (const int step : {4, 8, 12})
      CHECK((model_in(folder / "parts", step) == model_in(folder / "whole", step)));
    CHECK(losses_in(folder / "parts") == losses_in(folder / "whole"));
    CHECK(losses_in(folder / "parts").size() == 12);
  }
}

TEST_CASE("fine-tuning resumes to the same bytes, and is refused if its start has changed") {
  const Folder folder;
  train(tiny_run("learned"), folder / "start", Existing::refuse, {});
  RunConfig config = config_from(folder / "start");
  config.steps = 12;
  config.batch = 4;
  config.checkpoint_every = 4;
  config.threads = 1;
  config.train_length = 8;
  config.options = {{"learned.beyond", "random"}};
  train(config, folder / "whole", Existing::refuse, {});
  train_until(7, config, folder / "parts", Existing::refuse);
  const RunConfig begun = Checkpoints::configuration(folder / "parts");
  REQUIRE(begun.options.size() == 1);
  CHECK(text_of(begun.options[0]) == "learned.beyond=random");
  CHECK(begun.from == config.from);
  train_until(11, begun, folder / "parts", Existing::resume);
  RunConfig longer = tiny_run("learned");
  longer.steps = 20;
  train(longer, folder / "start", Existing::replace, {});
  CHECK_THAT(error_of(begun, folder / "parts"), ContainsSubstring("--from is at step 20 now"));
  train(tiny_run("learned"), folder / "start", Existing::replace, {});
  train(begun, folder / "parts", Existing::resume, {});
  CHECK((model_in(folder / "parts", 24) == model_in(folder / "whole", 24)));
}

TEST_CASE("a training cannot be resumed with another text") {
  const Folder folder;
  const std::string text = folder / "text";
  std::string content;
  for (int i = 0; i < 400; ++i) content += "line " + std::to_string(i) + "\n";
  write_file(text, content);
  RunConfig config = tiny_run("rope");
  config.task = "text";
  config.options = {{"text.path", text}};
  for (const bool masked : {false, true}) {
    config.bidirectional = masked;
    train_until(7, config, folder / "run", Existing::replace);
    content[7] = 'x';
    write_file(text, content);
    CHECK_THAT(error_of(config, folder / "run"), ContainsSubstring("another step, seed or text"));
    content[7] = 'l';
    write_file(text, content);
    CHECK(train(config, folder / "run", Existing::resume, {}).before == 4);
  }
}

TEST_CASE("resuming a finished training returns its result again") {
  const Folder folder;
  const TrainResult first = train(tiny_run("rope"), folder / "run", Existing::refuse, {});
  const std::string before = model_in(folder / "run", 12);
  const TrainResult again = train(tiny_run("rope"), folder / "run", Existing::resume,
                                  [](const Metrics&) { FAIL("a step was taken"); });
  CHECK(again.checkpoint == first.checkpoint);
  CHECK(again.loss == first.loss);
  CHECK(again.seconds == Approx(first.seconds));
  CHECK((model_in(folder / "run", 12) == before));
}

TEST_CASE("a training without a checkpoint starts over, in an existing folder or a new one") {
  const Folder folder;
  train(tiny_run("rope"), folder / "whole", Existing::resume, {});
  train_until(3, tiny_run("rope"), folder / "parts", Existing::refuse);
  CHECK(train(tiny_run("rope"), folder / "parts", Existing::resume, {}).before == 0);
  CHECK((model_in(folder / "parts", 12) == model_in(folder / "whole", 12)));
  CHECK(losses_in(folder / "parts").size() == 12);
}

TEST_CASE("another configuration is refused with the key that differs") {
  const Folder folder;
  train_until(7, tiny_run("rope"), folder / "run", Existing::refuse);
  auto refusal = [&](const std::function<void(RunConfig&)>& change) {
    RunConfig config = tiny_run("rope");
    change(config);
    return error_of(config, folder / "run");
  };
  CHECK_THAT(refusal([](RunConfig& c) { c.lr = 3; }), ContainsSubstring("lr 0.001 and not 3"));
  CHECK_THAT(refusal([](RunConfig& c) { c.steps = 13; }), ContainsSubstring("steps 12 and not 13"));
  CHECK_THAT(refusal([](RunConfig& c) { c.encoding = "alibi"; }),
             ContainsSubstring("encoding \"rope\""));
  CHECK_THAT(refusal([](RunConfig& c) { c.tie_embeddings = true; }),
             ContainsSubstring("tie_embeddings false"));
  CHECK_THAT(refusal([](RunConfig& c) {
               c.options = {{"rope.base", "500"}};
             }),
             ContainsSubstring("rope.base null and not 500"));
  CHECK(losses_in(folder / "run").size() == 7);
  RunConfig free = tiny_run("rope");  // does not affect results
  free.threads = 2;
  free.checkpoint_every = 5;
  free.keep_checkpoints = 1;
  CHECK(train(free, folder / "run", Existing::resume, {}).before == 4);
}

TEST_CASE("checkpoints that only serve to resume are replaced by newer ones") {
  const Folder folder;
  RunConfig config = tiny_run("none");
  config.checkpoint_every = 5;
  config.checkpoint_minutes = 1e-9;
  train_until(8, config, folder / "run", Existing::refuse);  // saved at 7
  CHECK(files_in(folder / "run") ==
        std::vector<std::string>{"LATEST", "step-0.json", "step-5.json", "step-5.safetensors",
                                 "step-6.json", "step-6.safetensors", "step-6.state.safetensors",
                                 "step-7.json", "step-7.safetensors", "step-7.state.safetensors"});
  train(config, folder / "run", Existing::resume, {});
  CHECK(files_in(folder / "run") == std::vector<std::string>{"LATEST", "step-0.json",
                                                             "step-10.json", "step-10.safetensors",
                                                             "step-12.json", "step-12.safetensors",
                                                             "step-5.json", "step-5.safetensors"});
}

TEST_CASE("checkpoints of the last tenth stay if requested, evenly spaced up to the last") {
  RunConfig config{.steps = 2000, .last_checkpoints = 4};
  std::vector<int> steps;
  for (int s = 1; s <= config.steps; ++s)
    if (stays(config, s)) steps.push_back(s);
  CHECK(steps == std::vector<int>{1850, 1900, 1950, 2000});
  config = {.steps = 30, .last_checkpoints = 10};  // it has only 3 steps
  CHECK((!stays(config, 27) && stays(config, 28) && stays(config, 29) && stays(config, 30)));
}

TEST_CASE(
    "a damaged or missing newest checkpoint is refused, and an older one is used on request") {
  const Folder folder;
  const RunConfig config = tiny_run("rope");
  train(config, folder / "whole", Existing::refuse, {});
  train_until(11, config, folder / "parts", Existing::refuse);  // saved at 4 and 8
  const std::string place = folder / "parts/checkpoints/", metrics = folder / "parts/metrics.jsonl";
  const std::vector<std::string> files = files_in(folder / "parts");
  const std::string lines = content_of(metrics);
  for (const std::string end : {".state.safetensors", ".safetensors", ".json"}) {
    const std::string path = place + "step-8" + end, content = content_of(path);
    const auto refused = [&](const std::string& why) {
      CHECK_THAT(error_of(config, folder / "parts"),
                 ContainsSubstring(path + ": " + why) &&
                     ContainsSubstring("or remove " + place + "step-8.* to resume from step 4"));
      CHECK(content_of(metrics) == lines);
    };
    std::string damaged = content;
    damaged[damaged.size() / 2] ^= 4;
    put(path, damaged);
    refused("damaged");
    CHECK(files_in(folder / "parts") == files);
    fs::remove(path);
    refused(end == ".json" ? "this manifest is missing" : "can't be read");
    put(path, content);
  }
  for (const std::string end : {".state.safetensors", ".safetensors", ".json"})
    fs::remove(place + "step-8" + end);
  CHECK(train(config, folder / "parts", Existing::resume, {}).before == 4);
  CHECK((model_in(folder / "parts", 12) == model_in(folder / "whole", 12)));
  CHECK(losses_in(folder / "parts") == losses_in(folder / "whole"));

  fs::remove_all(place);
  fs::create_directory(place);
  put(place + "step-12.safetensors", model_in(folder / "whole", 12));
  CHECK_THAT(error_of(config, folder / "parts"), ContainsSubstring("no manifest"));
  CHECK_NOTHROW(load(folder / "parts"));
}

TEST_CASE("half a line of metrics, and lines of repeated steps, are removed") {
  const Folder folder;
  const RunConfig config = tiny_run("rope");
  train_until(7, config, folder / "run", Existing::refuse);
  put(folder / "run/metrics.jsonl", content_of(folder / "run/metrics.jsonl") + "{\"step\":8,\"lo");
  train(config, folder / "run", Existing::resume, {});
  const auto lines = losses_in(folder / "run");
  REQUIRE(lines.size() == 12);
  for (int s = 1; s <= 12; ++s) CHECK(lines[s - 1].first == s);
}

TEST_CASE("train --resume reads everything from the folder") {
  const Folder folder;
  RunConfig config = tiny_run("alibi+window");
  config.options = {{"window.size", "3"}, {"copy.alphabet", "5"}};
  train(config, folder / "whole", Existing::refuse, {});
  train_until(7, config, folder / "parts", Existing::refuse);
  const std::string resume = "train --quiet --resume " + (folder / "parts");
  const Ran refused = yonder_run(resume + " --lr 3");
  CHECK(refused.code == 2);
  CHECK_THAT(refused.err, ContainsSubstring("--lr: a resumed run keeps its configuration"));
  const Ran ran = yonder_run(resume + " --threads 2");
  CHECK(ran.err == "");
  CHECK(ran.out == folder / "parts/checkpoints/step-12.safetensors\n");
  CHECK((model_in(folder / "parts", 12) == model_in(folder / "whole", 12)));
  CHECK(yonder_run("train --resume " + (folder / "nothing")).code == 3);
}
