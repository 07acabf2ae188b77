#pragma once
#include <functional>
#include <string>

#include "train/system/process_pool.h"

/// \file
/// Jobs that rank 0 hands to the other ranks, one at a time to each, in the order of their numbers.
namespace yonder {

/// At rank 0.
struct HandOut {
  int count = 0;
  std::function<std::string(int job, int rank)> request;        ///< what the rank is told of it
  std::function<void(int job)> started;                         ///< these may be empty
  std::function<void(int job, const std::string& line)> heard;  ///< what the job says
  std::function<void(int job, const Answer&)> ended;            ///< one that a signal ended too
  std::function<void()> tick;                                   ///< several times a second
};

/// Has all jobs done. SIGINT, SIGTERM or SIGUSR1, here or at any rank, asks those at work to save
/// and end, and starts no more. Returns the signal, or 0.
int hand_out(const HandOut&);

/// Ends the others' `serve`, which returns `signal`.
void dismiss(int signal);

/// At the other ranks: does what is asked until they are dismissed. While it works, `work` calls
/// `say` every so often, since that is when it hears that it has to end: Interruptible::signal() is
/// set from then on.
int serve(const std::function<Answer(const std::string& request, const Say& say)>& work);

}  // namespace yonder
