#pragma once
#include <stdexcept>
#include <string>

/// \file
/// Exit codes of the program, and the sentences that go with them.
namespace yonder {

/// Exit codes of all commands; scripts rely on the numbers.
enum class ExitCode : int {
  ok = 0,
  failed = 1,            ///< for a reason without its own code
  usage = 2,             ///< an option, value or configuration is not allowed
  bad_file = 3,          ///< a file can't be read as what it should be
  diverged = 4,          ///< loss, gradient or parameter is not finite
  runs_failed = 5,       ///< some runs of a sweep
  disk = 6,              ///< the disk refused a write
  to_be_continued = 75,  ///< saved, try again later (sysexits.h)
  signalled = 128,       ///< plus the number of the signal
};

/// Exit code after a signal: `signalled` + its number, but `to_be_continued` for SIGUSR1.
ExitCode exit_code(int signal);

/// How a command ended.
struct ExitStatus {
  ExitCode code;     ///< of the process
  std::string text;  ///< one sentence
};

/// The status for the exception being handled; to be called in a catch clause.
ExitStatus current_exit_status();

/// An error that all ranks (mpi.h) throw alike, so that one of them reports it and all can exit.
struct SharedError : std::runtime_error {
  ExitCode code;  ///< of every rank's process
  /// With the sentence and code of `e`.
  explicit SharedError(const ExitStatus& e) : std::runtime_error(e.text), code(e.code) {}
};

}  // namespace yonder
