#pragma once
#include <map>
#include <string>
#include <vector>

#include "train/results/panel.h"

/// \file
/// Colours and markers of encodings.
namespace yonder {

/// How a line looks: a colour-blind-safe colour, and a marker as a second channel.
struct Style {
  static constexpr int grey = -1, colours = 8, markers = 6;  ///< special colour; number of each
  int colour = 0;       ///< class c0 to c7 of chart.css, or `grey`
  int marker = 1;       ///< 1 to 6: circle, square, triangles, diamond, pentagon; 0: none
  bool hollow = false;  ///< the marker is an outline
  int dashes = 0;       ///< 0: solid; 1 to 4

  /// Class of chart.css.
  std::string css_class() const { return colour < 0 ? "grey" : "c" + std::to_string(colour); }
};

/// Assigns colour and marker by a hash of an encoding's name, so that they are the same in every
/// report. If two encodings of a report would look alike, the later one gets another marker or,
/// once all are taken, another colour. Rows with overrides share them, dashed and hollow; windowed
/// models are grey.
class Palette {
 public:
  /// Assigns every row a style.
  explicit Palette(std::vector<Row> rows);
  /// The style of one of the rows.
  Style of(const Row&) const;

 private:
  std::vector<Row> rows_;
  std::map<std::string, Style> encodings_;
};

/// Formats an SVG coordinate, to a tenth of a unit.
std::string place(double);
/// A marker centred at (x, y), with `title` as its tooltip.
std::string marker_at(const Style&, double x, double y, const std::string& title = "");
/// A marker as an SVG of its own, as large as a letter.
std::string marker_svg(const Style&);

}  // namespace yonder
