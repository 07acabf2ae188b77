#include "train/report/figures.h"

#include <cmath>
#include <set>

#include "core/error.h"
#include "core/io/files.h"
#include "train/report/html/render.h"
#include "train/report/html/sections.h"
#include "train/report/markdown_latex.h"
#include "train/report/plots.h"
#include "train/report/plots_across.h"
#include "train/system/process_pool.h"

namespace yonder {
namespace {

// "0072B2", the colour in chart.css.
std::string colour_of(const Style& style) {
  const std::string css = asset("chart.css"), rule = "\n." + style.css_class() + " { color: #";
  return css.substr(css.find(rule) + rule.size(), 6);
}

const char* const tikz_dashes[] = {"solid", "dashed", "dotted", "dash dot", "densely dashed"};

std::string coordinates(const std::vector<Chart::Point>& points) {
  std::string text = " coordinates {";
  for (const Chart::Point& p : points)
    if (std::isfinite(p.y)) text += "(" + text_of(p.x) + "," + text_of(p.y) + ")";
  return text + "};\n";
}

std::string line_of(const Chart::Line& line, int number, bool path) {
  static const char* const marks[][2] = {{"none", "none"},          {"*", "o"},
                                         {"square*", "square"},     {"triangle*", "triangle"},
                                         {"triangle*", "triangle"}, {"diamond*", "diamond"},
                                         {"pentagon*", "pentagon"}};
  const Style& s = line.style;
  const std::string name = "line" + std::to_string(number);
  return "\\definecolor{" + name + "}{HTML}{" + colour_of(s) + "}\n\\addplot[" + name + ", " +
         tikz_dashes[s.dashes % 5] + ", mark=" + marks[s.marker][s.hollow] +
         ", mark options={solid" + (s.marker == 4 ? ", rotate=180" : "") + "}" +
         (path || line.points.size() <= 16
              ? ""
              : ", mark repeat=" + std::to_string(line.points.size() / 8)) +
         "]" + coordinates(line.points) + "\\addlegendentry{" + latex_text(line.label) + "}\n";
}

std::string axis_of(const Chart& c) {
  const auto logarithmic = [](Chart::Axis a) { return a == Chart::Axis::logarithmic; };
  std::string text = "width=2.4in, height=2.2in, xlabel={" + latex_text(c.below) + "}, ylabel={" +
                     latex_text(c.left) + "}";
  if (logarithmic(c.x)) text += ", xmode=log";
  if (logarithmic(c.y)) text += ", ymode=log, log ticks with fixed point";
  if (!std::isnan(c.low)) text += ", ymin=" + text_of(c.low);
  if (!std::isnan(c.high)) text += ", ymax=" + text_of(c.high);
  if (!c.x_tics.empty()) {
    std::string at, names;
    for (const auto& [x, name] : c.x_tics) {
      at += (at.empty() ? "" : ",") + text_of(x);
      names += (names.empty() ? "{" : ",{") + latex_text(name.substr(0, name.find('\n'))) + "}";
    }
    text += ", xtick={" + at + "}, xticklabels={" + names + "}, minor x tick num=0";
  }
  return text +
         ",\n  grid=major, major grid style={black!12}, mark size=1.4pt, "
         "legend cell align=left,\n  legend style={draw=none, at={(1.02,1)}, "
         "anchor=north west}";
}

// Figures for a paper: each panel's measures over length and loss by position; profile and ranks.
std::vector<Chart> charts_of(const Study& study) {
  const Palette palette = palette_of(study);
  std::vector<Chart> all;
  for (const Results& r : study.panels) {
    for (Chart& c : headline(r, palette)) all.push_back(std::move(c));
    const std::vector<Measure> measures = r.measures();
    for (std::size_t m = 1; m < measures.size(); ++m)
      all.push_back(over_length(r, measures[m], r.rows, palette));
    all.push_back(over_positions(r, r.rows, palette));
  }
  if (const auto multiples = at_multiples(study.panels); !multiples.empty()) {
    all.push_back(performance_profile(headline_of(multiples), palette));
    all.push_back(mean_ranks(multiples, palette));
  }
  std::erase_if(all, [](const Chart& c) { return c.empty(); });
  for (Chart& c : all)
    for (Chart::ReferenceLine& t : c.reference_lines) t.label = t.name;
  return all;
}

// Converts an SVG to another format, by rsvg-convert.
std::string converted(const std::string& svg, const std::string& format) {
  const TemporaryFolder folder;
  const std::string from = folder.path + "/figure.svg", to = folder.path + "/figure." + format;
  write_file(from, svg);
  std::string said;
  const int code = run_program(
      {"rsvg-convert", "-f", format, "-z", format == "png" ? "3" : "1", "-o", to, from}, said);
  if (code == 0) return read_file(to);
  if (code == 127)
    throw UsageError("report: --figures " + format +
                     " needs rsvg-convert, which is not here; apt-get install librsvg2-bin, or "
                     "choose svg or tikz");
  throw DiskError(to + ": rsvg-convert could not write it: " + said.substr(0, said.find('\n')));
}

}  // namespace

std::string tikz_of(const Chart& c) {
  std::string text =
      "% " + latex_text(c.title) + "\n" +
      "\\documentclass[border=2pt]{standalone}\n\\usepackage{pgfplots}\n"
      "\\pgfplotsset{compat=1.16}\n\\begin{document}\n\\fontsize{8}{9.5}\\selectfont\n"
      "\\begin{tikzpicture}\n\\begin{axis}[" +
      axis_of(c) + "]\n";
  int count = 0;
  for (const Chart::ReferenceLine& t : c.reference_lines)
    if (!t.points.empty() && !std::isnan(t.points.back().y))
      text += "\\addplot[black!45, thin, mark=none, " + std::string(tikz_dashes[count++ % 5]) +
              "]" + coordinates(t.points) + "\\addlegendentry{" + latex_text(t.label) + "}\n";
  for (std::size_t n = 0; n < c.lines.size(); ++n)
    if (!c.lines[n].points.empty()) text += line_of(c.lines[n], int(n), c.path);
  if (!std::isnan(c.mark) && !c.lines.empty() && !c.lines[0].points.empty()) {
    const std::string at =
        "{axis cs:" + text_of(c.mark) + "," + text_of(c.lines[0].points[0].y) + "}";
    text += "\\draw[black!60, dash pattern=on 2pt off 2pt] (" + at + " |- {rel axis cs:0,0}) -- (" +
            at + " |- {rel axis cs:0,1});\n";
  }
  return text + "\\end{axis}\n\\end{tikzpicture}\n\\end{document}\n";
}

std::vector<std::string> write_figures(const Study& study, const std::string& folder,
                                       FigureKind kind) {
  make_folders(folder);
  std::vector<std::string> paths;
  std::set<std::string> stems;
  for (const Chart& c : charts_of(study)) {
    std::string stem = folder + "/" + file_name(c.name);
    for (int n = 2; !stems.insert(stem).second; ++n)
      stem = folder + "/" + std::to_string(n) + "-" + file_name(c.name);
    const bool tikz = kind == FigureKind::tikz;
    const std::string drawn = tikz ? tikz_of(c) : chart_svg(c, Svg::file);
    const std::string format = kind == FigureKind::pdf   ? "pdf"
                               : kind == FigureKind::png ? "png"
                               : tikz                    ? "tex"
                                                         : "svg";
    paths.push_back(stem + "." + format);
    write_file(paths.back(), format == "pdf" || format == "png" ? converted(drawn, format) : drawn);
  }
  return paths;
}

}  // namespace yonder
