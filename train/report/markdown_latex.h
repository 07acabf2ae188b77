#pragma once
#include <string>

#include "train/results/study.h"

namespace yonder {

/// The tables of a study as Markdown: every panel and measure, median and range, the training
/// length in bold; with rankings, verdicts and predictions in words.
std::string as_markdown(const Study&);
/// The spread over seeds that is printed with a median.
enum class LatexSpread { none, range, sd };
/// The same tables for a paper, with booktabs; all text escaped.
std::string as_latex(const Study&, LatexSpread = LatexSpread::none);
/// Escapes text so that Markdown prints it literally, also in a table cell.
std::string markdown_text(const std::string&);
/// Escapes text so that LaTeX prints it literally.
std::string latex_text(const std::string&);

}  // namespace yonder
