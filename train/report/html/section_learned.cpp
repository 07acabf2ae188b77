#include <algorithm>
#include <cmath>
#include <filesystem>
#include <set>

#include "core/error.h"
#include "models/checkpoint.h"
#include "train/report/html/sections.h"
#include "train/report/probes.h"
#include "train/training/run_dir.h"

namespace yonder {
namespace {

namespace fs = std::filesystem;

// The checkpoint of a cell in one of the runs; "" if none has it, or if the cell's name is a path.
std::string checkpoint_of(const std::string& cell, const std::vector<std::string>& runs) {
  if (cell.empty() || cell == "." || cell == ".." || cell.find('/') != cell.npos) return "";
  for (const std::string& run : runs)
    if (const std::string place = run + "/cells/" + cell; fs::exists(place))
      return RunFolder::checkpoint_in(place);
  return "";
}

int longest_of(const Study& study, const Training& t) {
  int longest = 0;
  for (const Results& r : study.panels)
    for (const EvalScore& s : r.scores)
      if (r.task == t.task && s.row.encoding == t.encoding) longest = std::max(longest, s.tokens);
  return std::min(longest, 4096);
}

Chart frequencies_of(const Study& study, const Training& t, const std::string& checkpoint,
                     const Palette& palette) {
  std::vector<Wavelengths> all;
  int trained = 0;
  const int longest = longest_of(study, t);
  for (const Results& r : study.panels)
    for (const Row& row : r.rows) {
      const bool known =
          std::ranges::any_of(all, [&row](const Wavelengths& x) { return x.row == row; });
      if (r.task != t.task || row.encoding != t.encoding || row.windowed() || known) continue;
      const auto loaded = load_model(checkpoint, row.of_test());
      trained = loaded.model->dims().trained;
      all.push_back(wavelengths(*loaded.model, row, longest));
    }
  return frequencies(all, trained, longest, palette);
}

void draw_cell(const Study& study, const Training& t, const std::string& checkpoint,
               const Palette& palette, Pictures& pictures, Json& figures) {
  const auto loaded = load_model(checkpoint);
  const Row row{t.encoding, {}};
  const Style style = palette.of(row);
  const int longest = longest_of(study, t);
  const std::string of = fmt::format(" ({}, seed {})", t.task, t.seed);
  for (Chart chart :
       {biases(*loaded.model, longest, style), trajectory(*loaded.model, longest, style),
        frequencies_of(study, t, checkpoint, palette)}) {
    chart.name += "-" + t.encoding;
    chart.title = row.printed() + of + ": " + chart.title;
    pictures.add(figures, chart);
  }
  if (const Similarity s = similarity(*loaded.model); !s.at.empty())
    pictures.add(figures, "similarity-" + t.encoding,
                 row.printed() + of + ": cosine similarity of the rows of its table.",
                 "Positions 0 to " + std::to_string(s.at.back()) +
                     ", from the upper left. Blue: alike; orange: opposite; blank: unrelated.",
                 [&s](Svg where) { return similarity_svg(s, where); });
}

// The first trained cell of each encoding.
std::vector<Training> firsts(const Study& study) {
  std::vector<Training> all;
  for (const Training& t : study.trainings)
    if (!t.trial && std::ranges::none_of(
                        all, [&t](const Training& other) { return other.encoding == t.encoding; }))
      all.push_back(t);
  return all;
}

// Accuracy of one row by lag × length, median over seeds.
Json lag_table(const Results& r, const Row& row) {
  std::set<std::pair<int, int>> lags;
  std::set<int> lengths;
  for (const LagScore& l : r.lags)
    if (l.row == row) lags.emplace(l.from, l.to), lengths.insert(l.length);
  Json heads = Json::array({head("lag")}), lines = Json::array();
  for (int length : lengths)
    heads.push_back(head(std::to_string(length) + (length == r.train_length ? "*" : "")));
  for (const auto& [from, to] : lags) {
    Json cells = Json::array();
    for (int length : lengths) {
      std::vector<double> found;
      for (const LagScore& l : r.lags)
        if (l.row == row && l.length == length && l.from == from && !std::isnan(l.token_accuracy))
          found.push_back(l.token_accuracy);
      const double percent = 100 * spread(found).median;
      cells.push_back(cell(number(percent, "{:.0f}"), "tinted"));
      cells.back()["share"] = number(0.75 * percent, "{:.0f}");
    }
    const std::string name =
        to - from > 1 ? fmt::format("{}–{}", from, to - 1) : std::to_string(from);
    lines.push_back(
        {{"rows", Json::array({{{"label", name}, {"key", ""}, {"sign", ""}}})}, {"cells", cells}});
  }
  return tables_of(row.printed(), "map", heads, lines);
}

Json lag_tables(const Study& study) {
  Json all = Json::array();
  for (const Results& r : study.panels) {
    Json tables = Json::array();
    for (const Row& row : r.rows)
      if (!row.windowed())
        for (const Json& table : lag_table(r, row)) tables.push_back(table);
    if (!tables.empty())
      all.push_back({{"heading", r.title() + ": token accuracy in %, by lag and length"},
                     {"tables", tables}});
  }
  return all;
}

}  // namespace

Json learned_section(const Study& study, const Palette& palette, Pictures& pictures,
                     const std::vector<std::string>& runs) {
  Json figures = Json::array(), problems = Json::array();
  for (const Training& t : firsts(study)) {
    try {
      const std::string checkpoint = checkpoint_of(t.cell, runs);
      if (!checkpoint.empty()) draw_cell(study, t, checkpoint, palette, pictures, figures);
    } catch (const FileError& e) { problems.push_back(e.what()); }
  }
  const Json lags = lag_tables(study);
  if (figures.empty() && problems.empty() && lags.empty()) return nullptr;
  return {{"figures", figures}, {"problems", problems}, {"lags", lags}};
}

}  // namespace yonder
