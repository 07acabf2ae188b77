#pragma once
#include <stdexcept>
#include <string>

/// \file
/// Signals that ask work to end: SIGINT, SIGTERM, and SIGUSR1 for "save, to be continued". Work
/// that can be continued notes them, ends its step, saves, and throws Interrupted.
namespace yonder {

/// Work was ended by a signal after all that it needs to go on was saved. Its text says how.
struct Interrupted : std::runtime_error {
  int signal;
  Interrupted(int s, const std::string& text) : std::runtime_error(text), signal(s) {}
};

/// What a program exits with after a signal: 130 for SIGINT, 143 for SIGTERM, 75 ("try again
/// later", sysexits.h) for SIGUSR1.
int exit_code(int signal);

/// Notes these signals instead of dying, as long as it lives; those that are ignored stay so. A
/// second SIGINT or SIGTERM ends the process at once, unless it comes within 0.1 s: timeout(1) and
/// others send one wish twice, to the process and to its group. Within another one it adds nothing:
/// what the outer has noted stays.
class Interruptible {
 public:
  Interruptible();
  ~Interruptible();
  Interruptible(const Interruptible&) = delete;
  Interruptible& operator=(const Interruptible&) = delete;

  /// The first signal that came since the outermost Interruptible began, or 0.
  static int signal();
};

/// For a process that was forked to do a part of another's work: SIGINT is the other's to decide,
/// SIGTERM comes when the other ends, even by SIGKILL, and a second one means nothing more.
void serve_parent();

}  // namespace yonder
