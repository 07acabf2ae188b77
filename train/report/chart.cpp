#include "train/report/chart.h"
#include "train/results/format.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace yonder {
namespace {

// Okabe & Ito 2008, "Color universal design"; yellow, too pale for a line on white, comes last.
const char* const colours[] = {"#0072B2", "#D55E00", "#009E73", "#CC79A7",
                               "#E69F00", "#56B4E9", "#000000", "#F0E442"};
const char* const grey = "#9a9a9a";
constexpr int filled[] = {7, 5, 9, 13, 11, 15};  // circle, square, triangles, diamond, pentagon

std::string number(double x) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", x);
  return text;
}

// A text in double quotes, as gnuplot reads it back; \n stays a line's end.
std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (char c : text)
    if (c == '\n') out += "\\n";
    else out += c == '"' || c == '\\' ? std::string("\\") + c : std::string(1, c);
  return out + '"';
}

int letters(const std::string& text) {
  return int(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

// A name in lines of at most `most` letters, as far as it can be broken: between words or the
// layers of a mix, else between the parts of an encoding.
std::vector<std::string> broken(std::string name, int most) {
  std::vector<std::string> lines;
  while (letters(name) > most) {
    const std::string start = name.substr(0, std::size_t(most));
    std::size_t last = start.find_last_of(", ");
    if (last == std::string::npos) last = start.find_last_of("+:");
    if (last == std::string::npos) last = name.find_first_of(", +:");
    if (last >= name.size() - 1) break;
    lines.push_back(name.substr(0, name[last] == ' ' ? last : last + 1));
    name.erase(0, last + 1);
  }
  lines.push_back(name);
  return lines;
}

// The vertical axis, on which labels are placed: heights on paper go with at(y).
struct Frame {
  double low, high, left, right;
  Chart::Axis axis;
  int width, height;  // of the picture
  double gap;         // between lines of labels, of the height of the frame
  int left_margin = 60, top = 22;

  double at(double y) const {
    const double x = std::clamp(y, low, high);
    return axis == Chart::Axis::linear ? (x - low) / (high - low)
                                       : std::log(x / low) / std::log(high / low);
  }
};

// Letters of a line, and in points the width of one, of which many are wide, and the line's height.
struct Lettering {
  int most, letter, height;
  int width(const std::vector<std::string>& lines) const {
    int widest = 0;
    for (const std::string& line : lines) widest = std::max(widest, letters(line));
    return letter * widest;
  }
};
constexpr Lettering of_title{60, 11, 24}, of_subtitle{86, 8, 24}, of_label{32, 10, 20},
    of_thin{32, 9, 20};
constexpr int plot_width = 475, bottom = 72;
constexpr int to_marker = 38, to_name = 54;  // from the frame

// A name right of the frame, and the end of the line that it is for.
struct Label {
  std::vector<std::string> lines;
  std::string colour;
  int marker;  // 0: of a thin line
  double x, y;
  bool reaches;
};

bool shown(const Chart::Thin& t, const Frame& f) {
  if (t.points.empty()) return false;
  const double end = t.points.back().y;
  return !std::isnan(end) && end >= f.low && end <= f.high;
}

std::vector<Label> labels_of(const Chart& c, const Frame& f) {
  std::vector<Label> all;
  for (const Chart::Line& line : c.lines) {
    const bool any = !line.points.empty();
    const bool reaches = any && (c.path || line.points.back().x == f.right);
    all.push_back({broken(line.label + (reaches ? "" : " (ends)"), of_label.most),
                   line.style.colour, line.style.marker, any ? line.points.back().x : 0,
                   any ? line.points.back().y : f.low, reaches});
  }
  for (const Chart::Thin& t : c.thin)
    if (shown(t, f) && !t.label.empty())
      all.push_back({broken(t.label, of_thin.most), grey, 0, f.right, t.points.back().y, true});
  return all;
}

// What the lines span, with a margin, or what the chart says.
void span(const Chart& c, Frame& f) {
  for (const Chart::Line& line : c.lines)
    for (const Chart::Point& p : line.points) {
      f.left = std::min(f.left, p.x), f.right = std::max(f.right, p.x);
      f.low = std::min({f.low, p.y, p.low}), f.high = std::max({f.high, p.y, p.high});
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

Frame frame(const Chart& c) {
  Frame f{1e300, -1e300, 1e300, -1e300, c.y, 0, 0, 0};
  span(c, f);
  int right_margin = 176, lines = 0;
  for (const Label& l : labels_of(c, f)) {
    const int width =
        l.marker ? to_name + of_label.width(l.lines) : to_marker + of_thin.width(l.lines);
    right_margin = std::max(right_margin, width);
    lines += int(l.lines.size());
  }
  const auto title = broken(c.title, of_title.most), below = broken(c.subtitle, of_subtitle.most);
  f.top += of_title.height * int(title.size()) + of_subtitle.height * int(below.size()) - 2;
  const int plot = std::max(340, of_label.height * lines);
  f.height = f.top + plot + bottom;
  f.gap = double(of_label.height) / plot;
  const double digits = std::floor(std::log10(std::max(1.0, f.high))) + 1;
  f.left_margin = std::max(60, 18 + 10 * int(digits));
  f.width = std::max({f.left_margin + plot_width + right_margin, 16 + of_title.width(title),
                      16 + of_subtitle.width(below)});
  return f;
}

// 1, 1.5, 2, 2.5, 3, 4, 5, 7 times powers of ten that lie in the frame; fewer where it spans many.
std::string tics_by_ratio(const Frame& f) {
  const double span = f.high / f.low;
  const std::vector<double> of_ten = span > 2000 ? std::vector<double>{1}
                                     : span > 30 ? std::vector<double>{1, 3}
                                                 : std::vector<double>{1, 1.5, 2, 2.5, 3, 4, 5, 7};
  std::string text;
  for (int power = -12; power < 12; ++power)
    for (double digit : of_ten)
      if (const double x = digit * std::pow(10, power); x >= f.low && x <= f.high)
        text += (text.empty() ? "" : ", ") + number(x);
  return text;
}

std::string axes(const Chart& c, const Frame& f) {
  const std::string quiet = " textcolor rgb \"#7a7a7a\"\n";
  std::string text, tics;
  if (c.x == Chart::Axis::logarithmic)
    text +=
        "set logscale x 2\nset xrange [" + number(f.left) + "*0.93:" + number(f.right) + "*1.04]\n";
  else {
    const double margin = f.right > f.left ? 0.02 * (f.right - f.left) : 0.5;  // of one point too
    text += "set xrange [" + number(f.left - margin) + ":" + number(f.right + margin) + "]\n";
  }
  text += "set yrange [" + number(f.low) + ":" + number(f.high) + "]\n";
  if (c.y == Chart::Axis::logarithmic)
    text += "set logscale y\nset ytics (" + tics_by_ratio(f) + ")\n";
  for (const auto& [x, name] : c.x_tics)
    tics += (tics.empty() ? "" : ", ") + quoted(name) + " " + number(x);
  text += "set xtics " + (tics.empty() ? "" : "(" + tics + ") ") +
          "scale 0.4 nomirror textcolor rgb \"black\"\n"
          "set ytics scale 0 nomirror textcolor rgb \"black\"\n";
  if (!c.below.empty())
    text += "set label " + quoted(c.below) + " at screen " +
            number(double(f.left_margin + plot_width) / f.width) + ", screen " +
            number(16.0 / f.height) + " right font \",14\"" + quiet;
  text += "set border 1 lc rgb \"#9a9a9a\"\nset grid ytics lt 1 lc rgb \"#e2e2e2\"\nset key off\n";
  int from_top = 22;
  const auto head = [&](const std::string& what, const Lettering& lettering,
                        const std::string& look) {
    for (const std::string& line : broken(what, lettering.most)) {
      text += "set label " + quoted(line) + " at screen " + number(8.0 / f.width) + ", screen " +
              number(1 - double(from_top) / f.height) + " left " + look;
      from_top += lettering.height;
    }
  };
  head(c.title, of_title, "font \",19\"\n");
  head(c.subtitle, of_subtitle, "font \",14\"" + quiet);
  if (!std::isnan(c.mark) && c.mark >= f.left && c.mark <= f.right)
    text += "set arrow from first " + number(c.mark) + ", graph 0 to first " + number(c.mark) +
            ", graph 1 nohead lw 1.2 dt 3 lc rgb \"#707070\" back\n";
  return text;
}

// Names stand right of the frame with the marker of their line, and a thin lead to its end. Each
// line of a name has a height of its own; heights go up, lines down.
std::string labels(const Chart& c, const Frame& f) {
  const std::vector<Label> all = labels_of(c, f);
  std::vector<double> wanted;
  for (const Label& l : all) wanted.insert(wanted.end(), l.lines.size(), f.at(l.y));
  const auto at = spread_labels(wanted, f.gap, 0.5 * f.gap, 1);
  const auto right = [](double points) { return "graph " + number(1 + points / plot_width); };
  std::string text;
  auto height = at.begin();
  for (const Label& l : all) {
    const int lines = int(l.lines.size());
    const std::string colour = " lc rgb \"" + l.colour + "\"";
    for (int n = 0; n < lines; ++n)
      text += "set label " + quoted(l.lines[std::size_t(n)]) + " at " +
              right(l.marker ? to_name : to_marker) + ", graph " + number(height[lines - 1 - n]) +
              " left" + (l.marker ? "\n" : " font \",14\" textcolor rgb \"#808080\"\n");
    const std::string first = ", graph " + number(height[lines - 1]);
    if (l.marker)
      text += "set label \"\" at " + right(to_marker) + first + " point pt " +
              std::to_string(l.marker) + " ps 0.9" + colour + "\n";
    if (l.reaches && !c.path)
      text += "set arrow from first " + number(l.x) + ", graph " + number(f.at(l.y)) + " to " +
              right(to_marker - 8) + first + " nohead lw 0.8" + colour + "\n";
    height += lines;
  }
  return text;
}

std::string block(const std::string& name, const std::string& label,
                  const std::vector<Chart::Point>& points) {
  std::string text = "# " + label + ": x, y, band from, to\n" + name + " << END\n";
  for (const Chart::Point& p : points) {
    text += number(p.x) + " " + number(p.y);
    if (!std::isnan(p.low)) text += " " + number(p.low) + " " + number(p.high);
    text += "\n";
  }
  return text + "END\n";
}

std::string data(const Chart& c) {
  std::string text;
  for (std::size_t i = 0; i < c.thin.size(); ++i)
    text += block("$thin" + std::to_string(i), c.thin[i].label, c.thin[i].points);
  for (std::size_t i = 0; i < c.lines.size(); ++i)
    text += block("$line" + std::to_string(i), c.lines[i].label, c.lines[i].points);
  return text;
}

std::string strokes(const Chart& c, const Frame& f) {
  std::vector<std::string> bands, lines;
  for (std::size_t i = 0; i < c.thin.size(); ++i)
    if (shown(c.thin[i], f))
      bands.push_back("$thin" + std::to_string(i) + " using 1:2 with lines lw 1 lc rgb \"" + grey +
                      "\" title " + quoted(c.thin[i].label));
  for (std::size_t i = 0; i < c.lines.size(); ++i) {
    const Chart::Line& line = c.lines[i];
    if (line.points.empty()) continue;
    const std::string name = "$line" + std::to_string(i),
                      colour = " lc rgb \"" + line.style.colour + "\"",
                      title = " title " + quoted(line.label);
    const bool band = std::any_of(line.points.begin(), line.points.end(),
                                  [](const Chart::Point& p) { return p.high > p.low; });
    if (band && line.points.size() > 1)
      bands.push_back(name + " using 1:3:4 with filledcurves" + colour +
                      " fillstyle transparent solid 0.16 noborder" + title);
    // A marker at every point would hide a line of many.
    const bool marked = line.style.marker > 0 && (line.points.size() <= 16 || c.path);
    const std::string every =
        line.points.size() > 16 ? " pi " + std::to_string(line.points.size() / 8) : "";
    lines.push_back(
        name + " using 1:2 with " + (marked ? "linespoints" : "lines") + colour +
        (line.style.colour == grey ? " lw 1.2 dt " : " lw 2.2 dt ") +
        std::to_string(line.style.dashes) +
        (marked ? " pt " + std::to_string(line.style.marker) + " ps 0.75" + every : "") + title);
  }
  std::string text;
  for (const auto& all : {bands, lines})
    for (const std::string& one : all) text += (text.empty() ? "plot \\\n  " : ", \\\n  ") + one;
  return text + "\n";
}

}  // namespace

Palette::Palette(std::vector<Row> rows) : rows_(std::move(rows)) {
  for (const Row& row : rows_)
    if (std::find(encodings_.begin(), encodings_.end(), row.encoding) == encodings_.end())
      encodings_.push_back(row.encoding);
}

Style Palette::of(const Row& row) const {
  const auto found = std::find(encodings_.begin(), encodings_.end(), row.encoding);
  const std::size_t k = std::size_t(found - encodings_.begin());
  Style style{colours[k % std::size(colours)], filled[k % std::size(filled)], 1};
  if (row.extension.empty()) return style;
  --style.marker;
  style.dashes = 2;
  for (const Row& other : rows_) {
    if (other == row) break;
    if (other.encoding == row.encoding && !other.extension.empty()) ++style.dashes;
  }
  style.dashes = 2 + (style.dashes - 2) % 4;  // gnuplot has four patterns
  if (row.windowed()) style.colour = grey;
  return style;
}

bool Chart::empty() const {
  return std::all_of(lines.begin(), lines.end(),
                     [](const Line& line) { return line.points.empty(); });
}

std::vector<double> spread_labels(const std::vector<double>& wanted, double gap, double low,
                                  double high) {
  // With k-th label's height minus k·gap, "gap apart" becomes "not decreasing": the least squares
  // answer joins neighbours that would cross into groups and gives each group its mean.
  std::vector<std::size_t> order(wanted.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(),
                   [&wanted](std::size_t a, std::size_t b) { return wanted[a] < wanted[b]; });
  struct Group {
    double sum;
    int count;
    double mean() const { return sum / count; }
  };
  std::vector<Group> groups;
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
  for (const Group& group : groups)
    for (int n = 0; n < group.count; ++n, ++k)
      at[order[k]] = std::max(low, std::min(most, group.mean())) + double(k) * gap;
  return at;
}

std::string chart_script(const Chart& c, Format format) {
  const Frame f = frame(c);
  const bool svg = format == Format::svg;
  const int fine = svg ? 1 : 2;
  auto share = [](int part, int whole) { return number(double(part) / whole); };
  return "# gnuplot " + c.name + ".gnuplot\nset terminal " +
         (svg ? "svg" : "pngcairo fontscale 1.5 linewidth 2 pointscale 2") + " noenhanced size " +
         std::to_string(fine * f.width) + "," + std::to_string(fine * f.height) +
         " font \"Helvetica,Arial,sans-serif,16" + "\" background rgb \"#ffffff\"\nset output " +
         quoted(c.name + (svg ? ".svg" : ".png")) + "\nset lmargin at screen " +
         share(f.left_margin, f.width) + "\nset rmargin at screen " +
         share(f.left_margin + plot_width, f.width) + "\nset tmargin at screen " +
         share(f.height - f.top, f.height) + "\nset bmargin at screen " + share(bottom, f.height) +
         "\n" + axes(c, f) + labels(c, f) + data(c) + strokes(c, f);
}

}  // namespace yonder
