#include <cstdio>
#include <filesystem>

#include "core/error.h"
#include "core/io/files.h"
#include "train/cli/command_line.h"
#include "train/cli/commands.h"
#include "train/report/figures.h"
#include "train/report/html/page.h"
#include "train/report/markdown_latex.h"
#include "train/report/ranks.h"
#include "train/results/format.h"
#include "train/sweep/collect.h"

namespace yonder {
namespace {

namespace fs = std::filesystem;

struct ReportOptions {
  std::vector<std::string> folders;
  std::string format = "html", spread = "none", figures = "none", out;
};

void print(const std::string& text, const std::string& out) {
  if (out.empty()) std::fputs(text.c_str(), stdout);
  else write_file(out, text);
}

std::string tables(const Study& study, const ReportOptions& options) {
  if (options.format == "md") return as_markdown(study);
  if (options.format == "ranks") return kept_above(options.out) + as_ranks(study);
  if (options.format == "csv") return to_csv(study);
  return as_latex(study, options.spread == "none"    ? LatexSpread::none
                         : options.spread == "range" ? LatexSpread::range
                                                     : LatexSpread::sd);
}

ExitCode write_page(const Study& study, const ReportOptions& options, const std::string& note) {
  const fs::path page = options.out.empty() ? fs::path(options.folders.front()) / "report.html"
                                            : fs::path(options.out);
  const std::string folder = page.has_parent_path() ? page.parent_path().string() : ".";
  make_folders(folder);
  const Written written = write_report(
      study, folder, {.runs = options.folders, .file = page.filename().string(), .note = note});
  for (const std::string& picture : written.pictures) std::printf("Picture  %s\n", picture.c_str());
  std::printf("Report   %s\n", written.page.c_str());
  return ExitCode::ok;
}

ExitCode print_figures(const Study& study, const ReportOptions& options) {
  const FigureKind kind = options.figures == "pdf"    ? FigureKind::pdf
                          : options.figures == "png"  ? FigureKind::png
                          : options.figures == "tikz" ? FigureKind::tikz
                                                      : FigureKind::svg;
  const std::string folder =
      options.out.empty() ? options.folders.front() + "/figures" : options.out;
  for (const std::string& path : write_figures(study, folder, kind))
    std::printf("Figure   %s\n", path.c_str());
  return ExitCode::ok;
}

}  // namespace

ExitCode report_command(const Arguments& arguments) {
  ReportOptions options;
  CommandLine line(
      "report", "writes the report page or tables of a sweep, or of several",
      {"yonder report runs/copy", "yonder report runs/copy runs/text --out both.html",
       "yonder report runs/copy --format latex", "yonder report runs/copy --figures pdf",
       "yonder report train/atlas/*.csv --format ranks"});
  line.arguments("DIR", options.folders,
                 "folders of sweeps (yonder sweep --out), or results.csv files");
  line.add(
      "Output",
      {Option{"format", &options.format, "an HTML page with plots, tables, or ranks across tasks"}
           .one_of({"html", "md", "latex", "csv", "ranks"}),
       Option{"spread", &options.spread, "spread over seeds in LaTeX tables"}.one_of(
           {"none", "range", "sd"}),
       Option{"figures", &options.figures,
              "write figures for a paper instead; pdf and png need rsvg-convert"}
           .one_of({"none", "pdf", "tikz", "svg", "png"}),
       Option{"out", &options.out, "file to write; for figures a folder"}.takes("FILE").shown_as(
           "DIR/report.html for a page, DIR/figures, stdout for tables")});
  if (!line.parse(arguments)) return ExitCode::ok;
  const bool page = options.format == "html";
  if (page && options.out.empty() && (options.folders.size() > 1 || is_csv(options.folders[0])))
    throw UsageError("report: several runs, or a CSV, need --out, as in --out both.html");
  if (options.spread != "none" && options.format != "latex")
    throw UsageError("report: --spread is for --format latex; omit one of the two");
  const bool figures = options.figures != "none";
  if (figures && !page)
    throw UsageError("report: --figures writes charts and --format " + options.format +
                     " tables; give one of the two");
  std::vector<Study> studies;
  std::string note;
  for (const std::string& folder : options.folders) {
    Found found = find_study(folder);
    if (!found.note.empty()) note += (note.empty() ? "" : " ") + folder + ": " + found.note;
    studies.push_back(std::move(found.study));
  }
  const Study study = merged(studies, options.folders);
  if (const std::string missing = missing_runs(study); studies.size() > 1 && !missing.empty())
    note += (note.empty() ? "" : " ") + missing;
  if (!note.empty()) std::fprintf(stderr, "%s\n", printable(note).c_str());
  if (figures) return print_figures(study, options);
  if (page) return write_page(study, options, note);
  print(tables(study, options), options.out);
  return ExitCode::ok;
}

}  // namespace yonder
