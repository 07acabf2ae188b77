#include "train/results/looks.h"

#include <cmath>
#include <map>

#include "train/results/format.h"

namespace yonder {

Spread over_heads(const Results& r, const Row& row, int length, double HeadStatistics::*number) {
  std::vector<double> all;
  for (const AttentionScore& look : r.attention)
    if (look.row == row && look.length == length)
      for (const HeadStatistics& head : look.heads)
        if (!std::isnan(head.*number)) all.push_back(head.*number);
  return spread(std::move(all));
}

SharedGaze gaze_of(const Results& r, const Row& row, int length) {
  std::map<AttentionPattern, int> seeds;
  SharedGaze shared;
  for (const AttentionScore& look : r.attention)
    if (look.row == row && look.length == length)
      ++seeds[pattern(look.heads, look.tokens)], ++shared.of;
  for (const auto& [pattern, count] : seeds)
    if (2 * count > shared.of) shared.pattern = pattern, shared.seeds = count;
  return shared;
}

std::string where_it_looks(const Results& r) {
  if (r.attention.empty()) return "";
  std::map<AttentionPattern, std::vector<std::string>> names;
  for (const Row& row : r.rows)
    if (const SharedGaze shared = gaze_of(r, row, r.longest());
        row.extension.empty() && shared.of > 0)
      names[shared.pattern].push_back(row.printed());
  std::vector<std::string> parts;
  for (const auto& [pattern, rows] : names)
    parts.push_back(listed(rows) + " " +
                    name_of(pattern, rows.size() == 1 ? Subject::one : Subject::several));
  return "Attention at " + r.multiple(r.longest()) + "×: " + joined(parts, "; ") + ".";
}

}  // namespace yonder
