#pragma once
#include <string>
#include <utility>
#include <vector>

#include "train/results/across_tasks.h"
#include "train/results/study.h"

/// \file
/// Rows over many tasks as tables, and the page of an atlas.
namespace yonder {

/// A table of rows, for a page and for Markdown.
struct RowTable {
  /// What stands in a cell or a head, and in small letters under it.
  using Cell = std::pair<std::string, std::string>;

  std::vector<Cell> heads;                               ///< but that of the rows
  std::vector<std::pair<Row, std::vector<Cell>>> lines;  ///< each as long as `heads`
};

/// At each multiple the interquartile mean with its interval, "0.62 [0.55–0.70]", and the mean
/// rank; the row that ranks best at headline_of() comes first.
RowTable table_of_means(const std::vector<AtMultiple>&);
/// The mean rank and that of each task, the best row first; windowed models have none.
RowTable table_of_ranks(const AtMultiple&);

/// Markdown of a study of several tasks, the same whatever the order of its panels: both tables,
/// the latter for each multiple; the seeds that solve each task, with Wilson's intervals; what is
/// missing. It begins with a line of its own, an HTML comment. UsageError for a study without two
/// tasks at the same multiple.
std::string as_ranks(const Study&);

/// What a file has above that line, so that a page can be made again below words written by hand;
/// "" where there is no file. UsageError for a file without the line.
std::string kept_above(const std::string& path);

}  // namespace yonder
