#pragma once
#include <string>
#include <vector>

#include "train/results/study.h"
#include "train/sweep/experiment.h"
#include "train/system/progress.h"

/// \file
/// Trains every cell (variant × encoding × seed) and tests it at every length, in each of its rows.
namespace yonder {

/// How a sweep begins: in a folder without a run, over the run in it, or continuing that.
enum class Start { fresh, over, resumed };

/// A sweep under way: what is finished stays so whatever happens to the rest.
struct SweepEnd {
  Study study;     ///< all results
  int signal = 0;  ///< that ended it early; the study is then empty
};

/// Runs the sweep into `folder`:
///   config.toml  environment.json  texts.txt  results.csv  results.json
///   cells/{encoding}-{task}-s{seed}/{a run's folder, scores.json, DONE or FAILED}
/// Where learning rates are to be chosen, each encoding is first trained once at each of them, with
/// the first seed, and keeps the one whose loss on validation data is least; beyond the trained
/// length nothing is looked at. Cells are processes of one thread each, as many at once as there
/// are threads; no bit depends on that. If mpirun has started several ranks, every one of them
/// calls it: rank 0 hands the cells to the others, what is likely to take longest first; the
/// others' study is empty. A cell that fails is recorded and the rest go on. Everything is checked
/// before the folder is touched: UsageError, FileError; resuming asks for the same settings and
/// texts as before. `command` is noted as what makes the study again.
SweepEnd sweep(const Experiment&, const std::string& folder, Start, const std::string& command,
               Progress&);

/// What a sweep refuses before it touches its folder: UsageError, FileError.
void require_possible(const Experiment&);

/// What `sweep` would do, in words: the configuration, cells with their parameters, the time that
/// they are likely to take on this machine (from a few steps of each encoding) and the memory.
/// For each number of `ranks` also the time under mpirun on processors like this machine's.
std::string dry_run(const Experiment&, Progress&, const std::vector<int>& ranks = {});

/// The results of a folder; FileError if there are none.
Study read_study(const std::string& folder);

}  // namespace yonder
