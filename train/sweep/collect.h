#pragma once
#include <string>
#include <vector>

#include "train/results/study.h"

namespace yonder {

/// What a report is made of: a study, and what the reader has to know first.
struct Found {
  Study study;       ///< all that is done
  std::string note;  ///< "unfinished: 12 of 30 cells that were begun are done"; else empty
};

/// Whether a report is asked of a results.csv alone: the path of a file that ends in .csv.
bool is_csv(const std::string& path);

/// The study of a run's folder: its results.json; of an unfinished run what its finished cells
/// hold; of a results.csv alone what it has. FileError, one sentence, where there is no cell to
/// report on, or a file is damaged.
Found find_study(const std::string& folder);

/// Several studies as one: their panels side by side; panels of the same task, test, protocol and
/// variant become one with the rows and seeds of all. `names` are what errors call them. UsageError
/// where that can't be: other trained lengths, data, models or ways of training for the same panel,
/// or the same row and seed twice.
Study joined(const std::vector<Study>&, const std::vector<std::string>& names);

}  // namespace yonder
