#pragma once
#include <stdexcept>
#include <string>

/// \file
/// What a program ends with: exit codes, and the sentences that go with them.
namespace yonder {

/// Exit codes. A signal has its own: 128 + its number, but 75 for SIGUSR1 (signals.h).
enum Exit {
  fine = 0,
  failed = 1,
  usage = 2,
  bad_file = 3,
  diverged = 4,
  cells_failed = 5,
  disk = 6
};

struct ExitStatus {
  int code;
  std::string text;  ///< one sentence
};

/// In a catch clause: what was thrown.
ExitStatus current_exit_status();

/// An error that every rank (mpi.h) throws alike, so that one of them says it and all can leave.
struct SharedError : std::runtime_error {
  int code;  ///< of the exit
  explicit SharedError(const ExitStatus& e) : std::runtime_error(e.text), code(e.code) {}
};

}  // namespace yonder
