#pragma once
#include <string>
#include <vector>

#include "train/progress.h"
#include "train/run.h"
#include "train/study.h"

/// \file
/// Trains every cell (encoding × seed) and tests it at every length, in each of its rows.
namespace yonder {

struct SweepConfig {
  RunConfig base;            ///< encoding is set cell by cell; seed is the first of `seeds`
  std::vector<Row> rows;     ///< rows of an encoding share its trained models
  std::vector<int> lengths;  ///< items for tasks, tokens for text; the trained one is added
  int seeds = 3;
  int examples = 0;  ///< at each length; 0: the task's own number
};

/// How a sweep begins: in a folder without a run, over the run in it, or going on with that.
enum class Start { fresh, over, resumed };

/// A sweep under way: what is finished stays so whatever happens to the rest.
struct SweepEnd {
  Study study;
  int signal = 0;  ///< SIGINT or SIGTERM if one of them ended it early; the study is then empty
};

/// Runs the sweep into `folder`:
///   config.json  environment.json  results.csv  results.json
///   cells/{encoding}-{task}-s{seed}/{a run's folder, scores.json, DONE or FAILED}
/// Cells are processes of one thread each, as many at once as there are threads; no bit depends on
/// that. A cell that fails is recorded and the rest go on. Everything is checked before the folder
/// is touched: UsageError, FileError; resuming asks for the same settings as before.
SweepEnd sweep(const SweepConfig&, const std::string& folder, Start, Progress&);

/// The results of a folder; FileError if there are none.
Study read_study(const std::string& folder);

}  // namespace yonder
