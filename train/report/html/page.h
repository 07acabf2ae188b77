#pragma once
#include <string>
#include <vector>

#include "train/results/study.h"

/// \file
/// report.html: a whole study on one page, without network, readable without scripts. Content is in
/// page.mustache, style in page.css and chart.css, interaction in page.js.
namespace yonder {

/// What a page shows in addition to the study.
struct PageSettings {
  /// Run folders of the study, whose cells, configurations and machines are shown; empty: the
  /// folder of the page itself.
  std::vector<std::string> runs;
  std::string file = "report.html";  ///< name of the page in its folder
  std::string note;  ///< what the reader has to know first, "12 of 30 cells are done"
};

/// What was written.
struct Written {
  std::string page;                   ///< path of the page
  std::vector<std::string> pictures;  ///< paths of the SVG files
};

/// Writes `{folder}/{file}`, and its figures, which it also contains inline, to `{folder}/plots`.
Written write_report(const Study&, const std::string& folder, const PageSettings& = {});

}  // namespace yonder
