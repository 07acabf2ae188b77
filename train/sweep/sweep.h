#pragma once
#include <string>
#include <vector>

#include "train/results/study.h"
#include "train/sweep/experiment.h"
#include "train/system/progress.h"

/// \file
/// Trains every cell (variant × encoding × seed) and evaluates each of its rows at all lengths.
namespace yonder {

/// How a sweep begins: in a folder without a sweep, replacing the one in it, or resuming it.
enum class Start { fresh, over, resumed };

/// How a sweep ended. Finished runs are kept whatever happens to the rest.
struct SweepEnd {
  Study study;     ///< all results
  int signal = 0;  ///< that ended it early, with an empty study; 0: none
};

/// Runs the sweep into `folder`:
///   config.toml  environment.json  texts.txt  results.csv  results.json
///   cells/{encoding}-{task}-s{seed}/{a run's folder, scores.json, DONE or FAILED}
/// If learning rates are to be chosen, each encoding is first trained once at each rate, with the
/// first seed, and keeps the rate with the lowest validation loss at the training length. Cells are
/// processes that share the threads, as many at once as threads and memory allow; results are
/// bit-identical however many. If mpirun has started several ranks, all of them call it: rank 0
/// hands the cells to the others, the longest (as estimated) first; the others' study is empty. A
/// cell that fails is recorded and the rest continue. Everything is checked before the folder is
/// touched: UsageError, FileError; resuming requires the same settings and texts as before.
/// `command` is recorded as the command that reproduces the study.
SweepEnd sweep(const Experiment&, const std::string& folder, Start, const std::string& command,
               Progress&);

/// Throws UsageError or FileError for a sweep that can't run, before its folder is touched.
void require_possible(const Experiment&);

/// Describes what `sweep` would do: the configuration, the cells with their parameters, the time
/// that they are likely to take on this machine (from a few steps of each encoding) and the memory.
/// For each number of `ranks`, also the time under mpirun on processors like this machine's.
std::string dry_run(const Experiment&, Progress&, const std::vector<int>& ranks = {});

/// Reads the results of a folder. Throws FileError if there are none.
Study read_study(const std::string& folder);

}  // namespace yonder
