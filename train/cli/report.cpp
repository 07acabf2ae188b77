#include <cstdio>
#include <filesystem>

#include "core/error.h"
#include "core/io/files.h"
#include "train/cli/command_line.h"
#include "train/cli/commands.h"
#include "train/report/html/page.h"
#include "train/report/markdown_latex.h"
#include "train/sweep/collect.h"

namespace yonder {
namespace {

namespace fs = std::filesystem;

struct ReportOptions {
  std::vector<std::string> folders;
  std::string format = "html", out;
  bool png = false;
};

void print(const std::string& text, const std::string& out) {
  if (out.empty()) std::fputs(text.c_str(), stdout);
  else write_file(out, text);
}

int write_page(const Study& study, const ReportOptions& options, const std::string& note) {
  const fs::path page = options.out.empty() ? fs::path(options.folders.front()) / "report.html"
                                            : fs::path(options.out);
  const std::string folder = page.has_parent_path() ? page.parent_path().string() : ".";
  make_folders(folder);
  const Written written = write_report(study, folder,
                                       {.runs = options.folders,
                                        .file = page.filename().string(),
                                        .png = options.png ? Png::too : Png::no,
                                        .note = note});
  if (!written.problem.empty()) std::fprintf(stderr, "%s\n", written.problem.c_str());
  for (const std::string& picture : written.pictures) {
    std::printf("Picture  %s\n", picture.c_str());
    if (options.png)
      std::printf("Picture  %s\n", fs::path(picture).replace_extension("png").c_str());
  }
  std::printf("Report   %s\n", written.page.c_str());
  return fine;
}

}  // namespace

int report_command(const Arguments& arguments) {
  ReportOptions options;
  CommandLine line("report", "writes the page or the tables of a sweep, or joins several",
                   {"yonder report runs/copy", "yonder report runs/copy runs/text --out both.html",
                    "yonder report runs/copy --format latex"});
  line.arguments("DIR", options.folders, "folders of sweeps, as sweep --out named them");
  line.add("Output",
           {Option{"format", &options.format, "a page with pictures, or the tables"}.one_of(
                {"html", "md", "latex", "csv"}),
            Option{"png", &options.png, "each picture of the page as PNG too"},
            Option{"out", &options.out, "file to write"}.takes("FILE").shown_as(
                "DIR/report.html for a page, stdout for tables")});
  if (!line.parse(arguments)) return fine;
  const bool page = options.format == "html";
  if (page && options.folders.size() > 1 && options.out.empty())
    throw UsageError(
        "report: a page of several runs needs a place; name it, as in --out both.html");
  if (options.png && !page)
    throw UsageError("report: --png is for the pictures of a page; leave it away, or --format");
  std::vector<Study> studies;
  std::string note;
  for (const std::string& folder : options.folders) {
    Found found = find_study(folder);
    if (!found.note.empty()) note += (note.empty() ? "" : " ") + folder + ": " + found.note;
    studies.push_back(std::move(found.study));
  }
  const Study study = joined(studies, options.folders);
  if (!note.empty()) std::fprintf(stderr, "%s\n", note.c_str());
  if (page) return write_page(study, options, note);
  print(options.format == "md"      ? as_markdown(study)
        : options.format == "latex" ? as_latex(study)
                                    : to_csv(study),
        options.out);
  return fine;
}

}  // namespace yonder
