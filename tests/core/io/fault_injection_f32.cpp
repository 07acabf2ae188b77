#include "core/io/fault_injection.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>

#include "core/error.h"
#include "core/io/files.h"
#include "tests/support/catch.h"
#include "tests/support/runs.h"

using namespace yonder;

namespace {

RunConfig short_run() {
  RunConfig config = tiny_run("rope");
  config.steps = 6;
  config.checkpoint_every = 2;
  config.keep_checkpoints = 1;
  return config;
}

// The call that fails, and the step of the last manifest that was saved before it.
struct Fault {
  int at = 0, error = 0;  // call 1, 2, …; 0: none
  int calls = 0, kept = 0;
  bool met = false, must_end = false;  // whether it fails, and whether that must end training

  void set() {
    set_faults([this](Call call, const std::string& path) {
      const bool now = ++calls == at && (error != half || call == Call::write);
      met = met || now;
      const bool writes = call == Call::write || call == Call::sync || call == Call::rename;
      // Lines of the log that are written while another error ends training may be lost.
      if (now) must_end = writes && std::uncaught_exceptions() == 0;
      if (!now && call == Call::rename && path.ends_with(".json")) {
        int step = 0;
        const std::size_t name = path.rfind("step-");
        if (name != path.npos && std::sscanf(path.c_str() + name, "step-%d.json", &step) == 1)
          kept = std::max(kept, step);
      }
      return now ? error : 0;
    });
  }
  ~Fault() { set_faults({}); }
};

// Trains up to step 5 (saved at 2 and 4), then resumes to the end. Returns the error, if any.
std::string train_in_two(const std::string& folder, Fault& fault) try {
  fault.set();
  train_until(5, short_run(), folder, Existing::refuse);
  train(short_run(), folder, Existing::resume, {});
  set_faults({});
  return "";
} catch (const std::runtime_error& e) {
  set_faults({});
  return e.what();
}

}  // namespace

TEST_CASE("whichever disk call fails, training resumes from the last good checkpoint", "[slow]") {
  const Folder folder;
  Fault none;
  REQUIRE(train_in_two(folder / "whole", none) == "");
  const std::string whole = model_in(folder / "whole", 6);
  REQUIRE(none.calls > 100);

  int faults = 0;
  for (const int error : {ENOSPC, EIO, EINTR, half})
    for (int n = 1; n <= none.calls; ++n) {
      const std::string run = folder / "run";
      Fault fault{.at = n, .error = error};
      const std::string said = train_in_two(run, fault);
      if (!fault.met) continue;
      ++faults;
      INFO(said << " (call " << n << ", error " << error << ")");
      // A failed read may be recovered from another file, a failed write may not.
      if (error == EINTR || error == half) CHECK(said == "");
      else if (fault.must_end) CHECK(said != "");
      if (said != "") {
        CHECK(said.find(folder.path) != said.npos);
        CHECK(said.find(std::strerror(error)) != said.npos);
        CHECK(said.find('\n') == said.npos);
      }
      if (fault.kept > 0) CHECK_NOTHROW(load(run));
      const int before = train(short_run(), run, Existing::resume, {}).before;
      const bool lost = before < fault.kept || model_in(run, 6) != whole;
      CHECK_FALSE(lost);
      std::filesystem::remove_all(run);
    }
  CHECK(faults > 300);
}

TEST_CASE("a disk that stays full ends training with an error and keeps earlier checkpoints") {
  const Folder folder;
  int written = 0;
  set_faults([&written](Call call, const std::string& path) {
    written += call == Call::rename && path.ends_with("LATEST");
    return call == Call::write && written == 1 ? ENOSPC : 0;
  });
  std::string said;
  try {
    train(short_run(), folder / "run", Existing::refuse, {});
  } catch (const DiskError& e) { said = e.what(); }
  set_faults({});
  CHECK(said.find("No space left on device; free some space") != said.npos);
  CHECK(load(folder / "run").step == 2);
}

TEST_CASE("a folder that vanishes or is read-only ends training with an error") {
  const Folder folder;
  auto said = [&](const std::function<void()>& at_step_3) {
    try {
      train(short_run(), folder / "run", Existing::replace, [&](const Metrics& m) {
        if (m.step == 3) at_step_3();
      });
    } catch (const DiskError& e) { return std::string(e.what()); }
    return std::string("nothing");
  };
  CHECK(said([&] { std::filesystem::remove_all(folder / "run"); }).find("No such file") !=
        std::string::npos);
  set_faults([](Call call, const std::string& path) {
    return call == Call::open && path.ends_with("/.lock") ? EROFS : 0;
  });
  std::filesystem::create_directory(folder / "run");
  CHECK(said([] {}).find("Read-only file system") != std::string::npos);
  set_faults({});
}

TEST_CASE("a folder belongs to one process at a time, but not to a dead one") {
  const Folder folder;
  {
    const FolderLock lock(folder.path);
    try {
      train(short_run(), folder.path, Existing::refuse, {});
      FAIL("two at once");
    } catch (const UsageError& e) {
      CHECK(e.what() == folder.path + ": process " + std::to_string(::getpid()) +
                            " is at work in it; wait for it or choose another folder");
    }
  }
  CHECK_FALSE(std::filesystem::exists(folder / ".lock"));
  const pid_t child = ::fork();
  if (child == 0) {
    new FolderLock(folder.path);
    ::raise(SIGKILL);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  REQUIRE(WIFSIGNALED(status));
  CHECK(std::filesystem::exists(folder / ".lock"));
  CHECK_NOTHROW(train(short_run(), folder.path, Existing::refuse, {}));
}

TEST_CASE("a lock that children of a zombie process still hold is waited for") {
  const Folder folder;
  const pid_t child = ::fork();
  if (child == 0) {
    new FolderLock(folder.path);
    if (::fork() == 0) ::usleep(300'000);
    ::_exit(0);
  }
  siginfo_t ended{};
  ::waitid(P_PID, id_t(child), &ended, WEXITED | WNOWAIT);  // it stays a zombie
  CHECK_NOTHROW(FolderLock(folder.path));
  ::waitpid(child, nullptr, 0);
}
