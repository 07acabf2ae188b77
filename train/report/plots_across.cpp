#include "train/report/plots_across.h"

#include <fmt/core.h>
#include <algorithm>
#include <cmath>

namespace yonder {
namespace {

constexpr std::size_t apart = 8;  // lines that a reader can follow where they cross

}  // namespace

Chart mean_ranks(const std::vector<AtMultiple>& all, const Palette& palette) {
  const AtMultiple& last = headline_of(all);
  const std::vector<std::size_t> best = last.best_ranked(apart);
  const bool whole = last.best_ranked(last.rows.size()).size() <= apart;
  Chart c{
      .name = "across-tasks-ranks",
      .title = "Mean rank over the tasks",
      .caption =
          "1 is the best rank: a lower line is better." +
          (whole ? "" : fmt::format(" The {} rows that rank best at {}×.", apart, last.multiple)),
      .left = "mean rank",
      .below = "multiple of the training length",
      .x = Chart::Axis::logarithmic};
  for (const std::size_t i : best)
    c.lines.push_back({last.rows[i].printed(), palette.of(last.rows[i]), {}});
  for (const AtMultiple& at : all) {
    if (at.panels.size() < last.panels.size()) continue;  // ranks of other tasks
    const double times = std::stod(at.multiple);
    c.x_tics.emplace_back(times, at.multiple + "×");
    for (std::size_t n = 0; n < best.size(); ++n)
      for (std::size_t i = 0; i < at.rows.size(); ++i)
        if (at.rows[i] == last.rows[best[n]] && !std::isnan(at.mean_rank(i)))
          c.lines[n].points.push_back({times, at.mean_rank(i)});
  }
  if (c.x_tics.size() < 2) c.lines.clear();  // a point is not a line
  return c;
}

Chart performance_profile(const AtMultiple& at, const Palette& palette) {
  constexpr double end = 0.99;  // no score is above 1
  constexpr int steps = 20;
  std::vector<std::pair<double, std::size_t>> best;
  for (std::size_t i = 0; i < at.rows.size(); ++i)
    if (const AcrossTasks a = across_tasks(at.scores[i]); a.runs > 0 && !at.rows[i].windowed())
      best.emplace_back(-a.mean, i);
  std::ranges::sort(best);
  const bool all = best.size() <= apart;
  if (!all) best.resize(apart);
  Chart c{.name = "across-tasks-profile",
          .title = "Performance profile at " + at.multiple + "× the training length",
          .caption =
              "Share of the runs of all tasks whose score is above τ; a line above another "
              "is better." +
              std::string(all ? "" : " The rows with the best interquartile means."),
          .left = "% of the runs",
          .below = "score τ",
          .low = 0,
          .high = 105};
  for (const auto& [mean, i] : best) {
    Chart::Line line{at.rows[i].printed(), palette.of(at.rows[i]), {}};
    for (int k = 0; k <= steps; ++k)
      line.points.push_back({end * k / steps, 100 * share_above(end * k / steps, at.scores[i])});
    c.lines.push_back(std::move(line));
  }
  return c;
}

}  // namespace yonder
