#include "train/report/palette.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>

#include "train/report/html/render.h"

namespace yonder {
namespace {

// FNV-1a with a finish. Its start is the one, of 60,000, by which the most encodings of today look
// different; another start would change every colour.
std::uint32_t hash_of(const std::string& name) {
  std::uint32_t x = 2166136261u ^ 9730u;
  for (char c : name) x = (x ^ static_cast<unsigned char>(c)) * 16777619u;
  x = (x ^ x >> 15) * 0x2c1b3c6du;
  return x ^ x >> 12;
}

}  // namespace

std::string place(double x) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", x);
  const std::string tenths = text;
  return tenths.ends_with(".0") ? tenths.substr(0, tenths.size() - 2) : tenths;
}

std::string marker_at(const Style& style, double x, double y, double r, const std::string& title) {
  // Of radius 1; a circle has none.
  using Corners = std::vector<std::pair<double, double>>;
  static const Corners shapes[Style::markers] = {
      {},
      {{-.85, -.85}, {.85, -.85}, {.85, .85}, {-.85, .85}},
      {{0, -1.1}, {1.1, .85}, {-1.1, .85}},
      {{0, 1.1}, {1.1, -.85}, {-1.1, -.85}},
      {{0, -1.2}, {1.2, 0}, {0, 1.2}, {-1.2, 0}},
      {{0, -1.1}, {1.05, -.34}, {.65, .89}, {-.65, .89}, {-1.05, -.34}}};
  const Corners& corners = shapes[(style.marker - 1) % Style::markers];
  std::string drawn = std::string(" class=\"") + (style.hollow ? "hollow" : "filled") + "\"", path;
  for (const auto& [dx, dy] : corners)
    path += (path.empty() ? "M" : "L") + place(x + r * dx) + " " + place(y + r * dy);
  const std::string name = corners.empty() ? "circle" : "path";
  drawn += corners.empty()
               ? " cx=\"" + place(x) + "\" cy=\"" + place(y) + "\" r=\"" + place(r) + "\""
               : " d=\"" + path + "z\"";
  if (title.empty()) return "<" + name + drawn + "/>";
  return "<" + name + drawn + "><title>" + escaped(title) + "</title></" + name + ">\n";
}

std::string marker_svg(const Style& style) {
  return "<svg class=\"key " + style.css_class() +
         "\" viewBox=\"0 0 14 14\" aria-hidden=\"true\">" + marker_at(style, 7, 7, 5) + "</svg>";
}

Palette::Palette(std::vector<Row> rows) : rows_(std::move(rows)) {
  const auto known = [this](auto is) {
    return std::any_of(encodings_.begin(), encodings_.end(), is);
  };
  for (const Row& row : rows_) {
    if (known([&row](const auto& e) { return e.first == row.encoding; })) continue;
    const std::uint32_t hash = hash_of(row.encoding);
    Style style{.colour = int(hash % Style::colours),
                .marker = 1 + int((hash >> 8) % Style::markers)};
    for (int tried = 1; tried < Style::markers && known([&style](const auto& e) {
                          return e.second.colour == style.colour && e.second.marker == style.marker;
                        });
         ++tried)
      style.marker = 1 + style.marker % Style::markers;
    encodings_.emplace_back(row.encoding, style);
  }
}

Style Palette::of(const Row& row) const {
  const auto found = std::find_if(encodings_.begin(), encodings_.end(),
                                  [&row](const auto& e) { return e.first == row.encoding; });
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
