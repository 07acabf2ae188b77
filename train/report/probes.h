#pragma once
#include <string>
#include <vector>

#include "models/transformer.h"
#include "train/report/chart.h"

/// \file
/// Charts of a trained encoding, drawn through its own hooks, so that encodings and models do not
/// depend on the report.
namespace yonder {

/// What each head of the first layer with a bias adds to the scores of the last of `longest`
/// tokens, by distance, relative to distance 0, since softmax ignores constants. A chart without
/// lines unless a component is a bias.
Chart biases(Transformer&, int longest, const Style&);

/// Wavelengths of a row: tokens per full turn of each pair of dimensions that rotates.
struct Wavelengths {
  Row row;                     ///< encoding and overrides
  std::vector<double> tokens;  ///< [pairs] 2π/w_m
};
/// Those of a loaded model, inference-time overrides included.
Wavelengths wavelengths(Transformer&, const Row&, int longest);
/// A line per row; omits later rows with the same frequencies as the first.
Chart frequencies(const std::vector<Wavelengths>&, int trained, int longest, const Palette&);

/// The path of what an encoding adds by position (Probe::path), up to `longest` positions,
/// projected onto the first two principal components of its trained part, up to where it leaves
/// twice that part's radius. A chart without lines for any other encoding.
Chart trajectory(Transformer&, int longest, const Style&);

/// Pairwise cosine similarity of the rows of a learned table, at up to 32 positions.
struct Similarity {
  std::vector<int> at;                      ///< positions
  std::vector<std::vector<double>> cosine;  ///< [at][at]
};
/// That of the component with Probe::table; empty if there is none.
Similarity similarity(const Transformer&);
/// One square per pair of positions, the more opaque, the farther from 0.
std::string similarity_svg(const Similarity&, Svg);

}  // namespace yonder
