#include <cstdio>

#include "train/report/html/html.h"
#include "train/report/html/sections.h"

namespace yonder {
namespace {

std::string cell(const Results& r, const Row& row, int length) {
  const Results::Solved s = r.solved(row, length);
  if (s.of == 0)
    return element("td", "class=\"quiet\" data-value=\"\"", escaped(r.problem(row, length)));
  char value[32];
  std::snprintf(value, sizeof value, "data-value=\"%.4f\"", double(s.seeds) / s.of);
  return element("td", value, std::to_string(s.seeds) + " of " + std::to_string(s.of));
}

std::string one_table(const Results& r, const Palette& palette) {
  std::string head = element("th", "row"), rows;
  for (int length : r.lengths)
    head += element(
        "th", std::to_string(length) +
                  element("small", length == r.trained ? "trained" : r.multiple(length) + "×"));
  for (const Row& row : r.rows) {
    std::string line = element("td", named(row, palette));
    for (int length : r.lengths) line += cell(r, row, length);
    rows += element("tr", "data-row=\"" + escaped(row.label()) + "\"", line) + "\n";
  }
  return scrolling_table("sortable", head, rows);
}

}  // namespace

std::string solved(const Study& study, const Palette& palette) {
  std::string text;
  for (const Results& r : study.panels)
    if (!r.text && r.seeds > 1) text += panel_heading(study, r) + one_table(r, palette);
  if (text.empty()) return "";
  char share[16];
  std::snprintf(share, sizeof share, "%.0f %%", 100 * Results::solving);
  return element("p",
                 "Where seeds either find a way or don't, a median hides it: how many of them "
                 "get at least " +
                     std::string(share) + " of the answers right as a whole.") +
         "\n" + text;
}

}  // namespace yonder
