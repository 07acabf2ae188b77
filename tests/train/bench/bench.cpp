#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
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

TEST_CASE("The FLOPs of a step are those of its matrix products") {
  // tiny: 2048 tokens; a layer has 12 · 64² weights, the head 256 · 64; a token sees 32.5 others on
  // average, at 4 · 64 operations each. Backward is twice that.
  TrainBench bench(size_named("tiny"), "rope", {});
  CHECK(bench.flops() == 3.0 * 2048 * (2 * (2 * 12 * 64 * 64 + 256 * 64) + 2 * 4 * 64 * 32.5));
}

TEST_CASE("The FLOPs of an evaluation include its matrix products with relative tables") {
  const auto flops = [](const std::string& encoding, const Overrides& options = {}) {
    return EvalBench(size_named("tiny"), encoding, options).flops(64);
  };
  // tiny: two layers of four heads; `each` is one dot product of all heads and layers.
  constexpr double D = 64, each = 2 * 2 * D, matrices = 2 * 64 * (2 * 12 * D * D + 256 * D);
  constexpr double plain = matrices + 2 * each * 2080;  // q·k and p v of 64·65/2 pairs
  CHECK(flops("rope") == plain);
  // W R of 64 distances, and v·W R; q·W R of every pair, u·k of every key.
  CHECK(flops("xlnet") == plain + 2 * (2 * 64 * D * D + 2 * 64 * D) + each * (2080 + 64));
  // The distances 0 to 16, in scores and in values: 17·18/2 + 47·17 rows.
  CHECK(flops("shaw") == plain + 2 * each * 952);
  // P [64, D] times W_k and W_q; rows 32 to 63 of the one, 32·33/2 + 32·32, and 0 to 32 of the
  // other, 33·34/2 + 31·33.
  constexpr double tables = 2 * 2 * 2 * 64 * D * D, rows = each * (1552 + 1584);
  CHECK(flops("deberta") == plain + tables + rows);
  // Each of 32 sequences has its own products with the rows, and all share one table.
  TrainBench training(size_named("tiny"), "deberta", {});
  CHECK(training.flops() == 3 * (32 * (plain + rows) + tables));
  // The last 8 keys and the first 2: 8·9/2 + 56·8 and 1 + 55·2 pairs.
  CHECK(flops("none+sinks", {{"sinks.first", "2"}, {"sinks.window", "8"}}) ==
        matrices + 2 * each * 595);
}

TEST_CASE("Every kind of bench prints its figures as JSON") {
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
    // All figures are of the same time: 2048 tokens of training, 256 of evaluation.
    const auto& row = json.contains("rows") ? json["rows"][0] : json;
    const double seconds = 1e-3 * double(row["ms"]);
    CHECK(double(row["tokens_per_second"]) * seconds == Approx(what == "train" ? 2048 : 256));
    CHECK(double(row["share_of_peak"]) == Approx(double(row["gflops"]) / peak));
    if (what == "train")
      CHECK(1e9 * double(row["gflops"]) * seconds ==
            Approx(TrainBench(size_named("tiny"), "rope", {}).flops()));
  }
}

TEST_CASE("A profile divides the time of a step among its operations") {
  const Ran ran = yonder_run("bench train --size tiny --steps 1 --max-wait 0 --profile --json");
  INFO(ran.err);
  REQUIRE(ran.code == 0);
  std::map<std::string, nlohmann::json> profile;
  const auto json = nlohmann::json::parse(ran.out);
  double time = 0, flops = 0;
  for (const auto& row : json["profile"]) {
    profile[row["operation"]] = row;
    time += double(row["share_of_time"]);
    for (const std::string pass : {"forward_", "backward_"}) {
      const double speed = row.value(pass + "gflops", 0.0);
      flops += 1e6 * speed * double(row[pass + "ms"]);
      CHECK(row.value(pass + "share_of_peak", 0.0) == Approx(speed / double(json["peak_gflops"])));
    }
  }
  CHECK(time == Approx(1));
  CHECK(flops == Approx(TrainBench(size_named("tiny"), "rope", {}).flops()));
  for (const char* name : {"linear", "attention", "mlp", "layer_norm", "rotate", "cross_entropy"})
    CHECK(profile[name]["backward_ms"] > 0);
  for (const char* name : {"linear", "attention", "mlp"})
    CHECK((profile[name].contains("forward_gflops") && profile[name].contains("backward_gflops")));
  for (const char* name : {"layer_norm", "cross_entropy", "AdamW"})
    CHECK_FALSE(profile[name].contains("forward_gflops"));
}

TEST_CASE("A printed profile omits the speed of operations without products") {
  const Ran ran = yonder_run("bench train --size tiny --steps 1 --max-wait 0 --profile");
  const auto shares = [&ran](const std::string& operation) {
    const std::size_t at = ran.out.find("\n" + operation + " ") + 1;
    return std::count(&ran.out[at], &ran.out[ran.out.find('\n', at)], '%');
  };
  CHECK(shares("mlp") == 3);  // of the time, and of the peak forward and backward
  CHECK(shares("layer_norm") == 1);
}

TEST_CASE("A bench refuses in one sentence what it cannot measure") {
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

TEST_CASE("The handout bench needs ranks, and says how to start them") {
  const Ran ran = yonder_run("bench handout");
  CHECK(ran.code == 2);
  CHECK(ran.err ==
        "yonder: bench: handout needs at least two ranks; start it as mpirun -n 2 yonder bench "
        "handout\n");
}
