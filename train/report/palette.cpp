#include "train/report/palette.h"

#include <fmt/core.h>
#include <algorithm>
#include <cstdint>

#include "train/report/html/render.h"

namespace yonder {
namespace {

// FNV-1a with a final mix. Of 60,000 initial values, this one gives the most of today's encodings
// distinct styles; another would change every colour.
std::uint32_t hash_of(const std::string& name) {
  std::uint32_t x = 2166136261u ^ 9730u;
  for (char c : name) x = (x ^ static_cast<unsigned char>(c)) * 16777619u;
  x = (x ^ x >> 15) * 0x2c1b3c6du;
  return x ^ x >> 12;
}

}  // namespace

std::string place(double x) {
  const std::string tenths = fmt::format("{:.1f}", x);
  return tenths.ends_with(".0") ? tenths.substr(0, tenths.size() - 2) : tenths;
}

std::string marker_at(const Style& style, double x, double y, const std::string& title) {
  static const char* const shapes[Style::markers] = {"M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0z",
                                                     "M-3.5-3.5h7v7h-7z",
                                                     "M0-4.4L4.4 3.4H-4.4z",
                                                     "M0 4.4L4.4-3.4H-4.4z",
                                                     "M0-4.8L4.8 0L0 4.8L-4.8 0z",
                                                     "M0-4.5L4.3-1.4L2.6 3.6H-2.6L-4.3-1.4z"};
  return fmt::format("<path class=\"{}\" transform=\"translate({} {})\" d=\"{}\">{}</path>\n",
                     style.hollow ? "hollow" : "filled", place(x), place(y),
                     shapes[(style.marker - 1) % Style::markers],
                     title.empty() ? "" : "<title>" + escaped(title) + "</title>");
}

std::string marker_svg(const Style& style) {
  return fmt::format(
      "<svg class=\"key {}\" viewBox=\"-5.6 -5.6 11.2 11.2\" aria-hidden=\"true\">{}</svg>",
      style.css_class(), marker_at(style, 0, 0));
}

Palette::Palette(std::vector<Row> rows) : rows_(std::move(rows)) {
  for (const Row& row : rows_) {
    if (encodings_.count(row.encoding)) continue;
    const std::uint32_t hash = hash_of(row.encoding);
    Style style{.colour = int(hash % Style::colours),
                .marker = 1 + int((hash >> 8) % Style::markers)};
    const auto alike = [&style](const auto& other) {
      return other.second.colour == style.colour && other.second.marker == style.marker;
    };
    for (int tried = 1; tried < Style::markers * Style::colours; ++tried) {
      if (std::ranges::none_of(encodings_, alike)) break;
      style.marker = 1 + style.marker % Style::markers;
      if (tried % Style::markers == 0) style.colour = (style.colour + 1) % Style::colours;
    }
    encodings_[row.encoding] = style;
  }
}

Style Palette::of(const Row& row) const {
  const auto found = encodings_.find(row.encoding);
  Style style = found == encodings_.end() ? Style{} : found->second;
  if (row.extension.empty()) return style;
  style.hollow = true;
  for (const Row& other : rows_) {
    if (other.encoding == row.encoding && !other.extension.empty()) ++style.dashes;
    if (other == row) break;
  }
  style.dashes = 1 + (std::max(style.dashes, 1) - 1) % 4;
  if (row.windowed()) style.colour = Style::grey;
  return style;
}

}  // namespace yonder
