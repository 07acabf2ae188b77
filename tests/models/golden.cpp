// Losses and gradient norms of every encoding's training, so that no change goes unnoticed.
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "core/io/files.h"
#include "core/io/json.h"
#include "tests/support/catch.h"
#include "tests/support/models.h"
#include "tests/support/task_for.h"
#include "train/training/trainer.h"

using namespace yonder;
using Catch::Approx;
using nlohmann::ordered_json;

namespace {

const std::string file = YONDER_SOURCE "/tests/golden/training.json";

RunConfig configured(const Entry& e) {
  RunConfig config{.encoding = e.name, .train_length = 6, .width = 32, .heads = 2, .layers = 2};
  config.task = task_for(e, config.task);
  config.bidirectional = e.serves == Serves::bidirectional_only;
  config.steps = 20;
  config.batch = 8;
  config.warmup = 5;
  return config;
}

// Loss and gradient norm of each step, as the file stores them.
ordered_json train_twenty_steps(const Entry& e) {
  Trained run = prepare(configured(e));
  Trainer trainer(run);
  ordered_json said;
  for (int s = 1; s <= run.config.steps; ++s) {
    const Trainer::Step step = trainer.step(s);
    said["loss"].push_back(step.loss);
    said["norm"].push_back(step.grad_norm);
  }
  return said;
}

void keep(const ordered_json& all) {
  std::string text;
  for (const auto& [name, said] : all.items()) {
    text += text.empty() ? "{\n" : ",\n";
    text += ordered_json(name).dump() + ": {\n  \"loss\": " + said["loss"].dump() +
            ",\n  \"norm\": " + said["norm"].dump() + "}";
  }
  write_file(file, text + "\n}\n");
}

void compare(const ordered_json& now, const ordered_json& kept) {
  for (const char* what : {"loss", "norm"}) {
    REQUIRE(kept[what].size() == now[what].size());
    for (std::size_t s = 0; s < now[what].size(); ++s) {
      const double expected = kept[what][s];
      INFO(what << " of step " << s + 1);
      CHECK(now[what][s].get<double>() == Approx(expected).epsilon(1e-9));
    }
  }
}

}  // namespace

TEST_CASE("20 steps of training give the golden losses and gradient norms") {
  const OneThread small;
  ordered_json now;
  for (const Entry& e : registry()) now[e.name] = train_twenty_steps(e);
  if (std::getenv("YONDER_GOLDEN")) return keep(now);
  const ordered_json kept = parse_json(read_file(file), file);
  for (const auto& [name, said] : now.items()) {
    INFO(name << ": if its values are new, or changed on purpose, save them with YONDER_GOLDEN=1 "
              << "test_f64 '20 steps*', and say why in the commit");
    REQUIRE(kept.contains(name));
    compare(said, kept[name]);
  }
  for (const auto& [name, said] : kept.items()) {
    INFO(name << " is not registered: YONDER_GOLDEN=1 test_f64 '20 steps*' removes it");
    CHECK(now.contains(name));
  }
}
