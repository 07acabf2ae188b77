#pragma once
#include <string>

#include "train/sweep/cost_model.h"
#include "train/system/work_queue.h"

/// \file
/// What rank 0 of a sweep asks of the other ranks. Where they see its folder, a cell is made in its
/// place; else in a temporary folder of their own, and comes and goes as a message.
namespace yonder {

/// Whether the time of a cell's steps is only measured, the cell tried at a learning rate, or
/// trained and tested.
enum class Work { measured, trial, whole };

/// Which ranks see the files that rank 0 writes into `folder`, each rank's own answer among them.
/// Every rank calls it, and rank 0 has the folder.
std::vector<bool> who_sees(const std::string& folder);

/// The request for a cell; `archive` is what there is of it already.
std::string request_for(const Experiment&, Work, const Cell&, const std::string& archive);

/// The part of a rank other than 0: runs tasks until it is shut down; returns its signal, or 0.
int run_remote_tasks(const Experiment&, const std::string& folder, bool seen);

/// A measured cost as the result of an answer, and back.
std::string text_of(const Cost&);
/// Reads what the other rank wrote.
Cost cost_of(const std::string& text);

}  // namespace yonder
