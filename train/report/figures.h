#pragma once
#include <string>
#include <vector>

#include "train/report/chart.h"
#include "train/results/study.h"

/// \file
/// The charts of a study as files for a paper: no title inside, every line named.
namespace yonder {

/// What such a file is. PDF and PNG are made by librsvg's rsvg-convert, TikZ is a document of the
/// class standalone that needs pgfplots.
enum class FigureKind { svg, pdf, png, tikz };

/// Every measure over length, and loss by position, of every panel: `folder`/NAME.svg and the like.
/// Returns their paths. UsageError where the program is missing, DiskError.
std::vector<std::string> write_figures(const Study&, const std::string& folder, FigureKind);

/// A document of TikZ, 3.3 × 2.2 inches in 8 points.
std::string tikz_of(const Chart&);

}  // namespace yonder
