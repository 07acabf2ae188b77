#include <algorithm>
#include <iterator>
#include <map>
#include <set>

#include "core/text.h"
#include "train/results/across_tasks.h"
#include "train/results/format.h"
#include "train/results/study.h"

namespace yonder {
namespace {

// The seeds of each row in a panel, by index into `rows`.
std::vector<std::set<int>> seeds_run(const Results& r, const std::vector<Row>& rows) {
  std::vector<std::set<int>> seeds(rows.size());
  for (const EvalScore& s : r.scores)
    seeds[std::size_t(std::ranges::find(rows, s.row) - rows.begin())].insert(s.seed);
  return seeds;
}

// ", seeds 1 and 2"; "" for all seeds.
std::string seeds_text(const std::set<int>& seeds, std::size_t all) {
  if (seeds.size() == all) return "";
  std::vector<std::string> names;
  for (const int seed : seeds) names.push_back(std::to_string(seed));
  return (names.size() == 1 ? ", seed " : ", seeds ") + listed(names);
}

// The task alone if no other panel has it.
std::string panel_name(const Study& study, const Results& r) {
  const std::string task = task_name(r);
  const auto same = [&task](const Results& other) { return task_name(other) == task; };
  return std::ranges::count_if(study.panels, same) > 1 ? r.title() : task;
}

}  // namespace

std::string missing_runs(const Study& study) {
  std::vector<Row> rows;
  std::set<int> all;
  for (const Results& r : study.panels)
    for (const EvalScore& s : r.scores) {
      all.insert(s.seed);
      add_once(rows, s.row);
    }
  std::map<std::pair<std::string, std::string>, std::set<std::string>> where;  // by rows and seeds
  for (const Results& r : study.panels) {
    const auto run = seeds_run(r, rows);
    std::map<std::string, std::set<std::string>> names;  // by missing seeds
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const auto plain = std::ranges::find(rows, Row{rows[i].encoding, {}});
      const bool same = plain != rows.end() && !rows[i].extension.empty();
      const std::set<int>& wanted = same ? run[std::size_t(plain - rows.begin())] : all;
      std::set<int> gone;
      std::set_difference(wanted.begin(), wanted.end(), run[i].begin(), run[i].end(),
                          std::inserter(gone, gone.end()));
      if (!gone.empty()) names[seeds_text(gone, all.size())].insert(rows[i].label());
    }
    for (const auto& [seeds, of_rows] : names)
      where[{listed({of_rows.begin(), of_rows.end()}), seeds}].insert(panel_name(study, r));
  }
  std::vector<std::string> parts;
  for (const auto& [what, panels] : where)
    parts.push_back(what.first + " on " + listed({panels.begin(), panels.end()}) + what.second);
  return parts.empty() ? "" : "Missing: " + joined(parts, "; ") + ".";
}

}  // namespace yonder
