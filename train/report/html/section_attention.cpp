#include <cmath>

#include "train/report/attention_map.h"
#include "train/report/html/sections.h"
#include "train/results/looks.h"

namespace yonder {
namespace {

// "13", "1.6": one decimal below 10.
std::string keys_text(double keys) { return fmt::format("{:.{}f}", keys, keys < 10 ? 1 : 0); }
std::string share_text(double share) { return fmt::format("{:.0f} %", 100 * share); }

// The median over heads and seeds, with the range in small type.
Json heads_cell(const Results& r, const Row& row, int length, double HeadStatistics::*value,
                std::string (*text)(double)) {
  const Spread s = over_heads(r, row, length, value);
  if (s.empty()) return cell("–");
  Json made = cell(text(s.median));
  const std::string least = text(s.least), most = text(s.most);
  if (least != most) made["small"] = least.substr(0, least.find(" %")) + "–" + most;
  return made;
}

bool has_lags(const Results& r) {
  for (const AttentionScore& look : r.attention)
    for (const HeadStatistics& head : look.heads)
      if (!std::isnan(head.told)) return true;
  return false;
}

std::string conclusion(const Results& r, const Row& row) {
  const SharedGaze shared = gaze_of(r, row, r.longest());
  std::string text = name_of(shared.pattern);
  if (shared.seeds > 0 && shared.seeds < shared.of)
    text += fmt::format(" ({} of {} seeds)", shared.seeds, shared.of);
  return text;
}

// Each row at the longest length.
Json far_out(const Results& r, const Palette& palette) {
  const int length = r.longest();
  Json heads{head("encoding"), head("effective keys", "median head, range"),
             head("distance", "tokens"), head("within N")};
  if (has_lags(r)) heads.push_back(head("on the evidence", "token that determines the answer"));
  heads.push_back(head("conclusion"));
  Json lines = Json::array();
  for (const Row& row : r.rows) {
    if (gaze_of(r, row, length).of == 0) continue;
    Json cells{heads_cell(r, row, length, &HeadStatistics::keys, keys_text),
               heads_cell(r, row, length, &HeadStatistics::distance, keys_text),
               heads_cell(r, row, length, &HeadStatistics::within, share_text)};
    if (has_lags(r)) cells.push_back(heads_cell(r, row, length, &HeadStatistics::told, share_text));
    cells.push_back(cell(conclusion(r, row), "words"));
    lines.push_back(line_of(row, palette, cells));
  }
  return tables_of(r.title() + ": attention at " + text_of(length, r.bins), "sortable concludes",
                   heads, lines);
}

// One value at every length.
Json by_length(const Results& r, const Palette& palette, const std::string& title,
               double HeadStatistics::*value, std::string (*text)(double)) {
  Json lines = Json::array();
  for (const Row& row : r.rows) {
    Json cells = Json::array();
    bool any = false;
    for (int length : r.lengths) {
      any = any || !over_heads(r, row, length, value).empty();
      cells.push_back(heads_cell(r, row, length, value, text));
    }
    if (any) lines.push_back(line_of(row, palette, cells));
  }
  return tables_of(r.title() + ": " + title + ", median head and range", "sortable",
                   length_heads(r, "encoding"), lines);
}

Json at_every_length(const Results& r, const Palette& palette) {
  Json tables = Json::array();
  const auto add = [&](const char* title, double HeadStatistics::*value,
                       std::string (*text)(double)) {
    for (const Json& table : by_length(r, palette, title, value, text)) tables.push_back(table);
  };
  add("effective keys", &HeadStatistics::keys, keys_text);
  add("mean distance in tokens", &HeadStatistics::distance, keys_text);
  add("share within the training length", &HeadStatistics::within, share_text);
  if (has_lags(r))
    add("share on the token that determines the answer", &HeadStatistics::told, share_text);
  return tables;
}

// Attention maps of the first test sequence, for each row.
Json maps_of(const Results& r, Pictures& pictures) {
  Json figures = Json::array();
  for (const AttentionScore& look : r.attention) {
    if (look.heads[0].map.empty()) continue;
    pictures.add(
        figures, r.title() + "-map-" + look.row.label(),
        look.row.printed() + ": attention by token at length " + text_of(look.length, r.bins) + ".",
        fmt::format("First test sequence, seed {}; queries from top to bottom, keys from left to "
                    "right, a square for each head. The stronger the colour, the more attention, "
                    "on a square-root scale.{}",
                    look.seed,
                    r.text ? " Distances below the dashed line were not seen in training." : ""),
        [&](Svg where) { return attention_map_svg(look, r.text ? r.train_length : 0, where); });
  }
  return figures;
}

}  // namespace

Json attention_section(const Study& study, const Palette& palette, Pictures& pictures) {
  return panels_of(study, [&](const Results& r, Json& panel) {
    if (r.attention.empty()) return false;
    Json figures = Json::array(), heads = Json::array();
    std::vector<Row> plain;
    for (const Row& row : r.rows)
      if (row.extension.empty()) plain.push_back(row);
    pictures.add(figures, keys_over_length(r, plain, palette));
    pictures.add(figures, over_distances(r, plain, palette));
    for (const Row& row : r.rows) pictures.add(heads, over_distances_by_head(r, row));
    panel["sentence"] = where_it_looks(r);
    panel["tables"] = far_out(r, palette);
    panel["figures"] = figures;
    panel["more"] = {
        {{"summary", "At every length"},
         {"tables", at_every_length(r, palette)},
         {"figures", Json::array()}},
        {{"summary", "Head by head, by distance"}, {"tables", Json::array()}, {"figures", heads}}};
    if (const Json maps = maps_of(r, pictures); !maps.empty())
      panel["more"].push_back(
          {{"summary", "Attention maps"}, {"tables", Json::array()}, {"figures", maps}});
    return true;
  });
}

}  // namespace yonder
