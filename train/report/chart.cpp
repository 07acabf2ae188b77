#include "train/report/chart.h"

#include <fmt/core.h>
#include <algorithm>
#include <cmath>

#include "train/report/html/render.h"

namespace yonder {
namespace {

// Units of the chart, which a phone shows at three quarters of this size.
constexpr double svg_width = 500, plot_right = 352, plot_top = 34, line_height = 18;
constexpr double to_lead = plot_right + 10, to_marker = plot_right + 17, to_name = plot_right + 27;
constexpr int of_name = 16;         // letters per line of a name
constexpr std::size_t marked = 16;  // most points of a line with a marker at each

// A value for readers, with a minus sign as wide as a plus.
std::string value(double x) {
  const double size = std::abs(x);
  return (x < 0 ? "−" : "") +
         (size >= 1000 ? fmt::format("{:.0f}", size) : fmt::format("{:.4g}", size));
}

int letters(const std::string& text) {
  return int(std::ranges::count_if(text, [](char c) { return (c & 0xc0) != 0x80; }));
}

// Byte offset at which the first `most` letters of a text end.
std::size_t end_of(const std::string& text, int most) {
  std::size_t at = 0;
  for (; at < text.size(); ++at)
    if ((text[at] & 0xc0) != 0x80 && most-- == 0) break;
  return at;
}

// Splits a name into lines of at most `most` letters: between words or the layers of a mix, else
// between the components of an encoding, else anywhere.
std::vector<std::string> broken(std::string name, int most) {
  std::vector<std::string> lines;
  while (letters(name) > most) {
    const std::string start = name.substr(0, end_of(name, most));
    std::size_t last = start.find_last_of(", ");
    if (last == start.npos || last == 0) last = start.find_last_of("+:=");
    if (last == start.npos || last == 0) last = start.size() - 1;
    lines.push_back(name.substr(0, name[last] == ' ' ? last : last + 1));
    name.erase(0, last + 1);
  }
  lines.push_back(name);
  return lines;
}

std::string text_at(double x, double y, const std::string& anchor, const std::string& text,
                    const std::string& look = "") {
  return fmt::format("<text x=\"{}\" y=\"{}\"{}{}>{}</text>\n", place(x), place(y),
                     anchor == "start" ? "" : " text-anchor=\"" + anchor + "\"",
                     look.empty() ? "" : " class=\"" + look + "\"", escaped(text));
}

std::string line_from(double x1, double y1, double x2, double y2, const std::string& look) {
  return fmt::format("<path class=\"{}\" d=\"M{} {}L{} {}\"/>\n", look, place(x1), place(y1),
                     place(x2), place(y2));
}

// Ranges of the axes, and where the plot lies in the chart.
struct Frame {
  double low, high, left, right;
  Chart::Axis x_axis, y_axis;
  double plot_left = 50, plot_bottom = 0, height = 0;

  static double share(double x, double from, double to, Chart::Axis axis) {
    if (!(to > from)) return 0.5;
    return axis == Chart::Axis::linear ? (x - from) / (to - from)
                                       : std::log(x / from) / std::log(to / from);
  }
  double x(double at) const {
    const double inset = 8;
    return plot_left + inset +
           (plot_right - plot_left - 2 * inset) * share(at, left, right, x_axis);
  }
  double y(double at) const {
    return plot_bottom -
           (plot_bottom - plot_top) * share(std::clamp(at, low, high), low, high, y_axis);
  }
};

// A name to the right of the frame, and the end of the line that it labels.
struct Label {
  std::vector<std::string> lines;
  Style style;
  double x, y;
  bool reaches, is_reference;
};

bool shown_in(const Frame& f, const Chart::ReferenceLine& t) {
  if (t.points.empty()) return false;
  const double end = t.points.back().y;
  return !std::isnan(end) && end >= f.low && end <= f.high;
}

std::vector<Label> labels_of(const Chart& c, const Frame& f) {
  std::vector<Label> all;
  for (const Chart::Line& line : c.lines) {
    const bool any = !line.points.empty(),
               reaches = any && (c.path || line.points.back().x == f.right);
    all.push_back({broken(line.label + (reaches ? "" : " (ends)"), of_name), line.style,
                   any ? line.points.back().x : 0, any ? line.points.back().y : f.low, reaches,
                   false});
  }
  for (const Chart::ReferenceLine& t : c.reference_lines)
    if (shown_in(f, t) && !t.label.empty())
      all.push_back({broken(t.label, of_name + 2),
                     {.colour = Style::grey, .marker = 0},
                     f.right,
                     t.points.back().y,
                     true,
                     true});
  return all;
}

// Sets the ranges of the axes: those of the lines, with a margin, unless the chart has its own.
void span(const Chart& c, Frame& f) {
  for (const Chart::Line& line : c.lines)
    for (const Chart::Point& p : line.points) {
      f.left = std::min(f.left, p.x), f.right = std::max(f.right, p.x);
      f.low = std::min(f.low, p.y), f.high = std::max(f.high, p.y);
      for (double seed : p.seeds) f.low = std::min(f.low, seed), f.high = std::max(f.high, seed);
    }
  if (f.left > f.right) f.left = 0, f.right = 1;
  if (f.low > f.high) f.low = 0, f.high = 1;
  if (c.y == Chart::Axis::logarithmic) f.low /= 1.04, f.high *= 1.04;
  else {
    const double margin = std::max(0.05 * std::abs(f.high - f.low), 1e-3 + 0.01 * std::abs(f.high));
    f.low -= margin, f.high += margin;
  }
  if (!std::isnan(c.low)) f.low = c.low;
  if (!std::isnan(c.high)) f.high = c.high;
}

// 1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 7 times powers of ten; fewer over a wide range.
std::vector<double> tics_by_ratio(double low, double high) {
  const double ratio = high / low;
  const std::vector<double> of_ten = ratio > 2000 ? std::vector<double>{1}
                                     : ratio > 30 ? std::vector<double>{1, 3}
                                     : ratio > 4
                                         ? std::vector<double>{1, 1.5, 2, 3, 5, 7}
                                         : std::vector<double>{1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 7};
  std::vector<double> tics;
  for (int power = -12; power < 12; ++power)
    for (double digit : of_ten)
      if (const double x = digit * std::pow(10, power); x >= low && x <= high) tics.push_back(x);
  return tics;
}

// About six round numbers.
std::vector<double> tics_by_step(double low, double high) {
  const double rough = (high - low) / 6, power = std::pow(10, std::floor(std::log10(rough)));
  double step = 0;
  for (double digit : {10., 5., 2.5, 2., 1.})
    if (digit * power >= rough) step = digit * power;
  std::vector<double> tics;
  for (double k = std::ceil(low / step); k * step <= high; ++k) tics.push_back(k * step);
  return tics;
}

std::vector<double> tics_of(double low, double high, Chart::Axis axis) {
  const auto tics =
      axis == Chart::Axis::logarithmic ? tics_by_ratio(low, high) : std::vector<double>{};
  return tics.size() > 1 ? tics : tics_by_step(low, high);
}

Frame frame(const Chart& c) {
  Frame f{1e300, -1e300, 1e300, -1e300, c.x, c.y};
  span(c, f);
  int widest = 2, lines = 0;
  for (double tic : tics_of(f.low, f.high, f.y_axis))
    widest = std::max(widest, letters(value(tic)));
  f.plot_left = 16 + 8 * widest;
  for (const Label& l : labels_of(c, f)) lines += int(l.lines.size());
  f.plot_bottom = plot_top + std::max(230., line_height * lines);
  const bool two = std::ranges::any_of(
      c.x_tics, [](const auto& tic) { return tic.second.find('\n') != tic.second.npos; });
  f.height = f.plot_bottom + (two ? 42 : 26) + (c.below.empty() ? 0 : 20);
  return f;
}

std::string named(const std::string& what, Chart::Axis axis) {
  return what + (axis == Chart::Axis::logarithmic ? " (log scale)" : "");
}

std::string axes(const Chart& c, const Frame& f) {
  std::string text = text_at(2, 16, "start", named(c.left, c.y), "quiet");
  for (double tic : tics_of(f.low, f.high, f.y_axis)) {
    text += line_from(f.plot_left, f.y(tic), plot_right, f.y(tic), "grid");
    text += text_at(f.plot_left - 7, f.y(tic) + 5, "end", value(tic));
  }
  text += line_from(f.plot_left, f.plot_bottom, plot_right, f.plot_bottom, "axis");
  Chart::Tics tics = c.x_tics;
  if (tics.empty())
    for (double tic : tics_of(f.left, f.right, c.x)) tics.emplace_back(tic, value(tic));
  double free[] = {0, 0};  // lines of names that would overlap are omitted
  for (const auto& [at, name] : tics) {
    const std::size_t cut = std::min(name.find('\n'), name.size());
    const double x = f.x(at);
    text += line_from(x, f.plot_bottom, x, f.plot_bottom + 5, "axis");
    for (const int k : {0, 1}) {
      const std::string line =
          k == 0 ? name.substr(0, cut) : name.substr(std::min(cut + 1, name.size()));
      const double half = 4.2 * letters(line);
      if (line.empty() || x - half < free[k]) break;
      free[k] = x + half + 5;
      text += text_at(x, f.plot_bottom + 19 + 16 * k, "middle", line, k == 0 ? "" : "quiet");
    }
  }
  if (!c.below.empty())
    text += text_at(plot_right, f.height - 6, "end", named(c.below, c.x), "quiet");
  if (!std::isnan(c.mark) && c.mark >= f.left && c.mark <= f.right)
    text += line_from(f.x(c.mark), plot_top, f.x(c.mark), f.plot_bottom, "mark");
  return text;
}

std::string path_of(const std::vector<Chart::Point>& points, const Frame& f) {
  std::string path;
  for (const Chart::Point& p : points)
    path += (path.empty() ? "M" : "L") + place(f.x(p.x)) + " " + place(f.y(p.y));
  return path;
}

// "RoPE, 128: 2.01 (2.00, 2.01, 2.02)".
std::string said_of(const Chart& c, const Chart::Line& line, const Chart::Point& p) {
  std::string at = value(p.x);
  for (const auto& [tic, name] : c.x_tics)
    if (tic == p.x) at = name.substr(0, name.find('\n'));
  const std::string all = joined(p.seeds, ", ", value);
  return line.label + ", " + at + ": " + value(p.y) + (p.seeds.size() > 1 ? " (" + all + ")" : "");
}

bool has_band(const Chart::Line& line) {
  return std::ranges::any_of(line.points,
                             [](const Chart::Point& p) { return p.seeds.size() > Chart::dots; });
}

// The range of the seeds at each point.
std::string band_of(const Chart::Line& line, const Frame& f) {
  std::string above, below;
  for (const Chart::Point& p : line.points) {
    if (p.seeds.empty()) continue;
    const auto [low, high] = std::ranges::minmax(p.seeds);
    above += (above.empty() ? "M" : "L") + place(f.x(p.x)) + " " + place(f.y(high));
    below.insert(0, "L" + place(f.x(p.x)) + " " + place(f.y(low)));
  }
  return "<path class=\"band\" d=\"" + above + below + "Z\"/>\n";
}

// The line, its seeds, and markers; points without one have an invisible tooltip area.
std::string drawn(const Chart& c, const Chart::Line& line, const Frame& f) {
  static const char* const dashes[] = {"", "7 4", "2 3", "9 3 2 3", "12 5"};
  const int of = line.style.dashes % 5;
  const bool banded = has_band(line);
  std::string text = fmt::format(
      "<g class=\"line {}\" data-row=\"{}\">\n{}<path class=\"stroke\"{} d=\"{}\"/>\n",
      line.style.css_class(), escaped(line.label), banded ? band_of(line, f) : "",
      of ? fmt::format(" stroke-dasharray=\"{}\"", dashes[of]) : "", path_of(line.points, f));
  const std::size_t every = (line.points.size() + marked - 1) / marked;
  for (std::size_t i = 0; i < line.points.size(); ++i) {
    const Chart::Point& p = line.points[i];
    const double x = f.x(p.x), y = f.y(p.y);
    if (p.seeds.size() > 1 && !banded)
      for (double seed : p.seeds)
        text += fmt::format("<circle class=\"seed\" cx=\"{}\" cy=\"{}\" r=\"1.9\"/>\n", place(x),
                            place(f.y(seed)));
    if (i % every) continue;
    if (line.style.marker > 0 && (line.points.size() <= marked || i % (2 * every) == 0))
      text += marker_at(line.style, x, y, said_of(c, line, p));
    else
      text += fmt::format(
          "<circle class=\"touch\" cx=\"{}\" cy=\"{}\" r=\"6\"><title>{}</title></circle>\n",
          place(x), place(y), escaped(said_of(c, line, p)));
  }
  return text + "</g>\n";
}

// Names to the right of the frame, with the marker of their line and a thin leader to its end. Each
// text line of a name is placed separately.
std::string names(const Chart& c, const Frame& f) {
  const std::vector<Label> all = labels_of(c, f);
  std::vector<double> wanted;
  for (const Label& l : all) wanted.insert(wanted.end(), l.lines.size(), f.y(l.y));
  const auto at = spread_labels(wanted, line_height, plot_top + 6, f.plot_bottom);
  std::string text;
  auto height = at.begin();
  for (const Label& l : all) {
    const double first = *height;
    text += fmt::format("<g class=\"line {}\" data-row=\"{}\">\n", l.style.css_class(),
                        escaped(l.is_reference ? "" : c.lines[std::size_t(&l - all.data())].label));
    if (l.reaches && !c.path) text += line_from(f.x(l.x) + 5, f.y(l.y), to_lead, first, "thin");
    if (l.style.marker > 0) text += marker_at(l.style, to_marker, first);
    for (const std::string& line : l.lines)
      text += text_at(l.is_reference || !l.style.marker ? to_lead + 4 : to_name, *height++ + 5,
                      "start", line, l.is_reference ? "quiet" : "");
    text += "</g>\n";
  }
  return text;
}

}  // namespace

bool Chart::empty() const {
  return std::ranges::all_of(lines, [](const Line& line) { return line.points.empty(); });
}

std::vector<double> spread_labels(const std::vector<double>& wanted, double gap, double low,
                                  double high) {
  // With k·gap subtracted from the k-th label's position, "gap apart" becomes "not decreasing": the
  // least-squares solution merges neighbours that would cross into groups, each at its mean.
  std::vector<std::size_t> order(wanted.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::ranges::stable_sort(
      order, [&wanted](std::size_t a, std::size_t b) { return wanted[a] < wanted[b]; });
  struct LabelGroup {
    double sum;
    int count;
    double mean() const { return sum / count; }
  };
  std::vector<LabelGroup> groups;
  for (std::size_t k = 0; k < order.size(); ++k) {
    groups.push_back({wanted[order[k]] - double(k) * gap, 1});
    while (groups.size() > 1 && groups[groups.size() - 2].mean() > groups.back().mean()) {
      groups[groups.size() - 2].sum += groups.back().sum;
      groups[groups.size() - 2].count += groups.back().count;
      groups.pop_back();
    }
  }
  std::vector<double> at(wanted.size());
  std::size_t k = 0;
  const double most = high - double(wanted.size() - 1) * gap;
  for (const LabelGroup& group : groups)
    for (int n = 0; n < group.count; ++n, ++k)
      at[order[k]] = std::max(low, std::min(most, group.mean())) + double(k) * gap;
  return at;
}

std::string svg_of(const std::string& title, double width, double height,
                   const std::string& drawing, Svg where) {
  const std::string w = place(width), h = place(height),
                    size = fmt::format("width=\"{}\" height=\"{}\"", w, h),
                    name = "<title>" + escaped(title) + "</title>\n";
  std::string text = fmt::format("<svg class=\"chart\" role=\"img\" viewBox=\"0 0 {} {}\"", w, h);
  if (where == Svg::inlined) return text + ">" + name + drawing + "</svg>\n";
  return text + " xmlns=\"http://www.w3.org/2000/svg\" " + size + "><style>" + asset("chart.css") +
         "</style>" + name + "<rect class=\"paper\" " + size + "/>\n" + drawing + "</svg>\n";
}

std::string chart_svg(const Chart& c, Svg where) {
  const Frame f = frame(c);
  std::string text = axes(c, f);
  for (const Chart::ReferenceLine& t : c.reference_lines)
    if (shown_in(f, t))
      text += fmt::format("<path class=\"thin grey\"{} d=\"{}\"><title>{}</title></path>\n",
                          t.dashed ? " stroke-dasharray=\"7 4\"" : "", path_of(t.points, f),
                          escaped(t.name));
  for (const Chart::Line& line : c.lines)
    if (!line.points.empty()) text += drawn(c, line, f);
  return svg_of(c.title, svg_width, f.height, text + names(c, f), where);
}

}  // namespace yonder
