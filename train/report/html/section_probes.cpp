#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>

#include "core/error.h"
#include "models/checkpoint.h"
#include "train/report/html/html.h"
#include "train/report/html/sections.h"
#include "train/report/probes.h"
#include "train/training/run_dir.h"

namespace yonder {
namespace {

namespace fs = std::filesystem;

// A number as a colour: blue to 1, orange to −1.
std::string tinted(double share) {
  char text[96];
  std::snprintf(text, sizeof text, "style=\"background:color-mix(in srgb,%s %.0f%%,var(--paper))\"",
                share < 0 ? "#D55E00" : "#0072B2", 100 * std::min(1.0, std::abs(share)));
  return text;
}

std::string similarity_map(const Similarity& s) {
  std::string rows;
  for (std::size_t i = 0; i < s.at.size(); ++i) {
    std::string line;
    for (std::size_t j = 0; j < s.at.size(); ++j) {
      char title[64];
      std::snprintf(title, sizeof title, " title=\"%d, %d: %.2f\"", s.at[i], s.at[j],
                    s.cosine[i][j]);
      line += element("td", tinted(s.cosine[i][j]) + title, "");
    }
    rows += element("tr", line) + "\n";
  }
  return element(
             "figure",
             "<table class=\"map pixels\"><tbody>\n" + rows + "</tbody></table>" +
                 element("figcaption",
                         "learned: cosine similarity of the rows of its table, positions 0 to " +
                             std::to_string(s.at.back()) +
                             " from the upper left; blue 1, white 0, orange −1")) +
         "\n";
}

// The checkpoint of a cell in one of the runs; "" if none has it.
std::string checkpoint_of(const std::string& cell, const std::vector<std::string>& runs) {
  for (const std::string& run : runs)
    if (const std::string place = run + "/cells/" + cell; fs::exists(place))
      return RunFolder::checkpoint_in(place);
  return "";
}

int longest_of(const Study& study, const Training& t) {
  int longest = 0;
  for (const Results& r : study.panels)
    for (const Score& s : r.scores)
      if (r.task == t.task && s.row.encoding == t.encoding) longest = std::max(longest, s.tokens);
  return std::min(longest, 4096);
}

std::string frequencies_of(const Study& study, const Training& t, const std::string& checkpoint,
                           const Palette& palette, Pictures& pictures) {
  std::vector<Turns> all;
  int trained = 0;
  const int longest = longest_of(study, t);
  for (const Results& r : study.panels)
    for (const Row& row : r.rows) {
      const bool known =
          std::any_of(all.begin(), all.end(), [&row](const Turns& x) { return x.row == row; });
      if (r.task != t.task || row.encoding != t.encoding || row.windowed() || known) continue;
      const auto loaded = load_model(checkpoint, row.of_test());
      trained = loaded.model->dims().trained;
      all.push_back(turns(*loaded.model, row, longest));
    }
  Chart chart = frequencies(all, trained, longest, palette);
  chart.name += "-" + t.encoding;
  chart.title = Row{t.encoding, {}}.label() + ": " + chart.title;
  chart.subtitle = "at the longest test, " + std::to_string(longest) + " tokens";
  return pictures.figure(chart);
}

std::string of_cell(const Study& study, const Training& t, const std::string& checkpoint,
                    const Palette& palette, Pictures& pictures) {
  const auto loaded = load_model(checkpoint);
  const Row row{t.encoding, {}};
  const Style style = palette.of(row);
  const int longest = longest_of(study, t);
  const std::string model = t.task + ", seed " + std::to_string(t.seed);
  std::string text;
  for (Chart chart :
       {biases(*loaded.model, longest, style), trajectory(*loaded.model, longest, style)}) {
    chart.name += "-" + t.encoding;
    chart.title = row.label() + ": " + chart.title;
    chart.subtitle = model + ", all layers share it";
    if (chart.path) chart.subtitle = model;
    text += pictures.figure(chart);
  }
  text += frequencies_of(study, t, checkpoint, palette, pictures);
  if (const Similarity s = similarity(*loaded.model); !s.at.empty()) text += similarity_map(s);
  return text;
}

// The first trained cell of each encoding.
std::vector<Training> firsts(const Study& study) {
  std::vector<Training> all;
  for (const Training& t : study.trainings)
    if (!t.trial && std::none_of(all.begin(), all.end(), [&t](const Training& other) {
          return other.encoding == t.encoding;
        }))
      all.push_back(t);
  return all;
}

// Accuracy of one row by lag × length, median of the seeds.
std::string lag_map(const Results& r, const Row& row, const Palette& palette) {
  std::vector<std::pair<int, int>> lags;
  std::vector<int> lengths;
  for (const LagScore& l : r.lags) {
    if (!(l.row == row)) continue;
    lags.emplace_back(l.from, l.to);
    lengths.push_back(l.length);
  }
  std::sort(lengths.begin(), lengths.end());
  lengths.erase(std::unique(lengths.begin(), lengths.end()), lengths.end());
  std::sort(lags.begin(), lags.end());
  lags.erase(std::unique(lags.begin(), lags.end()), lags.end());
  if (lags.empty()) return "";
  std::string head = element("th", "lag"), rows;
  for (int length : lengths)
    head +=
        element("th", length == r.trained ? std::to_string(length) + "*" : std::to_string(length));
  for (const auto& [from, to] : lags) {
    std::string line =
        element("th", to - from > 1 ? std::to_string(from) + "–" + std::to_string(to - 1)
                                    : std::to_string(from));
    for (int length : lengths) {
      std::vector<double> found;
      for (const LagScore& l : r.lags)
        if (l.row == row && l.length == length && l.from == from && !std::isnan(l.accuracy))
          found.push_back(l.accuracy);
      const double median = spread(found).median;
      line += found.empty() ? element("td", "")
                            : element("td", tinted(0.75 * median),
                                      std::to_string(int(std::lround(100 * median))));
    }
    rows += element("tr", line) + "\n";
  }
  return element("figure", element("figcaption", named(row, palette)) +
                               "<table class=\"map\"><thead><tr>" + head +
                               "</tr></thead><tbody>\n" + rows + "</tbody></table>") +
         "\n";
}

}  // namespace

std::string learned(const Study& study, const Palette& palette, Pictures& pictures,
                    const std::vector<std::string>& runs) {
  std::string text;
  for (const Training& t : firsts(study)) {
    try {
      const std::string checkpoint = checkpoint_of(t.cell, runs);
      if (!checkpoint.empty()) text += of_cell(study, t, checkpoint, palette, pictures);
    } catch (const FileError& e) {
      text += element("p", "class=\"quiet\"", escaped(e.what())) + "\n";
    }
  }
  for (const Results& r : study.panels) {
    std::string maps;
    for (const Row& row : r.rows)
      if (!row.windowed()) maps += lag_map(r, row, palette);
    if (maps.empty()) continue;
    text += element("h3", escaped(r.title()) + ": right answers in %, by lag × length") + "\n" +
            element("p",
                    "How many tokens lie between an answer and what it is about, down; test "
                    "length across, * the trained one; median of the seeds.") +
            element("div", "class=\"small-maps\"", "\n" + maps) + "\n";
  }
  return text;
}

}  // namespace yonder
