#pragma once
#include <fmt/core.h>
#include <functional>
#include <string>
#include <vector>

#include "train/report/html/render.h"
#include "train/report/plots.h"
#include "train/results/study.h"

/// \file
/// The sections of report.html, each as data for page.mustache; null where a study has nothing to
/// fill it.
namespace yonder {

/// A file's name of harmless characters, at most 80 of them.
std::string file_name(const std::string& wanted);

/// Writes pictures as SVG into a folder, and gives them back as figures of the page.
class Pictures {
 public:
  /// Writes into this folder.
  explicit Pictures(std::string folder) : folder_(std::move(folder)) {}

  /// Adds figure.mustache's data to `figures`, unless the chart has no point.
  void add(Json& figures, const Chart&);
  /// The same of a picture that is not a chart.
  void add(Json& figures, const std::string& name, const std::string& title,
           const std::string& caption, const std::function<std::string(Svg)>& drawn);
  /// Of the files written, in order.
  const std::vector<std::string>& paths() const { return paths_; }

 private:
  std::string folder_;
  std::vector<std::string> paths_;
};

/// Rows over all tasks: interquartile means, ranks, performance profile, pairs; null of one task.
Json across_section(const Study&, const Palette&, Pictures&);

/// Each panel's rows × lengths, coloured by how much worse a cell is than its model at the training
/// length, with the mean over unseen lengths and the cost at the training length.
Json matrix_section(const Study&, const Palette&);

/// How many seeds solve each task, by row and length; null for texts and for a single seed.
Json solved_section(const Study&, const Palette&);

/// Loss by position at the longest length, against the windowed model: who uses far context.
Json positions_section(const Study&, const Palette&, Pictures&);

/// What attention does at each length; null where no model was observed.
Json attention_section(const Study&, const Palette&, Pictures&);

/// What is in the weights: bias, similarity, trajectory, frequencies, read from the first trained
/// cell of each encoding in `runs`; and accuracy by lag × length.
Json learned_section(const Study&, const Palette&, Pictures&, const std::vector<std::string>& runs);

/// Published claims and what became of them; each row against the next one; and how far scores
/// vary between the last checkpoints.
Json verdicts_section(const Study&, const Palette&);

/// Curves, scores over training, parameters, rates and times.
Json training_section(const Study&, const Palette&, Pictures&);

// What tables are made of.
/// Head of a column, with a small line under it.
Json head(const std::string& text, const std::string& under = "");
/// A cell; `look` is its CSS class.
inline Json cell(const std::string& text, const std::string& look = "") {
  return {{"text", text}, {"look", look}};
}
/// A row's printed name behind the marker of its pictures; `sign` stands after it.
Json named(const Row&, const Palette&, const std::string& sign = "");
/// A line that begins with a row and is highlighted with its pictures.
Json line_of(const Row&, const Palette&, Json cells);
/// The tables of a panel: [table], or [] without lines.
Json tables_of(const std::string& name, const std::string& kind, Json heads, Json lines);
/// {"panels": each {"panel": its title, "" for the only one} that `fill` adds to, and keeps by
/// true}; null if it keeps none.
Json panels_of(const Study&, const std::function<bool(const Results&, Json& panel)>& fill);
/// The heads of a panel's lengths: "128", "2×".
Json length_heads(const Results&, const std::string& first);
/// "+0.12" or "−0.12", with a minus that is as wide as the plus.
std::string with_sign(double x, int digits);
/// A text in parts, with links where it names a paper on arXiv or a page on kexue.fm.
Json linked(const std::string& text);
/// 12345678 as "12,345,678".
std::string grouped(std::int64_t n);
/// A number in a format; "" for NaN.
std::string number(double x, fmt::format_string<double&> format);

}  // namespace yonder
