#pragma once
#include <string>
#include <vector>

#include "models/transformer.h"
#include "train/report/chart.h"

/// \file
/// What a trained encoding looks like, asked of it through its own hooks, so that encodings and
/// models need not know that there is a report.
namespace yonder {

/// What each head adds to a score by distance, up to `longest` tokens, as the last query of a
/// sequence of `longest` sees it; less the bias at distance 0, since softmax does not see a
/// constant. All layers that have it share it. A chart without lines unless one of the parts is a
/// bias.
Chart biases(Transformer&, int longest, const Style&);

/// Tokens per full turn of each pair of columns that turns, a line for each row's frequencies.
struct Turns {
  Row row;                     ///< the encoding
  std::vector<double> tokens;  ///< [pairs] 2π/w_m
};
/// Of a loaded model, its test options included.
Turns turns(Transformer&, const Row&, int longest);
/// Rows whose frequencies are those of the first are left out, unless it is the first.
Chart frequencies(const std::vector<Turns>&, int trained, int longest, const Palette&);

/// The path of what an encoding adds by position (Probe::path), up to `longest` positions,
/// projected on the two directions in which the trained part of it varies most, as far as it stays
/// within twice that part's reach. A chart without lines for any other encoding.
Chart trajectory(Transformer&, int longest, const Style&);

/// Cosine similarity of rows of a learned table, each two of at most 32 positions.
struct Similarity {
  std::vector<int> at;                      ///< positions
  std::vector<std::vector<double>> cosine;  ///< [at][at]
};
/// Of the encoding with Probe::table; empty unless there is one.
Similarity similarity(const Transformer&);
/// A square for each two positions, the more opaque the farther from 0.
std::string similarity_svg(const Similarity&, Svg);

}  // namespace yonder
