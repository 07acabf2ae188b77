#pragma once
#include <string>
#include <vector>

#include "train/results.h"

namespace yonder {

/// The gnuplot script, data included, that draws one measure over test length into
/// `{measure.name}.svg`: a line and a marker for each encoding, dashed where an extension is on,
/// seeds as a band, the trained length as a vertical line, names at the ends of the lines.
std::string plot_script(const Results&, const Measure&);

/// The SVG of gnuplot with a background of its own and colours that follow the reader's choice of
/// light or dark.
std::string in_light_and_dark(std::string svg);

/// Heights for labels that would like to stand at `wanted`, moved as little as needed so that each
/// two are at least `gap` apart and all lie in low..high as far as they fit.
std::vector<double> spread_labels(const std::vector<double>& wanted, double gap, double low,
                                  double high);

/// Draws every measure into `folder` as SVG, each beside its script. Returns the pictures' paths;
/// none, with the reason in `problem`, where gnuplot is missing or refuses.
std::vector<std::string> draw(const Results&, const std::string& folder, std::string& problem);

}  // namespace yonder
