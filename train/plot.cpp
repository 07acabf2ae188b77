#include "train/plot.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "core/files.h"
#include "train/processes.h"

namespace yonder {
namespace {

// Okabe & Ito 2008, "Color universal design"; yellow, too pale for a line on white, comes last.
const char* const colours[] = {"#0072B2", "#D55E00", "#009E73", "#CC79A7",
                               "#E69F00", "#56B4E9", "#000000", "#F0E442"};
const char* const grey = "#9a9a9a";
constexpr int filled[] = {7, 5, 9, 13, 11, 15};  // circle, square, triangles, diamond, pentagon

struct Point {
  int length;
  Spread spread;
};

struct Line {
  Row row;
  std::string label, colour;
  int marker, dashes;  // gnuplot's pt and dt
  std::vector<Point> points;

  bool reaches(int length) const { return !points.empty() && points.back().length == length; }
};

struct Frame {
  double low, high;  // of the vertical axis
  int first, last;   // of the horizontal axis
};

double scaled(double value, const Measure& m) { return m.percent ? 100 * value : value; }

std::string number(double x) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", x);
  return text;
}

// As gnuplot takes a text literally.
std::string quoted(const std::string& text) {
  std::string out = "'";
  for (char c : text) out += c == '\'' ? "''" : std::string(1, c);
  return out + "'";
}

std::vector<int> sorted(std::vector<int> lengths) {
  std::sort(lengths.begin(), lengths.end());
  return lengths;
}

// An encoding has one colour and one marker; its extensions share them, dashed and hollow.
std::vector<Line> lines(const Results& results, const Measure& measure) {
  std::vector<std::string> encodings;
  std::vector<Line> all;
  for (const Row& row : results.rows) {
    auto at = std::find(encodings.begin(), encodings.end(), row.encoding);
    const std::size_t k = std::size_t(at - encodings.begin());
    if (at == encodings.end()) encodings.push_back(row.encoding);
    Line line{row, row.label(), colours[k % std::size(colours)], filled[k % std::size(filled)],
              1,   {}};
    for (const Line& other : all)
      if (other.row.encoding == row.encoding && !row.extension.empty()) ++line.dashes;
    if (!row.extension.empty()) --line.marker, line.dashes = std::max(2, line.dashes);
    if (row.windowed()) line.colour = grey;
    for (int length : sorted(results.lengths))
      if (Spread s = results.at(row, length, measure); !s.empty())
        line.points.push_back({length,
                               {scaled(s.median, measure), scaled(s.least, measure),
                                scaled(s.most, measure), s.count}});
    all.push_back(std::move(line));
  }
  return all;
}

Frame frame(const Results& results, const Measure& measure, const std::vector<Line>& all) {
  const auto lengths = sorted(results.lengths);
  Frame f{1e300, -1e300, lengths.front(), std::max(lengths.back(), lengths.front() + 1)};
  if (measure.percent) return {0, 105, f.first, f.last};
  for (const Line& line : all)
    for (const Point& p : line.points)
      f.low = std::min(f.low, p.spread.least), f.high = std::max(f.high, p.spread.most);
  if (f.low > f.high) f.low = 0, f.high = 1;
  const double margin = std::max(0.05, 0.06 * (f.high - f.low));
  return {f.low - margin, f.high + margin, f.first, f.last};
}

std::string seeds(const Results& results) {
  if (results.seeds < 2) return "";
  return "; median of " + std::to_string(results.seeds) + " seeds, band from least to most";
}

std::string training(const Results& results) {
  const std::string length = std::to_string(results.trained);
  return results.text ? "trained on " + length + " bytes of text"
                      : "trained on " + results.task + ", lengths 1 to " + length;
}

std::string axes(const Results& results, const Measure& measure, const Frame& f) {
  std::string tics;
  for (int length : sorted(results.lengths)) {
    const bool here = length == results.trained;
    tics += (tics.empty() ? "\"" : ", \"") + std::to_string(length) + "\\n" +
            (here ? "trained" : results.multiple(length) + "x") + "\" " + std::to_string(length);
  }
  std::string text;
  text += "set logscale x 2\nset xrange [" + std::to_string(f.first) +
          "*0.93:" + std::to_string(f.last) + "*1.04]\nset yrange [" + number(f.low) + ":" +
          number(f.high) + "]\nset xtics (" + tics +
          ") scale 0.4 nomirror textcolor rgb \"black\"\n"
          "set ytics scale 0 nomirror textcolor rgb \"black\"\n";
  text += "set border 1 lc rgb \"#9a9a9a\"\nset grid ytics lt 1 lc rgb \"#e2e2e2\"\nset key off\n";
  text += "set label \"" + std::string(measure.title) +
          ", by test length\" at graph 0, graph 1.09 " + "font \",19\"\nset label \"" +
          training(results) + seeds(results) +
          "\" at graph 0, graph 1.035 font \",14\" textcolor rgb \"#7a7a7a\"\n";
  return text;
}

// What a model without any skill reaches, by length.
struct Baseline {
  std::string name;
  std::vector<std::pair<int, double>> points;

  double end() const { return points.back().second; }
  bool shown(const Frame& f) const { return !points.empty() && end() >= f.low && end() <= f.high; }
};

Baseline baseline(const Results& results, const Measure& measure) {
  Baseline base{measure.percent ? "guessing" : "letter frequencies", {}};
  if (measure.value == &Score::exact) return base;  // a guess is never right as a whole
  for (int length : sorted(results.lengths))
    base.points.emplace_back(length,
                             measure.percent ? 100 * results.guessed(length) : results.letters);
  return base;
}

// Names stand right of the frame with the marker of their line, and a thin lead to its end.
std::string labels(const std::vector<Line>& all, const Baseline& base, const Frame& f) {
  std::vector<double> wanted;
  for (const Line& line : all)
    wanted.push_back(line.points.empty() ? f.low : line.points.back().spread.median);
  if (base.shown(f)) wanted.push_back(base.end());
  const double height = f.high - f.low;
  const auto at = spread_labels(wanted, 0.062 * height, f.low + 0.02 * height, f.high);
  std::string text;
  auto lead = [&](std::size_t i, const char* from, const std::string& colour) {
    text += std::string("set arrow from ") + from + ", first " + number(wanted[i]) +
            " to graph 1.065, first " + number(at[i]) + " nohead lw 0.8 lc rgb \"" + colour +
            "\"\n";
  };
  const std::string end = "first " + std::to_string(f.last);
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Line& line = all[i];
    const bool reaches = line.reaches(f.last);
    text += "set label \"" + line.label + (reaches ? "" : " (ends)") + "\" at graph 1.08, first " +
            number(at[i]) + " left point pt " + std::to_string(line.marker) + " ps 0.9 lc rgb \"" +
            line.colour + "\" offset 0.9,-0.2\n";
    if (reaches) lead(i, end.c_str(), line.colour);
  }
  if (!base.shown(f)) return text;
  text += "set label \"" + base.name + "\" at graph 1.08, first " + number(at.back()) +
          " left font \",14\" textcolor rgb \"#808080\"\n";
  lead(all.size(), end.c_str(), grey);
  return text;
}

std::string data(const std::vector<Line>& all, const Baseline& base) {
  std::string text = "# " + base.name + ": length, height\n$base << END\n";
  for (const auto& [length, height] : base.points)
    text += std::to_string(length) + " " + number(height) + "\n";
  text += "END\n";
  for (std::size_t i = 0; i < all.size(); ++i) {
    text += "# " + all[i].label + ": length, median, least, most\n$line" + std::to_string(i) +
            " << END\n";
    for (const Point& p : all[i].points)
      text += std::to_string(p.length) + " " + number(p.spread.median) + " " +
              number(p.spread.least) + " " + number(p.spread.most) + "\n";
    text += "END\n";
  }
  return text;
}

std::string curves(const std::vector<Line>& all, const Baseline& base, const Frame& f) {
  std::string bands, strokes;
  if (base.shown(f))
    bands = "  $base using 1:2 with lines lw 1 lc rgb \"" + std::string(grey) + "\", \\\n";
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Line& line = all[i];
    if (line.points.empty()) continue;
    const std::string name = "$line" + std::to_string(i),
                      colour = " lc rgb \"" + line.colour + "\"";
    if (line.points.size() > 1)
      bands += "  " + name + " using 1:3:4 with filledcurves" + colour +
               " fillstyle transparent solid 0.16 noborder, \\\n";
    strokes += "  " + name + " using 1:2 with linespoints" + colour + " lw 2.2 dt " +
               std::to_string(line.dashes) + " pt " + std::to_string(line.marker) +
               " ps 0.75, \\\n";
  }
  if (strokes.empty()) return "";
  strokes.resize(strokes.size() - 4);  // the last comma and what continues the line
  return "plot \\\n" + bands + strokes + "\n";
}

}  // namespace

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

std::string plot_script(const Results& results, const Measure& measure) {
  const std::vector<Line> all = lines(results, measure);
  const Frame f = frame(results, measure, all);
  std::string text = "# gnuplot " + std::string(measure.name) + ".gnuplot\n";
  text +=
      "set terminal svg noenhanced size 760,480 font \"Helvetica,Arial,sans-serif,16\" background "
      "rgb "
      "\"#ffffff\"\nset output \"" +
      std::string(measure.name) + ".svg\"\n";
  text +=
      "set lmargin at screen 0.075\nset rmargin at screen 0.7\nset tmargin at screen 0.86\n"
      "set bmargin at screen 0.15\n";
  text += axes(results, measure, f);
  text += "set arrow from first " + std::to_string(results.trained) + ", graph 0 to first " +
          std::to_string(results.trained) +
          ", graph 1 nohead lw 1.2 dt 3 lc rgb \"#707070\" back\n";
  const Baseline base = baseline(results, measure);
  return text + labels(all, base, f) + data(all, base) + curves(all, base, f);
}

std::string in_light_and_dark(std::string svg) {
  // gnuplot writes a colour by name, by numbers, or by numbers padded to three places.
  std::string style = "<style>@media (prefers-color-scheme: dark) {";
  auto rule = [&style](const std::string& what, const std::string& from, const std::string& to) {
    style += " [" + what + "=\"" + from + "\"] { " + what + ": " + to + " }";
  };
  for (const char* what : {"fill", "stroke", "color"})
    for (const char* black : {"black", "rgb(0,0,0)", "rgb(  0,   0,   0)"})
      rule(what, black, "#e8e8e8");
  rule("stroke", "rgb(226, 226, 226)", "#363a41");
  style += " rect[fill=\"#ffffff\"] { fill: #15171b } }</style>\n";
  const auto canvas = svg.find("<g id=\"gnuplot_canvas\"");
  return canvas == std::string::npos ? svg : svg.insert(canvas, style);
}

std::vector<std::string> draw(const Results& results, const std::string& folder,
                              std::string& problem) {
  make_folders(folder);
  std::vector<std::string> pictures;
  for (const Measure& measure : results.measures()) {
    const std::string base = folder + "/" + measure.name;
    write_file(base + ".gnuplot", plot_script(results, measure));
    std::string errors;
    const int code = run_program(
        {"gnuplot", "-e", "cd " + quoted(folder), std::string(measure.name) + ".gnuplot"}, errors);
    if (code == 127) {
      problem = "plots: gnuplot is missing; install it (Debian: apt-get install gnuplot-nox)";
      return pictures;
    }
    if (code != 0) {
      problem = "plots: gnuplot refused " + base + ".gnuplot: " + errors;
      continue;
    }
    write_file(base + ".svg", in_light_and_dark(read_file(base + ".svg")));
    pictures.push_back(base + ".svg");
  }
  return pictures;
}

}  // namespace yonder
