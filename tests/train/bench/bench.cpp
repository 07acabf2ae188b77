#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <map>
#include <nlohmann/json.hpp>
#include <thread>

#include "tests/support/binary.h"
#include "tests/support/catch.h"
#include "train/bench/bench.h"

using namespace yonder;
using Catch::Approx;

namespace {

// Processes that keep every processor busy.
class Neighbours {
 public:
  Neighbours() {
    for (unsigned i = 0; i < std::thread::hardware_concurrency(); ++i) {
      const pid_t child = fork();
      if (child == 0)
        for (volatile int n = 0;;) n = n + 1;
      children_.push_back(child);
    }
  }
  ~Neighbours() {
    for (const pid_t child : children_) kill(child, SIGKILL), waitpid(child, nullptr, 0);
  }

 private:
  std::vector<pid_t> children_;
};

void compute() {
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(300);
  while (std::chrono::steady_clock::now() < end) continue;
}

}  // namespace

TEST_CASE("A timing is void while another process uses the processors") {
  const Neighbours neighbours;
  const Timing timing = measure(compute, 1, 0);
  CHECK(timing.others > 0.5);
  CHECK(timing.quiet == 0);
  CHECK(timing.is_void());
}

TEST_CASE("Quartiles of a timing lie between its windows") {
  const Timing timing{.seconds = {1, 2, 4, 8}, .windows = 4, .quiet = 4};
  CHECK(timing.quantile(0) == 1);
  CHECK(timing.quantile(0.25) == 1.75);
  CHECK(timing.quantile(0.5) == 3);
  CHECK(timing.quantile(1) == 8);
  CHECK_FALSE(timing.is_void());
}

TEST_CASE("The work of a step is that of its matrix products") {
  // tiny: 2048 tokens; a layer has 12 · 64² weights, the head 256 · 64; a token sees 32.5 others on
  // average, at 4 · 64 operations each. Backward is twice that.
  const TrainBench bench(size_named("tiny"), "rope", {});
  CHECK(bench.work() == 3.0 * 2048 * (2 * (2 * 12 * 64 * 64 + 256 * 64) + 2 * 4 * 64 * 32.5));
}

TEST_CASE("Every kind of bench prints its figures for programs") {
  for (const std::string what : {"train", "eval --length 256", "gemm"}) {
    const bool gemm = what == "gemm";
    const Ran ran = yonder_run("bench " + what + " --json" +
                               (gemm ? "" : " --size tiny --steps 1 --max-wait 0"));
    INFO(ran.err);
    REQUIRE(ran.code == 0);
    const auto json = nlohmann::json::parse(ran.out);
    const double peak = json["peak_gflops"];
    if (gemm) {
      CHECK(json["rows"].size() == 15);
      double most = 0;
      for (const auto& row : json["rows"]) most = std::max(most, double(row["gflops"]));
      CHECK(peak >= most);
      continue;
    }
    // The figures are of the same time: 2048 tokens of training, 256 of a test.
    const auto& row = json.contains("rows") ? json["rows"][0] : json;
    const double seconds = 1e-3 * double(row["ms"]);
    CHECK(double(row["tokens_per_second"]) * seconds == Approx(what == "train" ? 2048 : 256));
    CHECK(double(row["share_of_peak"]) == Approx(double(row["gflops"]) / peak));
    if (what == "train")
      CHECK(1e9 * double(row["gflops"]) * seconds ==
            Approx(TrainBench(size_named("tiny"), "rope", {}).work()));
  }
}

TEST_CASE("A profile shares the time of a step among its operations") {
  const Ran ran = yonder_run("bench train --size tiny --steps 1 --max-wait 0 --profile --json");
  INFO(ran.err);
  REQUIRE(ran.code == 0);
  std::map<std::string, double> backward;
  const auto json = nlohmann::json::parse(ran.out);
  for (const auto& row : json["profile"]) backward[row["operation"]] = row["backward_ms"];
  for (const char* name : {"linear", "attention", "mlp", "layer_norm", "rotate", "cross_entropy"})
    CHECK(backward[name] > 0);
  CHECK(backward.contains("AdamW"));
}

TEST_CASE("A bench refuses what it can't measure in one sentence") {
  const auto said = [](const std::string& arguments) {
    const Ran ran = yonder_run("bench " + arguments);
    CHECK(ran.code == 2);
    CHECK(ran.out == "");
    return ran.err;
  };
  CHECK(said("speed") ==
        "yonder: bench: there is no 'speed' to measure; take train, eval, gemm or handout\n");
  CHECK(said("gemm --profile") ==
        "yonder: bench: --profile is only valid for train without mpirun; omit it\n");
  CHECK(said("train --size huge") ==
        "yonder: --size: 'huge' is not allowed; it takes tiny, small or base\n");
  CHECK(said("eval --encoding learned --lengths 4096 --size tiny") ==
        "yonder: learned: position 4095 is beyond the table of 64; see --learned.beyond\n");
}

TEST_CASE("The hand-out of cells needs ranks, and says how to start them") {
  const Ran ran = yonder_run("bench handout");
  CHECK(ran.code == 2);
  CHECK(ran.err ==
        "yonder: bench: handout needs somebody to hand to; start it as mpirun -n 2 yonder bench "
        "handout, or with more\n");
}
