#pragma once
#include <stdexcept>
#include <string>

/// \file
/// What a program ends with: exit codes, and the sentences that go with them.
namespace yonder {

/// What every command exits with; scripts rely on the numbers.
enum class ExitCode : int {
  ok = 0,
  failed = 1,            ///< for any reason that has no code of its own
  usage = 2,             ///< an option, value or configuration is not allowed
  bad_file = 3,          ///< a file can't be read as what it should be
  diverged = 4,          ///< loss, gradient or parameter is not finite
  runs_failed = 5,       ///< some runs of a sweep
  disk = 6,              ///< refused a write
  to_be_continued = 75,  ///< saved, try again later (sysexits.h)
  signalled = 128,       ///< plus the number of the signal
};

/// What a signal ends with after all is saved: `signalled` + its number, but `to_be_continued` for
/// SIGUSR1.
ExitCode exit_code(int signal);

struct ExitStatus {
  ExitCode code;
  std::string text;  ///< one sentence
};

/// In a catch clause: what was thrown.
ExitStatus current_exit_status();

/// An error that every rank (mpi.h) throws alike, so that one of them says it and all can leave.
struct SharedError : std::runtime_error {
  ExitCode code;
  explicit SharedError(const ExitStatus& e) : std::runtime_error(e.text), code(e.code) {}
};

}  // namespace yonder
