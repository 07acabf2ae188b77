#include "train/report/attention_map.h"

#include <fmt/core.h>
#include <algorithm>
#include <cmath>

namespace yonder {
namespace {

constexpr double picture = 500, gap = 10, heading = 22;  // units, as in chart.cpp
constexpr int most_columns = 8, shades = 10;

// 0: too little to be visible. The square root keeps widely spread attention visible too.
int shade(double mass) { return int(std::lround(shades * std::sqrt(std::min(mass, 1.0)))); }

// SVG path around the blocks of one shade, in units of a block; merges adjacent blocks of a row.
std::string cells_of(const HeadStatistics& head, int wanted) {
  const int blocks = head.blocks();
  std::string path;
  for (int query = 0; query < blocks; ++query)
    for (int key = 0; key < blocks;) {
      int end = key;
      while (end < blocks && shade(head.map[std::size_t(query * blocks + end)]) == wanted) ++end;
      if (end > key) path += fmt::format("M{} {}h{}v1H{}z", key, query, end - key, key);
      key = std::max(end, key + 1);
    }
  return path;
}

std::string name_of(const HeadStatistics& head) {
  return fmt::format("layer {}, head {}", head.layer + 1, head.head + 1);
}

// One head's square; `trained` is the training length as a fraction of its side.
std::string square(const HeadStatistics& head, double x, double y, double side, double trained) {
  std::string text = fmt::format(
      "<g class=\"c0\" transform=\"translate({} {})\"><title>{}</title>\n"
      "<g transform=\"scale({:f})\" shape-rendering=\"crispEdges\">\n",
      place(x), place(y), name_of(head), side / head.blocks());
  for (int n = 1; n <= shades; ++n)
    if (const std::string path = cells_of(head, n); !path.empty())
      text += fmt::format("<path fill=\"currentColor\" fill-opacity=\"{}\" d=\"{}\"/>\n",
                          place(double(n) / shades), path);
  text += "</g>\n";
  const std::string end = place(side);
  if (trained > 0 && trained < 1)
    text += fmt::format("<path class=\"mark\" d=\"M0 {}L{} {}\"/>\n", place(trained * side),
                        place((1 - trained) * side), end);
  return text + fmt::format("<path class=\"axis\" d=\"M0 0H{0}V{0}H0z\"/></g>\n", end);
}

}  // namespace

std::string attention_map_svg(const AttentionScore& look, int trained, Svg where) {
  int heads = 1;
  for (const HeadStatistics& head : look.heads) heads = std::max(heads, head.head + 1);
  const int columns = std::clamp(heads, 4, most_columns);
  const double side = (picture - (columns - 1) * gap) / columns;
  std::string text;
  double top = 0;
  for (const HeadStatistics& head : look.heads) {
    const int column = head.head % columns;
    if (column == 0 && &head != &look.heads.front()) top += side + gap;
    if (head.head == 0) {
      text +=
          fmt::format("<text x=\"0\" y=\"{}\">layer {}</text>\n", place(top + 15), head.layer + 1);
      top += heading;
    }
    text += square(head, 0.5 + column * (side + gap), top, side, double(trained) / look.tokens);
  }
  return svg_of("attention of " + look.row.printed(), picture + 1, top + side + 1, text, where);
}

}  // namespace yonder
