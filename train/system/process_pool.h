#pragma once
#include <functional>
#include <string>
#include <vector>

#include "train/system/exit_code.h"

/// \file
/// The only door to other processes.
namespace yonder {

/// Says one line to the process that watches; lines are at most a few hundred bytes.
using ProgressCallback = std::function<void(const std::string&)>;

/// What comes back of a job.
struct TaskResult {
  std::string reason;            ///< why it failed; "": it did not
  ExitCode code = ExitCode::ok;  ///< and the exit code of that
  std::string result;            ///< what it gives back
  std::string archive;           ///< files that it made elsewhere (dir_archive.h)
  int signal = 0;                ///< that ended it before its end
};

/// What `work` gives back, or how it ended instead.
TaskResult result_of_work(const std::function<std::string()>& work);

/// Work cut into jobs. run() gives each a process of its own, so that it may have one thread, and a
/// crash of one leaves the others alone; hand_to_ranks() (work_queue.h) sends them to ranks of MPI
/// and ignores `at_once` and `work`.
struct Jobs {
  int count = 0;    ///< jobs
  int at_once = 1;  ///< child processes
  std::function<std::string(int job, const ProgressCallback&)>
      work;                              ///< in the new process; gives the result
  std::function<void(int job)> started;  ///< in this one, as all below
  std::function<void(int job, const std::string& line)> on_progress;  ///< what the job says
  std::function<void(int job, const TaskResult&)> ended;  ///< by run(): not one that SIGTERM ended
  std::function<void()> tick;                             ///< several times a second
};

/// Runs jobs 0, 1, … in order. No parallel loop of more than one thread may have run in this
/// process: OpenMP's threads do not survive a fork. A signal (signals.h) to this process, or
/// SIGTERM to a job, ends the running jobs, each by a SIGTERM that train() answers by saving, and
/// starts no more. Where the system refuses another process or pipe, fewer jobs run at once.
/// Returns the signal, or 0.
int run(const Jobs&);

/// Runs a program and waits for it. What it writes to stderr goes to `errors`. Its exit code, 127
/// if there is no such program.
int run_program(const std::vector<std::string>& command, std::string& errors);

}  // namespace yonder
