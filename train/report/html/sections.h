#pragma once
#include <string>
#include <vector>

#include "train/report/html/page.h"
#include "train/report/plots.h"
#include "train/results/study.h"

/// \file
/// The sections of report.html, each a string of HTML, "" where a study has nothing to fill it.
namespace yonder {

/// Draws charts and gives them back as parts of the page.
class Pictures {
 public:
  Pictures(std::string folder, Png png) : folder_(std::move(folder)), png_(png) {}

  /// A <figure>; "" for a chart without a point, or if gnuplot can't. The caption is HTML.
  std::string figure(const Chart&, const std::string& caption = "");
  const std::vector<std::string>& paths() const { return paths_; }
  const std::string& problem() const { return problem_; }

 private:
  std::string folder_, problem_;
  Png png_;
  bool can_draw_ = true;
  std::vector<std::string> paths_;
};

/// Each panel's rows × lengths, coloured by how much worse a cell is than its model at the trained
/// length, with the price at the trained length in the same row.
std::string matrix(const Study&, const Palette&);

/// How many seeds solve each task, by row and length; "" for texts and for a single seed.
std::string solved(const Study&, const Palette&);

/// Loss by position at the longest length, against the windowed model: who uses far context.
std::string positions(const Study&, const Palette&, Pictures&);

/// What is in the weights: bias, similarity, trajectory, frequencies, read from the first trained
/// cell of each encoding in `runs`; and accuracy by lag × length.
std::string learned(const Study&, const Palette&, Pictures&, const std::vector<std::string>& runs);

/// Published claims and what became of them; each row against the next one; and how far scores
/// jump between the last checkpoints.
std::string judged(const Study&, const Palette&);

/// Curves, scores over training, parameters, rates and times.
std::string training(const Study&, const Palette&, Pictures&);

/// The protocol, the configuration and the machine of each run, and the command.
std::string protocol(const Study&, const std::vector<std::string>& runs);

/// The label of a row with the colour and marker of its pictures before it.
std::string named(const Row&, const Palette&);
/// A heading for one of several panels; "" for the only one.
std::string panel_heading(const Study&, const Results&);

}  // namespace yonder
