#include "train/system/signals.h"

#include <csignal>

#include "tests/support/catch.h"
#include "tests/support/program.h"
#include "tests/support/runs.h"

using namespace yonder;
namespace fs = std::filesystem;

namespace {

const std::string tiny =
    "--task copy --train-length 4 --width 16 --heads 2 --layers 1 --batch 4 "
    "--checkpoint-minutes 0 --threads 1 ";

std::string first_file(const std::string& folder, const std::string& name) {
  for (const auto& file : fs::recursive_directory_iterator(folder))
    if (file.path().filename() == name) return file.path().string();
  return "";
}

}  // namespace

TEST_CASE("a signal saves, ends with its own code, and training goes on to the same bytes") {
  const Folder folder;
  for (const auto& [signal, code] : {std::pair{SIGINT, 130}, {SIGTERM, 143}, {SIGUSR1, 75}}) {
    const std::string run = folder / std::to_string(signal);
    const Program program("train " + tiny + "--encoding rope --steps 1000000 --out " + run);
    wait_for([&] { return fs::exists(run + "/metrics.jsonl"); });
    ::kill(program.pid, signal);
    CHECK(program.end() == code);
    REQUIRE(fs::exists(run + "/checkpoints/LATEST"));
    const int step = load(run).step;
    CHECK(losses_in(run).back().first == step);
    CHECK_FALSE(fs::exists(run + "/.lock"));
    RunConfig config = begun_in(run);
    train_until(step + 5, config, run, Existing::resume);
  }
}

TEST_CASE("a second signal ends training at once") {
  const Folder folder;
  const std::string run = folder / "run";
  // With this seed the first step is short, the second takes two seconds.
  const Program program(
      "train --task copy --train-length 256 --width 256 --batch 32 --steps 9 --seed 2 --out " +
      run);
  wait_for([&] { return fs::exists(run + "/metrics.jsonl"); });
  ::kill(program.pid, SIGINT);
  wait(0.2);
  ::kill(program.pid, SIGINT);
  CHECK(program.end() == 130);
  CHECK_FALSE(fs::exists(run + "/checkpoints/LATEST"));
}

TEST_CASE("the cells of a sweep save when it is interrupted, and when it is killed") {
  const Folder folder;
  for (const int signal : {SIGTERM, SIGKILL}) {
    const std::string run = folder / std::to_string(signal);
    const Program program("sweep " + tiny + "--encodings rope --steps 1000000 --quiet --out " +
                          run);
    wait_for([&] { return fs::exists(run) && first_file(run, "metrics.jsonl") != ""; });
    ::kill(program.pid, signal);
    CHECK(program.end() == (signal == SIGTERM ? 143 : -1));
    wait_for([&] {
      return first_file(run, "LATEST") != "" && first_file(run + "/cells", ".lock") == "";
    });
    CHECK(load(fs::path(first_file(run, "metrics.jsonl")).parent_path().string()).step > 0);
  }
}
