#pragma once
#include <string>
#include <vector>

#include "train/results/study.h"

/// \file
/// report.html: a whole study on one page, without network, readable without script. What is on it
/// is page.mustache, how it looks page.css and chart.css, what moves page.js.
namespace yonder {

/// What a page shows beside the study.
struct PageSettings {
  /// Folders of the runs behind the study: their cells, configurations and machines are shown.
  /// None: the folder of the page itself.
  std::vector<std::string> runs;
  std::string file = "report.html";  ///< its name in the folder
  std::string note;  ///< what the reader has to know first, "12 of 30 cells are done"
};

/// What was written.
struct Written {
  std::string page;                   ///< path of the page
  std::vector<std::string> pictures;  ///< paths of the SVG files
};

/// Writes `{folder}/{file}` and its pictures, which are inside the page too, to `{folder}/plots`.
Written write_report(const Study&, const std::string& folder, const PageSettings& = {});

}  // namespace yonder
