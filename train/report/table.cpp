#include "train/report/table.h"
#include "train/results/format.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <fmt/core.h>
#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace yonder {
namespace {

struct TableCell {
  std::string value, range, colour;
};

// Width of UTF-8 text in columns: the bytes that do not continue a character.
int width(const std::string& text) {
  return int(std::ranges::count_if(text, [](char c) { return (c & 0xc0) != 0x80; }));
}

std::string right(const std::string& text, int columns) {
  return fmt::format("{:>{}}", text, columns);
}

std::string painted(const std::string& text, const std::string& code, const TerminalStyle& style) {
  if (style.colour == TerminalStyle::plain || code.empty()) return text;
  return fmt::format("\033[{}m{}\033[0m", code, text);
}

const char *green = "32", *yellow = "33", *red = "31", *dim = "2", *bold = "1";

// Up to 5 % worse than at the training length, a model does not degrade; beyond 25 % it has lost
// most of its advantage over a unigram model. Tasks that were not learned at the training length
// are not judged.
const char* colour(const Results& results, const Row& row, int length, const Measure& measure) {
  const double worse = results.degradation(row, length, measure);
  if (std::isnan(worse) || results.unlearned(row)) return dim;
  return worse <= 1.05 ? green : worse <= 1.25 ? yellow : red;
}

TableCell cell(const Results& results, const Row& row, int length, const Measure& measure) {
  const Spread s = results.at(row, length, measure);
  if (s.empty()) return {printable(results.problem(row, length)), "", dim};
  TableCell c{shown(s.median, measure) + counted(results, s), "",
              colour(results, row, length, measure)};
  if (s.count > 1) c.range = shown(s.least, measure) + "–" + shown(s.most, measure);
  return c;
}

using Cells = std::vector<std::vector<TableCell>>;  // [row][length]

// Puts each range next to its median: "1.63 [1.61–1.65]".
Cells beside(Cells cells) {
  for (auto& row : cells)
    for (TableCell& c : row)
      if (!c.range.empty()) c.value += " [" + c.range + "]", c.range.clear();
  return cells;
}

std::vector<int> widths(const Results& results, const Cells& cells) {
  std::vector<int> widest;
  for (std::size_t i = 0; i < results.lengths.size(); ++i) {
    const int length = results.lengths[i];
    const int mark = length == results.train_length ? int(std::string("trained").size()) : 0;
    int most =
        std::max({width(text_of(length, results.bins)), mark, width(results.multiple(length)) + 1});
    for (const auto& row : cells) most = std::max({most, width(row[i].value), width(row[i].range)});
    widest.push_back(most + 2);
  }
  return widest;
}

int label_width(const Results& results) {
  int most = 0;
  for (const Row& row : results.rows) most = std::max(most, width(printable(row.printed())));
  return most;
}

std::string head(const Results& results, const std::vector<int>& widest,
                 const TerminalStyle& style) {
  const std::string margin(label_width(results), ' ');
  std::string lengths = margin, multiples = margin;
  for (std::size_t i = 0; i < widest.size(); ++i) {
    const int length = results.lengths[i];
    const bool here = length == results.train_length;
    const std::string mark = here ? "trained" : results.multiple(length) + "×";
    lengths += painted(right(text_of(length, results.bins), widest[i]), here ? bold : "", style);
    multiples += painted(right(mark, widest[i]), here ? bold : dim, style);
  }
  return lengths + '\n' + multiples + '\n';
}

}  // namespace

TerminalStyle style_of_stdout() {
  TerminalStyle style;
  const bool terminal = isatty(STDOUT_FILENO);
  winsize size{};
  if (terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
    style.columns = size.ws_col;
  if (const char* columns = std::getenv("COLUMNS"); columns && std::atoi(columns) > 0)
    style.columns = std::atoi(columns);
  const char* no_colour = std::getenv("NO_COLOR");
  if (terminal && !(no_colour && *no_colour)) style.colour = TerminalStyle::coloured;
  return style;
}

std::string table(const Results& results, const Measure& measure, const TerminalStyle& style) {
  Cells cells;
  for (const Row& row : results.rows) {
    cells.emplace_back();
    for (int length : results.lengths) cells.back().push_back(cell(results, row, length, measure));
  }
  const int names = label_width(results);
  int total = names;
  for (int w : widths(results, beside(cells))) total += w;
  if (total <= style.columns) cells = beside(std::move(cells));

  const std::vector<int> widest = widths(results, cells);
  std::string text = head(results, widest, style);
  for (std::size_t r = 0; r < cells.size(); ++r) {
    std::string values = fmt::format("{:<{}}", printable(results.rows[r].printed()), names),
                ranges(std::size_t(names), ' ');
    bool any = false;
    for (std::size_t i = 0; i < widest.size(); ++i) {
      const TableCell& c = cells[r][i];
      values += painted(right(c.value, widest[i]), c.colour, style);
      ranges += painted(right(c.range, widest[i]), c.range.empty() ? "" : dim, style);
      any = any || !c.range.empty();
    }
    ranges.erase(ranges.find_last_not_of(' ') + 1);
    text += values + '\n' + (any ? ranges + '\n' : "");
  }
  if (style.colour == TerminalStyle::coloured)
    text += painted("within 5 % of the training length", green, style) + ", " +
            painted("within 25 %", yellow, style) + ", " + painted("beyond", red, style) + '\n';
  return text;
}

}  // namespace yonder
