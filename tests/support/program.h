#pragma once
#include <chrono>
#include <functional>
#include <thread>
#include "tests/support/catch.h"

#include <fcntl.h>

#include "core/options.h"
#include "tests/support/binary.h"

/// \file
/// The yonder program while it works.
namespace yonder {

inline double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

inline void wait(double seconds) {
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
}

// Waits until `there`, for three minutes at most.
inline void wait_for(const std::function<bool()>& there) {
  for (const double end = now() + 180; !there();) {
    REQUIRE(now() < end);
    wait(0.005);
  }
}

// The program at work, silent, with its process id. A variable may stand before it as env takes it.
struct Program {
  pid_t pid;
  explicit Program(const std::string& arguments, const std::string& variable = "") : pid(::fork()) {
    if (pid != 0) return;
    ::dup2(::open("/dev/null", O_WRONLY), 1);
    ::dup2(1, 2);
    std::vector<std::string> words = split(std::string(YONDER_BINARY) + " " + arguments, ' ');
    if (!variable.empty()) words.insert(words.begin(), {"env", variable});
    std::vector<char*> argv;
    for (std::string& w : words) argv.push_back(w.data());
    argv.push_back(nullptr);
    ::execvp(argv[0], argv.data());
    ::_exit(127);
  }
  // The exit code; −1 if it died.
  int end() const {
    int status = 0;
    ::waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
};

}  // namespace yonder
