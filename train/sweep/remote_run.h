#pragma once
#include <string>

#include "train/sweep/cost_model.h"
#include "train/system/work_queue.h"

/// \file
/// Work that rank 0 of a sweep gives to other ranks. If they see its folder, a cell is written in
/// place; else into a temporary folder of their own, and its files are sent as messages.
namespace yonder {

/// What to do with a cell: only time its steps, train it with a learning rate on trial, or train
/// and evaluate it.
enum class Work { measured, trial, whole };

/// Which ranks see the files that rank 0 writes into `folder`, by rank. Every rank calls it; rank 0
/// must have the folder.
std::vector<bool> who_sees(const std::string& folder);

/// The request for a cell; `archive` holds the files that it already has.
std::string request_for(const Experiment&, Work, const Cell&, const std::string& archive);

/// Loop of a rank other than 0: runs tasks until shut down. Returns the signal that ended it, or 0.
int run_remote_tasks(const Experiment&, const std::string& folder, bool seen);

/// The times of a measured cost as the result of a task.
std::string text_of(const Cost&);
/// Reads what text_of() wrote.
Cost cost_of(const std::string& text);

}  // namespace yonder
