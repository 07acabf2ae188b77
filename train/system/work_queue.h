#pragma once
#include <functional>
#include <string>

#include "train/system/process_pool.h"

/// \file
/// Jobs that rank 0 hands to the other ranks, one at a time to each, in the order of their numbers.
namespace yonder {

/// At rank 0; functions that give nothing back may be empty.
struct WorkQueue {
  int count = 0;                                          ///< jobs
  std::function<std::string(int job, int rank)> request;  ///< what the rank is told of it
  std::function<void(int job)> started;                   ///< a rank begins it
  std::function<void(int job, const std::string& line)> on_progress;  ///< what the job says
  std::function<void(int job, const TaskResult&)> ended;  ///< one that a signal ended too
  std::function<void()> tick;                             ///< several times a second

  /// Has all jobs done. A signal (signals.h), here or at any rank, asks those at work to save and
  /// end, and starts no more. Returns the signal, or 0.
  int run() const;
};

/// Ends the others' worker_loop(), which returns `signal`.
void shut_down(int signal);

/// At the other ranks: does what is asked until they are shut down. While it works, `work` calls
/// `say` every so often, since that is when it hears that it has to end: Interruptible::signal() is
/// set from then on.
int worker_loop(
    const std::function<TaskResult(const std::string& request, const ProgressCallback& say)>& work);

}  // namespace yonder
