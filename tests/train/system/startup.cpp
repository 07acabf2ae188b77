#include <csignal>
#include <nlohmann/json.hpp>
#include "tests/support/catch.h"

#include <sched.h>

#include "core/io/json.h"
#include "tests/support/program.h"

using namespace yonder;
using Catch::Matchers::ContainsSubstring;
namespace fs = std::filesystem;

namespace {

const std::string tiny_model =
    "--task copy --train-length 4 --width 8 --heads 2 --layers 1 --batch 2 --quiet ";

int threads_of_training(const std::string& before) {
  const Folder folder;
  const Ran ran = yonder_run("train " + tiny_model + "--steps 3 --out " + (folder / "run"), before);
  INFO(ran.err);
  REQUIRE(ran.code == 0);
  return parse_json(content_of(folder / "run/environment.json"), "environment.json")["threads"];
}

// The processors that a process may use, as in /proc/PID/status.
std::string processors_of(const std::string& pid) {
  for (const std::string& line : split(content_of("/proc/" + pid + "/status"), '\n'))
    if (line.starts_with("Cpus_allowed:")) return line;
  return "";
}

std::string own_processors() { return processors_of(std::to_string(::getpid())); }

}  // namespace

TEST_CASE("threads spin briefly for each other unless the user sets how long") {
  const std::string show = "OMP_DISPLAY_ENV=verbose ";
  CHECK_THAT(yonder_run("--version", show).err, ContainsSubstring("GOMP_SPINCOUNT = '2000'"));
  CHECK_THAT(yonder_run("--version", show + "GOMP_SPINCOUNT=7").err,
             ContainsSubstring("GOMP_SPINCOUNT = '7'"));
  CHECK_THAT(yonder_run("--version", show + "OMP_WAIT_POLICY=passive").err,
             ContainsSubstring("GOMP_SPINCOUNT = '0'"));
  CHECK(yonder_run("--version", "env -i").code == 0);
}

TEST_CASE("a program that yonder starts has the environment and the processors of yonder") {
  for (const char* others : {"OLDPWD=/ SHLVL=3", "OMP_PLACES=cores", "GOMP_SPINCOUNT=7 SHLVL=3"}) {
    const Folder folder;
    put(folder / "sbatch", "#!/bin/sh\ncat /proc/$$/environ >" + (folder / "environment") +
                               "\ncat /proc/$$/status >" + (folder / "status") + "\n");
    fs::permissions(folder / "sbatch", fs::perms::owner_all);
    const std::string variables = std::string(others) + " PATH=" + folder.path + ":/usr/bin:/bin";
    const Ran ran =
        yonder_run("sweep quick --slurm --submit --out " + (folder / "run"), "env -i " + variables);
    INFO(ran.err);
    REQUIRE(ran.code == 0);
    std::string expected = variables + ' ';
    std::replace(expected.begin(), expected.end(), ' ', '\0');
    CHECK(content_of(folder / "environment") == expected);
    CHECK_THAT(content_of(folder / "status"), ContainsSubstring(own_processors() + "\n"));
  }
}

TEST_CASE("training has the same number of threads if libgomp binds them") {
  const int threads = threads_of_training("");
  CHECK(threads_of_training("OMP_PROC_BIND=true") == threads);
  CHECK(threads_of_training("OMP_PLACES=cores") == threads);
  CHECK(threads_of_training("OMP_NUM_THREADS=3") == 3);
}

TEST_CASE("training on one processor of several has one thread") {
  cpu_set_t processors;
  REQUIRE(::sched_getaffinity(0, sizeof processors, &processors) == 0);
  int first = 0;
  while (!CPU_ISSET(first, &processors)) ++first;
  CHECK(threads_of_training("taskset -c " + std::to_string(first)) == 1);
}

TEST_CASE("a process is named yonder, and the cells of a sweep may use all its processors") {
  for (const char* variable : {"OMP_DYNAMIC=false", "OMP_PROC_BIND=true", "OMP_PLACES=cores"}) {
    INFO(variable);
    const Folder folder;
    const Program program("sweep " + tiny_model +
                              "--encodings rope,none --steps 1000000 --threads 2 " + "--out " +
                              (folder / "run"),
                          variable);
    wait_for([&] { return children_of(program.pid).size() == 2; });
    for (const std::string& cell : children_of(program.pid)) {
      wait_for([&] { return processors_of(cell) == own_processors(); });
      CHECK(content_of("/proc/" + cell + "/comm") == "yonder\n");
    }
    for (const char* cell : {"rope", "none"})
      wait_for([&] {
        return fs::exists(folder / ("run/cells/" + std::string(cell) + "-copy-s0/metrics.jsonl"));
      });
    // One that works, and one that waits for signals.
    for (const std::string& cell : children_of(program.pid))
      CHECK(std::distance(fs::directory_iterator("/proc/" + cell + "/task"), {}) == 2);
    CHECK(content_of("/proc/" + std::to_string(program.pid) + "/comm") == "yonder\n");
    ::kill(program.pid, SIGTERM);
    CHECK(program.end() == 143);
  }
}

TEST_CASE("the threads of a cell that has several may use all processors too") {
  const Folder folder;
  const Program program("sweep " + tiny_model +
                            "--encodings rope --seeds 1 --steps 1000000 --threads 2 --out " +
                            (folder / "run"),
                        "OMP_PROC_BIND=true");
  wait_for([&] { return children_of(program.pid).size() == 1; });
  const std::string threads = "/proc/" + children_of(program.pid)[0] + "/task";
  wait_for([&] {
    int free = 0;  // two of the loop, and one that waits for signals
    for (const auto& thread : fs::directory_iterator(threads))
      free += processors_of(thread.path().filename().string()) == own_processors();
    return free >= 3;
  });
  ::kill(program.pid, SIGTERM);
  CHECK(program.end() == 143);
}

// A sanitizer's runtime needs more than the emulator provides.
#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__)
TEST_CASE("on a processor that lacks required features, the program says so in a sentence") {
  if (std::system("command -v qemu-x86_64 >/dev/null") != 0) {
    WARN("no qemu-x86_64 here, so no other processor was tried");
    return;
  }
#ifdef __AVX2__
  const Ran old = yonder_run("--version", "qemu-x86_64 -cpu Nehalem");
  CHECK(old.code == 1);
  CHECK(old.out == "");
  CHECK_THAT(old.err,
             ContainsSubstring("yonder: this program was built for a processor with avx, avx2"));
  CHECK_THAT(old.err, ContainsSubstring(", which this one lacks; build it here\n"));
#endif
#if defined(__AVX512F__)
  const Ran narrow = yonder_run("--version", "qemu-x86_64 -cpu Haswell");
  CHECK(narrow.code == 1);
  CHECK(narrow.out == "");
  CHECK_THAT(narrow.err,
             ContainsSubstring("build it here, or with --preset portable for any x86-64-v3\n"));
#elif !defined(__ADX__) && !defined(__FMA4__)
  CHECK(yonder_run("--version", "qemu-x86_64 -cpu Haswell").out == "yonder " YONDER_VERSION "\n");
#endif
}
#endif
