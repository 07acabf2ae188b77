#include "train/report/html/page.h"

#include <filesystem>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/io/files.h"
#include "core/io/json.h"
#include "train/report/html/html.h"
#include "train/report/html/sections.h"
#include "train/results/summary.h"

namespace yonder {
namespace {

namespace fs = std::filesystem;

// SVG markers in the manner of gnuplot's: circle, square, triangles, diamond, pentagon.
std::string marker(const Style& style) {
  const bool hollow = style.marker % 2 == 0 || style.dashes > 1;
  const char* shapes[] = {"M3,3 h8 v8 h-8 z", "M7,2 L13,11 H1 z", "M7,12 L13,3 H1 z",
                          "M7,1 L13,7 L7,13 L1,7 z", "M7,1 L13,5.6 L10.8,12.6 H3.2 L1,5.6 z"};
  const int shape = ((style.marker | 1) - 5) / 2;  // filled ones are odd
  const std::string look = "fill=\"" + (hollow ? std::string("none") : style.colour) +
                           "\" stroke=\"" + style.colour + "\" stroke-width=\"1.6\"";
  std::string drawn = "<circle cx=\"7\" cy=\"7\" r=\"4.6\" " + look + "/>";
  if (shape != 1)
    drawn = "<path d=\"" + std::string(shapes[shape == 0 ? 0 : shape - 1]) + "\" " + look + "/>";
  return "<svg class=\"chart\" style=\"display:inline;min-width:0;width:.85em;height:.85em;"
         "margin-right:.5em;vertical-align:-.06em\" viewBox=\"0 0 14 14\" "
         "aria-hidden=\"true\">" +
         drawn + "</svg>";
}

std::string answer(const Study& study, const Palette& palette, Pictures& pictures) {
  std::string text;
  for (const Results& r : study.panels) {
    if (r.rows.empty()) continue;
    text += panel_heading(study, r);
    std::string sentences;
    for (const std::string& s : findings(r)) sentences += element("li", escaped(s)) + "\n";
    text += element("ul", "class=\"findings\"", "\n" + sentences) + "\n";
    std::string more;
    const auto charts = headline(r, palette);
    for (const Chart& c : charts) (&c == &charts.front() ? text : more) += pictures.figure(c);
    // With few encodings their extensions are the point.
    if (!more.empty())
      text += element("details", charts.size() <= 4 ? "open" : "",
                      element("summary", "Each encoding with its extensions") + more);
  }
  for (const Failure& f : study.failures)
    text += element("p", "Failed: " + escaped(f.cell + ": " + f.reason)) + "\n";
  return text;
}

// A section of the page; one without content is left out.
struct Section {
  const char *id, *name;  // as links have it
  const char* heading;
  std::string content;
};

std::string navigation(const std::vector<Section>& sections) {
  std::string links;
  for (const Section& s : sections)
    if (!s.content.empty()) links += "<a href=\"#" + std::string(s.id) + "\">" + s.name + "</a> ";
  return element("nav", links) + "\n";
}

// Lines of "name value" from a JSON object's plain values.
std::string environment(const std::string& run) try {
  const std::string path = run + "/environment.json";
  std::string lines;
  const auto machine = parse_json(read_file(path), path);
  for (const auto& [name, value] : machine.items())
    if (value.is_primitive())
      lines += element("dt", escaped(name)) +
               element("dd", escaped(value.is_string() ? value.get<std::string>() : value.dump()));
  return element("dl", lines) + "\n";
} catch (const FileError&) { return element("p", "class=\"quiet\"", "Its machine is not known."); }

std::string configuration(const std::string& run) {
  const std::string path = run + "/config.toml";
  if (!fs::exists(path)) return "";
  return element("details",
                 element("summary", escaped(path)) + element("pre", escaped(read_file(path)))) +
         "\n";
}

const char* meaning(const std::string& protocol) {
  if (protocol == "fixed-targets")
    return "The last targets of the same documents at every length; only the context before them "
           "grows.";
  if (protocol == "non-overlapping")
    return "The text is cut into pieces of the length; every target counts, early ones with "
           "little context too.";
  if (protocol == "sliding")
    return "A window of the length slides over the text; only the targets of its last stride "
           "count.";
  return "The tokens of the answer, each given the true ones before it; a whole answer is right if "
         "all of its tokens are.";
}

std::string scored(const Study& study) {
  std::string rows;
  for (const Results& r : study.panels) {
    std::string lengths;
    for (int length : r.lengths) lengths += (lengths.empty() ? "" : ", ") + std::to_string(length);
    rows += element("dt", escaped(r.title())) +
            element("dd", escaped("trained on " + std::to_string(r.trained) + ", tested on " +
                                  lengths + "; " + std::to_string(r.seeds) +
                                  (r.seeds == 1 ? " seed. " : " seeds. ") + meaning(r.protocol)));
  }
  return element("dl", rows) + "\n";
}

}  // namespace

std::string Pictures::figure(const Chart& chart, const std::string& caption) {
  if (chart.empty() || !can_draw_) return "";
  const Drawn drawn = draw(chart, folder_, png_);
  can_draw_ = !drawn.no_gnuplot;
  if (!drawn.problem.empty()) return problem_ = drawn.problem, "";
  const std::string& path = drawn.path;
  paths_.push_back(path);
  std::string svg = inlined(read_file(path), "p" + std::to_string(paths_.size()) + "-");
  svg.insert(svg.find(" role="), " aria-label=\"" + escaped(chart.title) + "\"");
  // On a phone the names at the lines' ends are beyond the edge.
  std::string names;
  for (const Chart::Line& line : chart.lines)
    if (line.style.marker) names += element("span", marker(line.style) + escaped(line.label)) + " ";
  std::string below = names.empty() ? "" : element("figcaption", "class=\"names\"", names);
  if (!caption.empty()) below += element("figcaption", caption);
  return element("figure", "tabindex=\"0\"", "\n" + svg + below) + "\n";
}

std::string named(const Row& row, const Palette& palette) {
  return marker(palette.of(row)) + escaped(row.label());
}

std::string panel_heading(const Study& study, const Results& r) {
  return study.panels.size() < 2 ? "" : element("h3", escaped(r.title())) + "\n";
}

std::string protocol(const Study& study, const std::vector<std::string>& runs) {
  std::string text = scored(study);
  if (!study.command.empty())
    text += element("p", "Made again by") + element("pre", escaped(study.command)) + "\n";
  for (const std::string& run : runs) {
    if (runs.size() > 1) text += element("h3", escaped(run)) + "\n";
    text += environment(run) + configuration(run);
  }
  return text;
}

Written write_report(const Study& study, const std::string& folder, const PageSettings& settings) {
  const Palette palette = palette_of(study);
  const std::vector<std::string> runs =
      settings.runs.empty() ? std::vector<std::string>{folder} : settings.runs;
  Pictures pictures(folder + "/plots", settings.png);
  const std::string title = study.title.empty()
                                ? study.name.empty() ? "Trained short, tested long" : study.name
                                : study.title;
  const std::vector<Section> sections{
      {"answer", "Answer", "What came out", answer(study, palette, pictures)},
      {"matrix", "Every number", "Every number", matrix(study, palette)},
      {"solved", "Seeds", "How many seeds solve it?", solved(study, palette)},
      {"positions", "By position", "Is far context used?", positions(study, palette, pictures)},
      {"learned", "Learned", "What was learned", learned(study, palette, pictures, runs)},
      {"verdicts", "Verdicts", "Verdicts", judged(study, palette)},
      {"training", "Training", "Training", training(study, palette, pictures)},
      {"protocol", "Protocol", "How it was done", protocol(study, runs)}};
  std::string body;
  for (const Section& s : sections) body += section(s.id, s.heading, s.content);
  std::string head = element("h1", escaped(title)) + "\n";
  if (!study.source.empty())
    head += element("p", "class=\"quiet\"", "After " + escaped(study.source)) + "\n";
  if (!settings.note.empty()) head += element("p", escaped(settings.note)) + "\n";
  if (!pictures.problem().empty())
    head += element("p", "class=\"quiet\"", escaped(pictures.problem())) + "\n";
  Written written{folder + "/" + settings.file, pictures.paths(), pictures.problem()};
  write_file(written.page, page(title, element("header", head + navigation(sections)) + body));
  return written;
}

}  // namespace yonder
