#pragma once
#include <string>

#include "train/results/panel.h"

namespace yonder {

/// How text is shown on a terminal.
struct TerminalStyle {
  int columns = 80;  ///< width of the terminal
  /// Whether ANSI colours are used.
  enum Colour { plain, coloured };
  Colour colour = plain;  ///< of tables
};

/// The style of standard output: coloured if it is a terminal and NO_COLOR is unset or empty; as
/// wide as COLUMNS says, else as the terminal is, else 80.
TerminalStyle style_of_stdout();

/// Rows × lengths: median, and range over seeds next to it if `style.columns` allow, else below.
/// The training length is marked; cells are coloured by how many times worse they are than the same
/// models at the training length.
std::string table(const Results&, const Measure&, const TerminalStyle&);

}  // namespace yonder
