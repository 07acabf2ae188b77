#pragma once
#include <fcntl.h>

#include <chrono>
#include <functional>
#include <thread>

#include "core/options.h"
#include "tests/support/binary.h"
#include "tests/support/catch.h"

/// \file
/// The yonder program while it runs.
namespace yonder {

inline void wait(double seconds) {
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
}

/// Waits until `there` returns true, for at most three minutes.
inline void wait_for(const std::function<bool()>& there) {
  const auto now = [] { return std::chrono::steady_clock::now(); };
  for (const auto end = now() + std::chrono::minutes(3); !there();) {
    REQUIRE(now() < end);
    wait(0.005);
  }
}

/// The running program with these arguments, separated by blanks, and its process id. `variable`,
/// NAME=VALUE, is set in its environment. Its stderr goes to the file `errors`.
struct Program {
  pid_t pid;
  explicit Program(const std::string& arguments, const std::string& variable = "",
                   const std::string& errors = "/dev/null")
      : pid(::fork()) {
    if (pid != 0) return;
    ::dup2(::open("/dev/null", O_WRONLY), 1);
    ::dup2(::open(errors.c_str(), O_WRONLY | O_CREAT, 0600), 2);
    std::vector<std::string> words = split(std::string(YONDER_BINARY) + " " + arguments, ' ');
    std::erase(words, "");
    if (!variable.empty()) words.insert(words.begin(), {"env", variable});
    std::vector<char*> argv;
    for (std::string& w : words) argv.push_back(w.data());
    argv.push_back(nullptr);
    ::execvp(argv[0], argv.data());
    ::_exit(127);
  }
  /// Waits for its end and returns the exit code; −1 if a signal killed it.
  int end() const {
    int status = 0;
    ::waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
};

/// Ids of a process's children.
inline std::vector<std::string> children_of(pid_t parent) {
  std::vector<std::string> pids;
  for (const auto& process : std::filesystem::directory_iterator("/proc")) {
    const std::string status = content_of(process.path().string() + "/status");
    if (status.find("\nPPid:\t" + std::to_string(parent) + "\n") != std::string::npos)
      pids.push_back(process.path().filename().string());
  }
  return pids;
}

}  // namespace yonder
