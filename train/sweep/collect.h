#pragma once
#include <string>
#include <vector>

#include "train/results/study.h"

namespace yonder {

/// The input of a report: a study, and a note to the reader.
struct Found {
  Study study;       ///< all finished runs
  std::string note;  ///< "Unfinished: 12 of the 30 runs …" if some are missing; else empty
};

/// Whether `path` is a results.csv rather than a folder: it ends in .csv.
bool is_csv(const std::string& path);

/// The study in the folder of a sweep: its results.json, or the finished cells of an unfinished
/// sweep; or that of a results.csv alone. Throws FileError, one sentence, if there is no finished
/// cell or a file is damaged.
Found find_study(const std::string& folder);

/// Joins several studies: panels of the same task, test, protocol and variant become one with the
/// rows and seeds of all; other panels are kept. Errors refer to the studies by `names`. Throws
/// UsageError if panels that would become one differ in training length, data, model or training
/// settings, or have the same row and seed.
Study merged(const std::vector<Study>&, const std::vector<std::string>& names);

}  // namespace yonder
