// An encoding that switches during training.
#include "core/error.h"
#include "core/io/safetensors.h"
#include "models/checkpoint.h"
#include "tests/support/runs.h"
#include "train/results/panel.h"
#include "train/training/finetune.h"
#include "train/training/trainer.h"

using namespace yonder;
using Catch::Matchers::ContainsSubstring;

namespace {

RunConfig changing(const std::string& first, const std::string& then, double until = 0.5) {
  RunConfig config = tiny_run(first);
  config.switch_to = then;
  config.switch_at = until;
  return config;
}

std::string encoding_in(const std::string& folder, int step) {
  const std::string path = folder + "/checkpoints/step-" + std::to_string(step) + ".safetensors";
  return load_model(path).model->encoding().name();
}

std::string refusal(const RunConfig& config) {
  return why_refused([&] { prepare(config); }).value_or("");
}

}  // namespace

TEST_CASE("a training with an encoding switch resumes to the same bytes wherever it stopped") {
  const std::pair<const char*, const char*> pairs[] = {
      {"rope", "none"}, {"learned", "t5"}, {"none", "floater"}, {"t5+window", "t5"}};
  for (const auto& [first, then] : pairs) {
    INFO(first << ", then " << then);
    const Folder folder;
    RunConfig config = changing(first, then);
    config.checkpoint_every = 2;
    const TrainResult whole = train(config, folder / "whole", Existing::refuse, {});
    CHECK(encoding_in(folder / "whole", 6) == first);
    CHECK(encoding_in(folder / "whole", 8) == then);
    // Resumes from steps 4, 6 (the last with the first encoding), 8 and 10.
    train_until(5, config, folder / "parts", Existing::refuse);
    train_until(7, config, folder / "parts", Existing::resume);
    train_until(9, config, folder / "parts", Existing::resume);
    train_until(11, config, folder / "parts", Existing::resume);
    const TrainResult parts = train(config, folder / "parts", Existing::resume, {});
    CHECK(parts.before == 10);
    CHECK(parts.loss == whole.loss);
    CHECK(parts.parameters == whole.parameters);
    for (const int step : {2, 4, 6, 8, 10, 12})
      CHECK((model_in(folder / "parts", step) == model_in(folder / "whole", step)));
    CHECK(losses_in(folder / "parts") == losses_in(folder / "whole"));
  }
}

TEST_CASE("until the switch, losses and weights are those of the first encoding alone") {
  const Folder folder;
  RunConfig config = changing("rope", "none", 0.75);
  train(config, folder / "changed", Existing::refuse, {});
  train(tiny_run("rope"), folder / "rope", Existing::refuse, {});
  CHECK((model_in(folder / "changed", 8) == model_in(folder / "rope", 8)));
  const auto a = losses_in(folder / "changed"), b = losses_in(folder / "rope");
  for (std::size_t s = 0; s < 12; ++s) CHECK((a[s].second == b[s].second) == (s < 9));
  config.switch_at = 0;  // from the beginning
  train(config, folder / "none-at-once", Existing::refuse, {});
  train(tiny_run("none"), folder / "none", Existing::refuse, {});
  CHECK((model_in(folder / "none-at-once", 12) == model_in(folder / "none", 12)));
}

TEST_CASE("a switch keeps parameters and moments that both encodings have, and replaces others") {
  RunConfig config = changing("t5+learned", "t5+floater");
  config.options = {{"t5.buckets", "8"}, {"floater.dt", "0.2"}};
  Trained run = prepare(config);
  Trainer trainer(run);
  for (int s = 1; s <= 6; ++s) trainer.step(s);
  const Tensor bias = run.model->parameters().find("encoding.t5.bias").value();
  const std::vector<real> before(bias.flat().begin(), bias.flat().end());
  const NamedTensors moments = trainer.optimizer().moments();
  trainer.switch_encoding_at(7);
  CHECK(run.model->encoding().name() == "t5+floater");
  const Var now = run.model->parameters().find("encoding.t5.bias");
  CHECK(std::equal(before.begin(), before.end(), now.value().flat().begin()));
  CHECK_FALSE(run.model->parameters().find("encoding.learned.table"));
  const Var start = run.model->parameters().find("encoding.floater.start");
  Trained fresh = prepare(tiny_run("floater"));
  const Var drawn = fresh.model->parameters().find("encoding.floater.start");
  CHECK(std::equal(start.value().flat().begin(), start.value().flat().end(),
                   drawn.value().flat().begin()));
  Options options = run.model->encoding().options();
  CHECK(text_of(*find(options, "floater.dt")) == "0.2");
  CHECK(text_of(*find(options, "t5.buckets")) == "8");
  CHECK(trainer.optimizer().steps() == 6);
  for (const auto& [name, tensor] : trainer.optimizer().moments()) {
    const auto old = std::find_if(moments.begin(), moments.end(),
                                  [&n = name](const auto& m) { return m.first == n; });
    if (old != moments.end()) CHECK(old->second.data == tensor.data);
    else
      CHECK(std::all_of(tensor.flat().begin(), tensor.flat().end(), [](real x) { return x == 0; }));
  }
  for (int s = 7; s <= 12; ++s) trainer.step(s);
}

TEST_CASE("a trained model may be continued with another encoding") {
  const Folder folder;
  train(tiny_run("rope"), folder / "rope", Existing::refuse, {});
  RunConfig config = config_from(folder / "rope");
  config.steps = 4;
  config.batch = 4;
  config.threads = 1;
  config.switch_at = 0;
  config.switch_to = "alibi";
  config.options = {{"alibi.learned", "true"}};
  train(config, folder / "alibi", Existing::refuse, {});
  const Checkpoint end = load_model(folder / "alibi/checkpoints/step-16.safetensors");
  CHECK(end.model->encoding().name() == "alibi");
  CHECK(end.model->parameters().find("encoding.alibi.slopes"));
}

TEST_CASE("impossible switches are refused in a sentence") {
  CHECK_THAT(refusal(changing("rope", "complex")), ContainsSubstring("can't follow 'rope'"));
  CHECK_THAT(refusal(changing("complex", "none")),
             ContainsSubstring("vector of the model complex"));
  CHECK_THAT(refusal(changing("learned", "learned+random")),
             ContainsSubstring("encoding.learned.table has another shape"));
  CHECK_THAT(refusal(changing("rope", "nune")), ContainsSubstring("did you mean 'none'?"));
  CHECK_THAT(refusal(changing("rope", "alibi", 1)), ContainsSubstring("would never be used"));
  CHECK_THAT(refusal(changing("rope", "none", 0.99)), ContainsSubstring("none would be left"));
  CHECK_THAT(refusal(changing("rope", "rope@0,none@1")), ContainsSubstring("names 2 layers"));
  RunConfig config = changing("rope", "none");
  config.options = {{"alibi.learned", "true"}};
  CHECK_THAT(refusal(config), ContainsSubstring("'rope' has no alibi"));
  CHECK(refusal(changing("rope", "none", 0)) == "");
}

TEST_CASE("a row may switch its encoding in training") {
  const Row row = parse_row(
      "rope:encoding.switch_at=0.5:encoding.switch_to=alibi:alibi.learned=true:rope.layout=half:"
      "window.size=0");
  CHECK(row.name() == "rope");
  CHECK(row.encoding ==
        "rope:encoding.switch_at=0.5:encoding.switch_to=alibi:alibi.learned=true:rope.layout=half");
  CHECK(row.extension_text() == "window.size=0");
  CHECK(row.label() == "rope, switch at 0.5, switch to alibi, learned true, half + window");
}
