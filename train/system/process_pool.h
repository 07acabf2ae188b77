#pragma once
#include <functional>
#include <string>
#include <vector>

#include "train/system/exit_code.h"

/// \file
/// The only place that starts other processes.
namespace yonder {

/// Reports one line to the supervising process; lines are at most a few hundred bytes.
using ProgressCallback = std::function<void(const std::string&)>;

/// Result of a job.
struct TaskResult {
  std::string reason;            ///< why it failed; "": it did not
  ExitCode code = ExitCode::ok;  ///< exit code of the failure
  std::string result;            ///< what it returns
  std::string archive;           ///< files that it wrote on another disk (dir_archive.h)
  int signal = 0;                ///< that ended it early; 0: none
};

/// What `work` returns, or how it failed.
TaskResult result_of_work(const std::function<std::string()>& work);

/// Work split into jobs. run() forks a process for each, so that it has threads of its own and a
/// crash of one does not affect the others; hand_to_ranks() (work_queue.h) sends them to MPI ranks
/// and ignores `at_once` and `work`.
struct Jobs {
  int count = 0;    ///< jobs
  int at_once = 1;  ///< child processes
  std::function<std::string(int job, const ProgressCallback&)>
      work;                              ///< in the child; returns the result
  std::function<void(int job)> started;  ///< in the parent, like all below
  std::function<void(int job, const std::string& line)> on_progress;  ///< from the job
  std::function<void(int job, const TaskResult&)> ended;              ///< run(): unless by a signal
  std::function<void()> tick;                                         ///< several times a second
};

/// Runs jobs 0, 1, … in order. No parallel loop of more than one thread may have run in this
/// process: OpenMP's threads do not survive a fork. After a signal (signals.h) to this process, or
/// SIGTERM to a job, running jobs get SIGTERM, on which train() saves, and no more are started. If
/// the system refuses another process or pipe, fewer jobs run at once. Returns the signal, or 0.
int run(const Jobs&);

/// Runs a program and waits for it. What it writes to stderr goes to `errors`. Returns its exit
/// code: 127 if there is no such program, 1 if it could not be started or a signal ended it.
int run_program(const std::vector<std::string>& command, std::string& errors);

}  // namespace yonder
