#include <cmath>

#include "train/report/html/sections.h"
#include "train/report/plots_across.h"
#include "train/report/ranks.h"

namespace yonder {
namespace {

Json html_of(const RowTable& table, const std::string& name, const Palette& palette) {
  Json heads = Json::array({head("encoding")}), lines = Json::array();
  for (const auto& [text, under] : table.heads) heads.push_back(head(text, under));
  for (const auto& [row, of_row] : table.lines) {
    Json cells = Json::array();
    for (const auto& [text, small] : of_row) {
      cells.push_back(cell(text));
      cells.back()["small"] = small;
    }
    lines.push_back(line_of(row, palette, cells));
  }
  return tables_of(name, "sortable", heads, lines);
}

// Probability that a run of one row is better than one of another, for the best-ranked rows.
Json pairs_table(const AtMultiple& at, const Palette& palette) {
  constexpr std::size_t readable_pairs = 16;
  const std::vector<std::size_t> rows = at.best_ranked(readable_pairs);
  Json heads = Json::array({head("better than")}), lines = Json::array();
  for (std::size_t k = 0; k < rows.size(); ++k) {
    heads.push_back(head(std::to_string(k + 1)));
    Json cells = Json::array();
    for (const std::size_t other : rows) {
      const double p = probability_of_improvement(at.scores[rows[k]], at.scores[other]);
      const bool none = other == rows[k] || std::isnan(p);
      cells.push_back(none ? cell("–") : cell(number(p, "{:.2f}"), "tinted"));
      cells.back()["share"] = number(75 * p, "{:.0f}");
    }
    lines.push_back(line_of(at.rows[rows[k]], palette, cells));
    lines.back()["rows"][0]["label"] = std::to_string(k + 1) + " " + at.rows[rows[k]].printed();
  }
  return tables_of("How likely a run of a row is better than one of a column at " + at.multiple +
                       "×; ties count half",
                   "map", heads, lines);
}

}  // namespace

Json across_section(const Study& study, const Palette& palette, Pictures& pictures) {
  const std::vector<AtMultiple> all = at_multiples(study.panels);
  if (all.empty()) return nullptr;
  Json figures = Json::array(), ranks = Json::array();
  pictures.add(figures, performance_profile(headline_of(all), palette));
  pictures.add(figures, mean_ranks(all, palette));
  for (const AtMultiple& at : all) {
    const std::string name = "Ranks by task at " + at.multiple + "×";
    ranks.push_back({{"summary", name}, {"tables", html_of(table_of_ranks(at), name, palette)}});
  }
  return {{"tables", html_of(table_of_means(all), "Interquartile mean, and mean rank", palette)},
          {"figures", figures},
          {"pairs", pairs_table(headline_of(all), palette)},
          {"more", ranks}};
}

}  // namespace yonder
