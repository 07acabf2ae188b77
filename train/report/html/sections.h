#pragma once
#include <fmt/core.h>
#include <functional>
#include <string>
#include <vector>

#include "train/report/html/render.h"
#include "train/report/plots.h"
#include "train/results/study.h"

/// \file
/// The sections of report.html, each as data for page.mustache; null if there is nothing to show.
namespace yonder {

/// A file name of safe characters, from the first 80 bytes of `wanted`.
std::string file_name(const std::string& wanted);

/// Writes pictures as SVG files into a folder, and adds them to the figures of the page.
class Pictures {
 public:
  /// Writes into this folder.
  explicit Pictures(std::string folder) : folder_(std::move(folder)) {}

  /// Adds figure.mustache's data to `figures`, unless the chart has no point.
  void add(Json& figures, const Chart&);
  /// The same for a picture that is not a chart.
  void add(Json& figures, const std::string& name, const std::string& title,
           const std::string& caption, const std::function<std::string(Svg)>& drawn);
  /// Paths of the files written, in order.
  const std::vector<std::string>& paths() const { return paths_; }

 private:
  std::string folder_;
  std::vector<std::string> paths_;
};

/// Rows across tasks: interquartile means, ranks, profile, pairs; null without a shared multiple.
Json across_section(const Study&, const Palette&, Pictures&);

/// Each panel's rows × lengths, coloured by how much worse a cell is than its model at the training
/// length, with the mean over unseen lengths and the cost at the training length.
Json matrix_section(const Study&, const Palette&);

/// How many seeds solve each task, by row and length; null for texts and for a single seed.
Json solved_section(const Study&, const Palette&);

/// Loss by position at the longest length, against the windowed model: which rows use far context.
Json positions_section(const Study&, const Palette&, Pictures&);

/// Attention statistics at each length; null if no model was observed.
Json attention_section(const Study&, const Palette&, Pictures&);

/// What is in the weights: bias, similarity, trajectory, frequencies, read from the first trained
/// cell of each encoding in `runs`; and accuracy by lag × length.
Json learned_section(const Study&, const Palette&, Pictures&, const std::vector<std::string>& runs);

/// Verdicts on published claims and on predictions; each row against the next one; and how much
/// scores vary between the last checkpoints.
Json verdicts_section(const Study&, const Palette&);

/// Training loss, scores over training, parameters, learning rates and times.
Json training_section(const Study&, const Palette&, Pictures&);

// Building blocks of tables.
/// Head of a column, with a small line under it.
Json head(const std::string& text, const std::string& under = "");
/// A cell; `look` is its CSS class.
inline Json cell(const std::string& text, const std::string& look = "") {
  return {{"text", text}, {"look", look}};
}
/// A row's printed name after its marker, followed by `sign`.
Json named(const Row&, const Palette&, const std::string& sign = "");
/// A table line for a row; pointing at it highlights the row in the charts.
Json line_of(const Row&, const Palette&, Json cells);
/// The tables of a panel: [table], or [] without lines.
Json tables_of(const std::string& name, const std::string& kind, Json heads, Json lines);
/// {"panels": […]} of the panels, each {"panel": title, "" if it is the only one}, that `fill`
/// extends and keeps by returning true; null if it keeps none.
Json panels_of(const Study&, const std::function<bool(const Results&, Json& panel)>& fill);
/// Column heads of a panel's lengths: "128", "2×".
Json length_heads(const Results&, const std::string& first);
/// "+0.12" or "−0.12", with a minus sign as wide as the plus.
std::string with_sign(double x, int digits);
/// A text in parts, with links for the arXiv papers and kexue.fm pages that it names.
Json linked(const std::string& text);
/// A number in a format; "" for NaN.
std::string number(double x, fmt::format_string<double&> format);

}  // namespace yonder
