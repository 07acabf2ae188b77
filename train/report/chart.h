#pragma once
#include <string>
#include <utility>
#include <vector>

#include "train/report/palette.h"

/// \file
/// Line charts, and their rendering as SVG.
namespace yonder {

/// A line chart.
struct Chart {
  /// A point of a line.
  struct Point {
    double x, y;                     ///< in the units of the axes
    std::vector<double> seeds = {};  ///< shown if there are several
  };
  /// A line of which no point has more seeds than this shows each as a dot; others show their range
  /// as a band.
  static constexpr std::size_t dots = 10;
  /// The line of one row.
  struct Line {
    std::string label;          ///< written at its right end
    Style style;                ///< colour, marker, dashes
    std::vector<Point> points;  ///< from left to right
  };
  /// A thin grey line in the background, for reference: chance, a windowed model.
  struct ReferenceLine {
    std::string label;          ///< empty: no label
    std::vector<Point> points;  ///< from left to right
    std::string name = label;   ///< tooltip
    bool dashed = false;        ///< else solid
  };
  /// Scale of an axis.
  enum class Axis { linear, logarithmic };
  /// Tick positions of an axis and their labels.
  using Tics = std::vector<std::pair<double, std::string>>;

  std::string name;                         ///< of its file
  std::string title, caption;               ///< plain text, shown outside the drawing
  std::string left, below;                  ///< labels of the axes
  Axis x = Axis::linear, y = Axis::linear;  ///< scale of each axis
  Tics x_tics;                              ///< empty: round numbers
  double low = unknown;                     ///< lower end of the vertical axis; NaN: from the lines
  double high = unknown;                    ///< its upper end
  double mark = unknown;                    ///< a vertical line here: the training length
  bool path = false;        ///< points are joined in the given order, not sorted by x
  std::vector<Line> lines;  ///< in the order of the rows
  std::vector<ReferenceLine> reference_lines;  ///< behind the lines

  /// Whether no line has a point.
  bool empty() const;
};

/// A chart in a file has its own background and style sheet; one inlined in a page uses the page's.
enum class Svg { file, inlined };

/// A complete SVG around a drawing of `width` × `height` units.
std::string svg_of(const std::string& title, double width, double height,
                   const std::string& drawing, Svg);

/// The chart, 500 units wide, in letters that are legible at three quarters of that size. Tooltips
/// show the values of points. All text is escaped.
std::string chart_svg(const Chart&, Svg);

/// Vertical positions for labels that should be at `wanted`, moved as little as possible so that
/// any two are at least `gap` apart and all lie in low..high as far as they fit.
std::vector<double> spread_labels(const std::vector<double>& wanted, double gap, double low,
                                  double high);

}  // namespace yonder
