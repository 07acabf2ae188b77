#pragma once
#include <map>
#include <string>
#include <vector>

#include "train/results/panel.h"

/// \file
/// Which colour and marker an encoding has.
namespace yonder {

/// How a line looks: a colour that the colour-blind tell apart, and a marker as second channel.
struct Style {
  static constexpr int grey = -1, colours = 8, markers = 6;  ///< special and largest values
  int colour = 0;       ///< class c0 to c7 of chart.css, or `grey`
  int marker = 1;       ///< 1 to 6: circle, square, triangles, diamond, pentagon; 0: none
  bool hollow = false;  ///< the marker is an outline
  int dashes = 0;       ///< 0: solid; 1 to 4

  /// Class of chart.css.
  std::string css_class() const { return colour < 0 ? "grey" : "c" + std::to_string(colour); }
};

/// Colour and marker belong to an encoding's name, in every report: both come from a hash of it.
/// Only where two encodings of one report would look alike the later one takes another marker, and
/// where all of those are taken another colour. Rows of the same encoding share them, dashed and
/// hollow; windowed models are grey.
class Palette {
 public:
  /// Gives every row its style.
  explicit Palette(std::vector<Row> rows);
  /// Of one of the rows.
  Style of(const Row&) const;

 private:
  std::vector<Row> rows_;
  std::map<std::string, Style> encodings_;
};

/// A number of an SVG, to a tenth of a unit.
std::string place(double);
/// A marker around a place of a picture; a title shows when it is pointed at.
std::string marker_at(const Style&, double x, double y, const std::string& title = "");
/// A marker by itself, as large as a letter.
std::string marker_svg(const Style&);

}  // namespace yonder
