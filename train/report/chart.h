#pragma once
#include <string>
#include <utility>
#include <vector>

#include "train/results/panel.h"

/// \file
/// A picture of lines, and the gnuplot script that draws it.
namespace yonder {

/// How a line looks: a colour that the colour-blind tell apart, and a marker as second channel.
struct Style {
  std::string colour = "#0072B2";
  int marker = 7;  ///< gnuplot's pt; 0: none
  int dashes = 1;  ///< gnuplot's dt; 1: solid
};

/// The same colour and marker for an encoding in every picture of a report. Its extensions share
/// them, dashed and hollow; windowed models are grey.
class Palette {
 public:
  explicit Palette(std::vector<Row> rows);
  Style of(const Row&) const;

 private:
  std::vector<Row> rows_;
  std::vector<std::string> encodings_;
};

struct Chart {
  struct Point {
    double x, y;
    double low = unknown, high = unknown;  ///< of its band, if it has one
  };
  struct Line {
    std::string label;
    Style style;
    std::vector<Point> points;
  };
  /// A thin grey line in the background: what a guess reaches.
  struct Thin {
    std::string label;  ///< "": none
    std::vector<Point> points;
  };
  enum class Axis { linear, logarithmic };
  using Tics = std::vector<std::pair<double, std::string>>;

  std::string name;             ///< of its files
  std::string title, subtitle;  ///< plain text
  std::string below;            ///< what the horizontal axis is, where its tics don't say it
  Axis x = Axis::linear, y = Axis::linear;
  Tics x_tics;            ///< none: gnuplot chooses
  double low = unknown;   ///< of the vertical axis; NaN: from the lines
  double high = unknown;  ///< the same
  double mark = unknown;  ///< a vertical line here, the trained length
  bool path = false;      ///< points in an order of their own, joined as they come; axes as equal
  std::vector<Line> lines;
  std::vector<Thin> thin;

  /// No line has a point.
  bool empty() const;
};

/// What a script of gnuplot makes: an SVG, or a PNG of twice the size in pixels.
enum class Format { svg, png };

/// Data and all, it writes `{name}.svg` or `{name}.png` beside itself. Names stand at the ends of
/// the lines, long ones in several lines; the picture grows with their number.
std::string chart_script(const Chart&, Format = Format::svg);

/// Heights for labels that would like to stand at `wanted`, moved as little as needed so that each
/// two are at least `gap` apart and all lie in low..high as far as they fit.
std::vector<double> spread_labels(const std::vector<double>& wanted, double gap, double low,
                                  double high);

}  // namespace yonder
