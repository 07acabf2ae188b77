// How far training in f32 drifts from f64: 200 steps of both from the same start and data.
#include <cmath>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "core/io/files.h"
#include "core/io/json.h"
#include "tests/support/catch.h"
#include "tests/support/models.h"
#include "train/training/trainer.h"

using namespace yonder;
using nlohmann::ordered_json;

namespace {

const std::string file = YONDER_SOURCE "/tests/golden/losses.json";

// One rotary, one with a bias, two with tables by distance, one with gates.
const std::vector<std::string> encodings{"rope", "alibi", "deberta", "xlnet", "fox"};

std::vector<double> losses(const std::string& encoding) {
  RunConfig config{.task = "reverse", .encoding = encoding, .train_length = 12};
  config.width = 32, config.heads = 2, config.layers = 2;
  config.steps = 200, config.batch = 8, config.lr = 1e-3, config.warmup = 20;
  Trained run = prepare(config);
  Trainer trainer(run);
  std::vector<double> all;
  for (int s = 1; s <= config.steps; ++s) all.push_back(trainer.step(s).loss);
  return all;
}

}  // namespace

TEST_CASE("losses of 200 steps in f32 and f64 agree") {
  const OneThread small;
  ordered_json now;
  for (const std::string& e : encodings) now[e] = losses(e);
  if (sizeof(real) == 8 && std::getenv("YONDER_GOLDEN"))
    return write_file(file, now.dump(1) + "\n");
  // The bound of f64 allows another compiler's order of sums, that of f32 its own rounding.
  const double bound = sizeof(real) == 8 ? 1e-8 : 5e-6;
  const ordered_json kept = parse_json(read_file(file), file);
  for (const std::string& e : encodings) {
    REQUIRE(kept.contains(e));
    double worst = 0;
    for (std::size_t s = 0; s < now[e].size(); ++s) {
      const double expected = kept[e].at(s);
      worst = std::max(worst, std::abs(now[e][s].get<double>() / expected - 1));
    }
    INFO(e << ": the worst step is off by " << worst
           << " of its loss; if the values changed on purpose, save the new ones with "
           << "YONDER_GOLDEN=1 test_f64 'losses of 200 steps*', and say why in the commit");
    CHECK(worst < bound);
  }
}
