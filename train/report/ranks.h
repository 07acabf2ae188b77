#pragma once
#include <string>
#include <utility>
#include <vector>

#include "train/results/across_tasks.h"
#include "train/results/study.h"

/// \file
/// Tables of rows across tasks, and the page of an atlas.
namespace yonder {

/// A table of rows, for HTML and for Markdown.
struct RowTable {
  /// Text of a cell or column head, and a small line under it.
  using Cell = std::pair<std::string, std::string>;

  std::vector<Cell> heads;                               ///< without that of the rows
  std::vector<std::pair<Row, std::vector<Cell>>> lines;  ///< each as long as `heads`
};

/// Interquartile mean with its interval, "0.62 [0.55–0.70]", and mean rank at each multiple of the
/// training length; the best rank at headline_of() comes first.
RowTable table_of_means(const std::vector<AtMultiple>&);
/// Mean rank and rank on each task, best row first; omits windowed models, which have no rank.
RowTable table_of_ranks(const AtMultiple&);

/// Markdown of a study of several tasks, independent of the order of its panels: both tables, the
/// latter for each multiple; how many seeds solve each task, with Wilson's intervals; missing runs.
/// Begins with a marker line, an HTML comment. Throws UsageError unless two tasks were evaluated at
/// the same multiple.
std::string as_ranks(const Study&);

/// The text of a file above the marker line, so that a page can be regenerated below handwritten
/// text; "" if there is no file. Throws UsageError if the file lacks the line.
std::string kept_above(const std::string& path);

}  // namespace yonder
