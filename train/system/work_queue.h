#pragma once
#include <functional>
#include <string>

#include "train/system/process_pool.h"

/// \file
/// Jobs that rank 0 hands to the other ranks, one at a time to each, in numerical order.
namespace yonder {

/// On rank 0: has the other ranks do all jobs, each as described by `request`; `work` and `at_once`
/// are not used, and `ended` is called also for a job that a signal ended. After a signal
/// (signals.h), here or on any rank, busy ranks are asked to save and stop, and no more jobs are
/// started. Returns the signal, or 0.
int hand_to_ranks(const Jobs&, const std::function<std::string(int job, int rank)>& request);

/// Ends the others' worker_loop(), which returns `signal`.
void shut_down(int signal);

/// On the other ranks: handles requests until shut down. `work` has to call `say` regularly, since
/// only then can it receive a request to stop, which sets Interruptible::signal(). Returns the
/// signal of shut_down().
int worker_loop(
    const std::function<TaskResult(const std::string& request, const ProgressCallback& say)>& work);

}  // namespace yonder
