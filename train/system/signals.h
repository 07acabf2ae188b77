#pragma once
#include <stdexcept>
#include <string>

/// \file
/// Signals that ask work to end: SIGINT, SIGTERM, SIGHUP, and SIGUSR1 for "save, to be continued".
/// Resumable work polls for them between its steps, saves, and throws Interrupted.
///
/// No signal has a handler. oneDNN's generated sgemm runs with the stack pointer inside a workspace
/// on the heap, where a handler's frame overwrites whatever lies below it (uxlfoundation/oneDNN
/// #4845). So the signals are blocked in every thread, and a dedicated thread waits for them.
namespace yonder {

/// A signal ended work after all that it needs to resume was saved. Its text says how.
struct Interrupted : std::runtime_error {
  int signal;  ///< its number
  /// A signal and what was done about it.
  Interrupted(int s, const std::string& text) : std::runtime_error(text), signal(s) {}
};

/// For main(), before it starts another thread. From then on the signals above, except ignored
/// ones, are noted for an Interruptible or, if none is alive, end the process as by default;
/// exceeding a file size limit becomes an error of the write. Without this call a program's signals
/// stay its own, and no Interruptible ever sees one.
void take_signals();

/// Restores the signals between fork and exec of another program. Async-signal-safe.
void release_signals();

/// While it is alive, signals are noted, and so is SIGPIPE in the thread that created it: nobody
/// reads its output any more. A second SIGINT or SIGTERM ends the process at once, unless it
/// arrives within 0.1 s: timeout(1) and others send one signal twice, to the process and to its
/// group. A nested Interruptible has no effect: what the outer one has noted stays.
class Interruptible {
 public:
  Interruptible();
  ~Interruptible();
  Interruptible(const Interruptible&) = delete;
  Interruptible& operator=(const Interruptible&) = delete;

  /// The first signal since the outermost Interruptible was created, or 0.
  static int signal();
  /// Acts as if `signal` had arrived.
  static void note(int signal);
};

/// For a process that was forked to do part of its parent's work: only SIGTERM counts, which
/// arrives when the parent asks for it or ends, even by SIGKILL; a second one has no effect. Other
/// signals sent to both are for the parent to handle.
void serve_parent();

}  // namespace yonder
