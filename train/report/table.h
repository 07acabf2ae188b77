#pragma once
#include <string>

#include "train/results/panel.h"

namespace yonder {

/// How the place looks where text is shown.
struct TerminalStyle {
  int columns = 80;
  enum Colour { plain, coloured } colour = plain;
};

/// The look of standard output: coloured if it is a terminal and NO_COLOR is unset; COLUMNS, else
/// the terminal's width, else 80.
TerminalStyle style_of_stdout();

/// Rows × lengths: the median, and the range over seeds beside it where `style.columns` allow, else
/// beneath. The trained length is marked; each cell is coloured by how many times worse it is than
/// the same models at the trained length.
std::string table(const Results&, const Measure&, const TerminalStyle&);

}  // namespace yonder
