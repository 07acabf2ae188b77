#pragma once
#include <stdexcept>
#include <string>

/// \file
/// Signals that ask work to end: SIGINT, SIGTERM, SIGHUP, and SIGUSR1 for "save, to be continued".
/// Work that can be continued asks for them between its steps, saves, and throws Interrupted.
///
/// No signal has a handler. oneDNN's generated sgemm runs with the stack pointer inside a workspace
/// on the heap, where a handler's frame overwrites whatever lies below it (uxlfoundation/oneDNN
/// #4845). So the signals are blocked in every thread, and a thread of its own waits for them.
namespace yonder {

/// Work was ended by a signal after all that it needs to go on was saved. Its text says how.
struct Interrupted : std::runtime_error {
  int signal;
  Interrupted(int s, const std::string& text) : std::runtime_error(text), signal(s) {}
};

/// For main(), before there is another thread: from now on the signals above, but for those that
/// are ignored, are noted for an Interruptible or, where none lives, end the process as they would
/// by themselves; what exceeds a limit of a file's size is an error of the write. Without this
/// call a program's signals stay its own, and no Interruptible ever sees one.
void take_signals();

/// Between fork and exec of another program: gives the signals back. Async-signal-safe.
void release_signals();

/// As long as it lives, signals are noted, and so is SIGPIPE of the thread that made it: nobody
/// reads what it reports any more. A second SIGINT or SIGTERM ends the process at once, unless it
/// comes within 0.1 s: timeout(1) and others send one signal twice, to the process and to its
/// group. An inner Interruptible adds nothing: what the outer has noted stays.
class Interruptible {
 public:
  Interruptible();
  ~Interruptible();
  Interruptible(const Interruptible&) = delete;
  Interruptible& operator=(const Interruptible&) = delete;

  /// The first signal that came since the outermost Interruptible began, or 0.
  static int signal();
  /// As if `signal` had come.
  static void note(int signal);
};

/// For a process that was forked to do a part of another's work: SIGTERM alone counts, which comes
/// when the other asks or ends, even by SIGKILL; a second one means nothing more. What else is sent
/// to both of them is the other's to decide.
void serve_parent();

}  // namespace yonder
