#pragma once
#include <string>
#include <vector>

#include "train/report/chart.h"
#include "train/results/study.h"

/// \file
/// The charts of a study as files for a paper: without a title, every line labelled.
namespace yonder {

/// File format. PDF and PNG are made by librsvg's rsvg-convert; TikZ is a document of class
/// standalone that needs pgfplots.
enum class FigureKind { svg, pdf, png, tikz };

/// Writes each panel's measures over length and loss by position, performance profile and mean
/// ranks to `folder`/NAME.svg etc. Returns the paths. Throws UsageError without rsvg-convert,
/// DiskError.
std::vector<std::string> write_figures(const Study&, const std::string& folder, FigureKind);

/// A TikZ document of 3.3 × 2.2 inches in 8-point type.
std::string tikz_of(const Chart&);

}  // namespace yonder
