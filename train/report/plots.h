#pragma once
#include <string>
#include <vector>

#include "train/report/chart.h"
#include "train/results/study.h"

/// \file
/// The pictures of a study, as charts and as files.
namespace yonder {

/// Every row of every panel, in order: what a study's pictures take their colours by.
Palette palette_of(const Study&);

/// One measure over test length, on a logarithmic axis: a line for each of `rows`, seeds as a band,
/// the trained length as a vertical line, guessing and letter frequencies as thin grey ones.
Chart over_length(const Results&, const Measure&, const std::vector<Row>& rows, const Palette&);
/// The first measure over test length, in as many charts as keep it readable: all rows in one, or
/// those without extension in the first and a chart for each encoding that has some. The windowed
/// models are thin grey lines of the first.
std::vector<Chart> headline(const Results&, const Palette&);
/// Loss by position at the longest length, median of the seeds; without lines where there are no
/// curves.
Chart over_positions(const Results&, const std::vector<Row>& rows, const Palette&);
/// Loss of the batches over training, median of the seeds; of one task and variant.
Chart over_training(const Study&, const std::string& task, const std::string& variant,
                    const Palette&);

/// A measure at one length over the steps of training, median of the seeds, of rows without
/// extension; without lines where only its end was tested.
Chart over_steps(const Study&, const Results&, const Measure&, int length, const Palette&);

/// The SVG of gnuplot with a background of its own and colours that follow the reader's choice of
/// light or dark.
std::string in_light_and_dark(std::string svg);
/// The same SVG as a part of a page, which sees to the colours (`svg.chart` in its style sheet):
/// scalable, without background, its ids beginning with `prefix` so that pictures don't mix.
std::string inlined(const std::string& svg, const std::string& prefix);

enum class Png { no, too };

/// Writes a chart's script, and what gnuplot makes of it, to `{folder}/{chart.name}.svg` (and
/// .png).
struct Drawn {
  std::string path;         ///< of the SVG; "" if there is none
  std::string problem;      ///< why there is none, one sentence; else empty
  bool no_gnuplot = false;  ///< it is because gnuplot is missing
};
Drawn draw(const Chart&, const std::string& folder, Png);

}  // namespace yonder
