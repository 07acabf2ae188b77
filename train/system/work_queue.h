#pragma once
#include <functional>
#include <string>

#include "train/system/process_pool.h"

/// \file
/// Jobs that rank 0 hands to the other ranks, one at a time to each, in the order of their numbers.
namespace yonder {

/// At rank 0: has all jobs done by the other ranks, which are told of each what `request` says;
/// `work` and `at_once` are not used, and `ended` hears of a job that a signal ended too. A signal
/// (signals.h), here or at any rank, asks those at work to save and end, and starts no more.
/// Returns the signal, or 0.
int hand_to_ranks(const Jobs&, const std::function<std::string(int job, int rank)>& request);

/// Ends the others' worker_loop(), which returns `signal`.
void shut_down(int signal);

/// At the other ranks: does what is asked until they are shut down. While it works, `work` calls
/// `say` every so often, since that is when it hears that it has to end: Interruptible::signal() is
/// set from then on.
int worker_loop(
    const std::function<TaskResult(const std::string& request, const ProgressCallback& say)>& work);

}  // namespace yonder
