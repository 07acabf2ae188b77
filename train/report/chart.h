#pragma once
#include <string>
#include <utility>
#include <vector>

#include "train/report/palette.h"

/// \file
/// A picture of lines, and the SVG that shows it.
namespace yonder {

/// A picture of lines over two axes.
struct Chart {
  /// A place of a line.
  struct Point {
    double x, y;                     ///< in the units of the axes
    std::vector<double> seeds = {};  ///< shown as dots where there are several
  };
  /// What one row reaches.
  struct Line {
    std::string label;          ///< stands at its right end
    Style style;                ///< colour, marker, dashes
    std::vector<Point> points;  ///< from left to right
  };
  /// A thin grey line in the background: what a guess reaches.
  struct Thin {
    std::string label;          ///< "": none
    std::vector<Point> points;  ///< from left to right
    std::string name = label;   ///< shows when the line is pointed at
    bool dashed = false;        ///< else solid
  };
  /// How an axis is divided.
  enum class Axis { linear, logarithmic };
  /// Places of an axis and what stands there.
  using Tics = std::vector<std::pair<double, std::string>>;

  std::string name;                         ///< of its file
  std::string title, caption;               ///< plain text; they stand outside of the picture
  std::string left, below;                  ///< what the axes are
  Axis x = Axis::linear, y = Axis::linear;  ///< how each axis is divided
  Tics x_tics;                              ///< none: round numbers
  double low = unknown;                     ///< of the vertical axis; NaN: from the lines
  double high = unknown;                    ///< the same
  double mark = unknown;                    ///< a vertical line here, the trained length
  bool path = false;        ///< points in an order of their own, joined as they come
  std::vector<Line> lines;  ///< in the order of the rows
  std::vector<Thin> thin;   ///< behind the lines

  /// No line has a point.
  bool empty() const;
};

/// A picture in a file has its own background and style sheet; one in a page uses the page's.
enum class Svg { file, inlined };

/// A whole SVG around a drawing of `width` × `height` units.
std::string svg_of(const std::string& title, double width, double height,
                   const std::string& drawing, Svg);

/// The picture, 500 units wide, in letters that are legible at three quarters of that. Values show
/// when a point is pointed at. Whatever labels hold stays text.
std::string chart_svg(const Chart&, Svg);

/// Heights for labels that would like to stand at `wanted`, moved as little as needed so that each
/// two are at least `gap` apart and all lie in low..high as far as they fit.
std::vector<double> spread_labels(const std::vector<double>& wanted, double gap, double low,
                                  double high);

}  // namespace yonder
