#include "train/system/signals.h"

#include <sys/stat.h>

#include <csignal>

#include "tests/support/catch.h"
#include "tests/support/program.h"
#include "tests/support/runs.h"
#include "train/training/checkpoint_dir.h"

using namespace yonder;
namespace fs = std::filesystem;

namespace {

const std::string tiny_signalled =
    "--task copy --train-length 4 --width 16 --heads 2 --layers 1 --batch 4 "
    "--checkpoint-minutes 0 --threads 1 ";

std::string first_file(const std::string& folder, const std::string& name) {
  for (const auto& file : fs::recursive_directory_iterator(folder))
    if (file.path().filename() == name) return file.path().string();
  return "";
}

}  // namespace

TEST_CASE("a signal saves and ends with its own code, and training can be resumed") {
  const Folder folder;
  for (const auto& [signal, code] :
       {std::pair{SIGINT, 130}, {SIGTERM, 143}, {SIGUSR1, 75}, {SIGHUP, 129}}) {
    const std::string run = folder / std::to_string(signal);
    const Program program("train " + tiny_signalled + "--encoding rope --steps 1000000 --out " +
                          run);
    wait_for([&] { return fs::exists(run + "/metrics.jsonl"); });
    ::kill(program.pid, signal);
    CHECK(program.end() == code);
    REQUIRE(fs::exists(run + "/checkpoints/LATEST"));
    const int step = load(run).step;
    CHECK(losses_in(run).back().first == step);
    CHECK_FALSE(fs::exists(run + "/.lock"));
    RunConfig config = Checkpoints::configuration(run);
    train_until(step + 5, config, run, Existing::resume);
  }
}

// No handler may run: while oneDNN works, its frame would be written into the heap. The C library
// has one of its own for signal 33, which only setuid() sends.
TEST_CASE("training has no signal handler, and a burst of signals counts as one") {
  const Folder folder;
  const std::string run = folder / "run";
  const Program program("train " + tiny_signalled +
                        "--width 256 --batch 64 --steps 1000000 --out " + run);
  wait_for([&] { return fs::exists(run + "/metrics.jsonl"); });
  const unsigned long long of_sanitizers = 0x4e8;  // SIGILL, SIGABRT, SIGBUS, SIGFPE, SIGSEGV
  for (const std::string& line :
       split(content_of("/proc/" + std::to_string(program.pid) + "/status"), '\n'))
    if (line.starts_with("SigCgt:"))
      CHECK((std::stoull(line.substr(7), nullptr, 16) & 0x7fffffff & ~of_sanitizers) == 0);
  for (int i = 0; i < 400; ++i) {
    ::kill(program.pid, SIGUSR1);
    wait(0.0002);
  }
  CHECK(program.end() == 75);
  CHECK(fs::exists(run + "/checkpoints/LATEST"));
}

TEST_CASE("ignored signals stay ignored") {
  const Folder folder;
  const std::string run = folder / "run";
  const auto before = std::signal(SIGHUP, SIG_IGN);  // as nohup does
  const Program program("train " + tiny_signalled + "--steps 1000000 --out " + run);
  std::signal(SIGHUP, before);
  wait_for([&] { return fs::exists(run + "/metrics.jsonl"); });
  ::kill(program.pid, SIGHUP);
  wait(0.2);
  CHECK(::kill(program.pid, 0) == 0);
  ::kill(program.pid, SIGTERM);
  CHECK(program.end() == 143);
}

TEST_CASE("training whose output is no longer read saves", "[slow]") {
  const Folder folder;
  const std::string run = folder / "run", pipe = folder / "pipe";
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  const Program program("train " + tiny_signalled + "--steps 1000000 --out " + run, "", pipe);
  const int end = ::open(pipe.c_str(), O_RDONLY);
  wait_for([&] { return fs::exists(run + "/metrics.jsonl"); });
  ::close(end);
  CHECK(program.end() == 141);  // at its next line, after ten seconds
  CHECK(fs::exists(run + "/checkpoints/LATEST"));
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
  for (const auto& [signal, code] : {std::pair{SIGTERM, 143}, {SIGHUP, 129}, {SIGKILL, -1}}) {
    const std::string run = folder / std::to_string(signal);
    const Program program("sweep " + tiny_signalled +
                          "--encodings rope --steps 1000000 --quiet --out " + run);
    wait_for([&] { return fs::exists(run) && first_file(run, "metrics.jsonl") != ""; });
    if (signal == SIGHUP)  // a closed terminal sends it to all of them
      for (const std::string& cell : children_of(program.pid)) ::kill(std::stoi(cell), signal);
    ::kill(program.pid, signal);
    CHECK(program.end() == code);
    CHECK(first_file(run, "FAILED") == "");
    wait_for([&] {
      return first_file(run, "LATEST") != "" && first_file(run + "/cells", ".lock") == "";
    });
    CHECK(load(fs::path(first_file(run, "metrics.jsonl")).parent_path().string()).step > 0);
  }
}
