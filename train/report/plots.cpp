#include "train/report/plots.h"

#include <fmt/core.h>
#include <algorithm>
#include <cmath>
#include <map>

#include "core/text.h"
#include "train/results/format.h"
#include "train/results/looks.h"

namespace yonder {
namespace {

constexpr std::size_t readable = 14;  // lines per chart

double scaled(double value, const Measure& m) { return m.percent ? 100 * value : value; }

std::vector<int> sorted(std::vector<int> lengths) {
  std::ranges::sort(lengths);
  return lengths;
}

// " Median of 3 seeds", "up to 3" if some cells have fewer.
std::string seeds(const Results& r) {
  if (r.seeds < 2) return " One seed.";
  const Measure m = r.measures().front();
  bool fewer = false;
  for (const Row& row : r.rows)
    for (int length : r.lengths) fewer = fewer || !counted(r, r.at(row, length, m)).empty();
  return fmt::format(" Median of {}{} seeds", fewer ? "up to " : "", r.seeds);
}

// How the seeds are drawn: ", dots: seeds."
std::string seeds_drawn(const Results& r) {
  if (r.seeds < 2) return "";
  if (std::size_t(r.seeds) <= Chart::dots) return ", dots: seeds.";
  return fmt::format(", bands: range of the seeds (dots: up to {}).", Chart::dots);
}

std::string training(const Results& r) {
  const std::string length = std::to_string(r.train_length);
  return r.title() + ", trained on " + (r.text ? length + " bytes" : "lengths 1 to " + length);
}

// ", trained on 64 bytes; 16,000 bytes scored at each length"
std::string scored(const Results& r) {
  std::int64_t least = 0, most = 0;
  for (const EvalScore& s : r.scores) {
    if (s.targets > 0) least = least ? std::min(least, s.targets) : s.targets;
    most = std::max(most, s.targets);
  }
  const char* unit = r.text ? " bytes" : " tokens";
  return training(r) + (most == 0 ? ""
                                  : "; " + (least < most ? grouped(least) + " to " : "") +
                                        grouped(most) + unit + " scored at each length");
}

Chart::Tics length_tics(const Results& r) {
  Chart::Tics tics;
  double last = 0;
  for (int length : sorted(r.lengths)) {
    const bool here = length == r.train_length;
    if (!here && last > 0 && length < 1.12 * last) continue;  // two labels would overlap
    tics.emplace_back(
        length, text_of(length, r.bins) + "\n" + (here ? "trained" : r.multiple(length) + "×"));
    last = length;
  }
  return tics;
}

// What a model without any skill reaches: chance or the unigram baseline, by length.
Chart::ReferenceLine no_skill(const Results& r, const Measure& m) {
  Chart::ReferenceLine line{m.percent ? "chance" : "unigram model", {}};
  if (m.value == &EvalScore::exact_match) return line;  // a guess never gets a whole answer right
  for (int length : sorted(r.lengths))
    line.points.push_back(
        {double(length), m.percent ? 100 * r.chance_accuracy(length) : r.unigram_loss});
  return line;
}

std::vector<Chart::Point> medians(const Results& r, const Row& row, const Measure& m) {
  std::vector<Chart::Point> points;
  for (int length : sorted(r.lengths)) {
    const Spread s = r.at(row, length, m);
    if (s.empty() || !std::isfinite(s.median)) continue;
    Chart::Point point{double(length), scaled(s.median, m)};
    for (double value : r.values(row, length, m))
      if (std::isfinite(value)) point.seeds.push_back(scaled(value, m));
    points.push_back(std::move(point));
  }
  return points;
}

// A wide range of losses gets a logarithmic axis: a linear one would squeeze the best together.
void choose_axis(Chart& c) {
  double low = 1e300, high = 0;
  for (const Chart::Line& line : c.lines)
    for (const Chart::Point& p : line.points) low = std::min(low, p.y), high = std::max(high, p.y);
  if (low > 0 && high > 3 * low) c.y = Chart::Axis::logarithmic;
}

// The elementwise median of several curves, as long as the shortest.
std::vector<double> median_curve(const std::vector<const std::vector<double>*>& curves) {
  std::vector<double> medians;
  for (std::size_t i = 0;; ++i) {
    std::vector<double> at;
    for (const auto* curve : curves) {
      if (i >= curve->size()) return medians;
      if (!std::isnan((*curve)[i])) at.push_back((*curve)[i]);
    }
    if (curves.empty()) return medians;
    medians.push_back(spread(std::move(at)).median);
  }
}

// Means over equal segments of 0..end, as points at their midpoints.
std::vector<Chart::Point> stretched(const std::vector<double>& means, int end) {
  std::vector<Chart::Point> points;
  for (std::size_t i = 0; i < means.size(); ++i)
    if (std::isfinite(means[i]))
      points.push_back({(double(i) + 0.5) * end / double(means.size()), means[i]});
  return points;
}

std::string panel_name(const Results& r, const std::string& what) { return r.title() + "-" + what; }

// A chart, still empty, of attention by distance at the longest length; bins double in width.
Chart distances(const Results& r, const std::string& name, const std::string& title,
                const std::string& more) {
  Chart c{.name = panel_name(r, name),
          .title = title + " at length " + std::to_string(r.longest()),
          .caption = scored(r) + ". " + more,
          .left = "% of the attention",
          .below = "distance from the query, in tokens",
          .low = 0};
  int tokens = 1, trained = 0;
  for (const AttentionScore& look : r.attention) {
    tokens = std::max(tokens, look.tokens);
    if (look.length == r.train_length) trained = look.tokens;
  }
  c.mark = 1 + std::log2(trained);
  for (int bin = 0, least = 0; least < tokens; ++bin, least = std::max(1, 2 * least))
    c.x_tics.emplace_back(bin, std::to_string(least));
  return c;
}

void add_distances(Chart& c, const std::string& label, const Style& style,
                   const std::vector<double>& shares) {
  Chart::Line line{label, style, {}};
  for (std::size_t bin = 0; bin < shares.size(); ++bin)
    line.points.push_back({double(bin), 100 * shares[bin]});
  if (!line.points.empty()) c.lines.push_back(std::move(line));
}

std::string unit_of(const Results& r, const Measure& m) {
  return m.percent ? "%" : r.text ? "nats per byte" : "nats per token";
}

}  // namespace

Palette palette_of(const Study& study) {
  std::vector<Row> rows;
  for (const Results& r : study.panels)
    for (const Row& row : r.rows) add_once(rows, row);
  return Palette(std::move(rows));
}

Chart over_length(const Results& r, const Measure& m, const std::vector<Row>& rows,
                  const Palette& palette) {
  Chart c{.name = panel_name(r, m.name),
          .title = std::string(m.title) + " by evaluation length",
          .caption = fmt::format(
              "{}.{}{} Beyond {} (dashed line) no distance was seen in training: a flat line "
              "does not degrade.",
              scored(r), seeds(r), seeds_drawn(r), r.train_length),
          .left = unit_of(r, m),
          .below = "evaluation length",
          .x = Chart::Axis::logarithmic,
          .x_tics = length_tics(r),
          .mark = double(r.train_length)};
  if (m.percent) c.low = 0, c.high = 105;
  for (const Row& row : rows)
    c.lines.push_back({row.printed(), palette.of(row), medians(r, row, m)});
  c.reference_lines.push_back(no_skill(r, m));
  choose_axis(c);
  if (m.percent) c.y = Chart::Axis::linear;
  return c;
}

std::vector<Chart> headline(const Results& r, const Palette& palette) {
  const Measure m = r.measures().front();
  std::vector<Row> plain, all, windows;
  for (const Row& row : r.rows) {
    if (row.extension.empty()) plain.push_back(row);
    (row.windowed() ? windows : all).push_back(row);
  }
  const bool fits = all.size() <= readable || plain.empty();
  std::vector<Chart> charts{over_length(r, m, fits ? all : plain, palette)};
  for (const Row& row : windows)
    charts[0].reference_lines.push_back({&row == &windows.front() ? "same models, windowed" : "",
                                         medians(r, row, m), row.printed()});
  if (fits) return charts;
  std::vector<std::string> done;
  for (const Row& row : all) {
    std::vector<Row> family;
    for (const Row& other : r.rows)
      if (other.encoding == row.encoding) family.push_back(other);
    if (row.extension.empty() || has(done, row.encoding)) continue;
    done.push_back(row.encoding);
    charts.push_back(over_length(r, m, family, palette));
    charts.back().name = panel_name(r, std::string(m.name) + "-" + row.encoding);
    charts.back().title = row.printed() + " and its overrides: " + charts.back().title;
  }
  return charts;
}

Chart over_positions(const Results& r, const std::vector<Row>& rows, const Palette& palette) {
  int longest = 1;
  for (const EvalScore& s : r.scores) longest = std::max(longest, s.tokens);
  Chart c{
      .name = panel_name(r, "positions"),
      .title = "Loss by position, at the longest length",
      .caption = training(r) + fmt::format(", in at most {} windows.", scored_by_position) +
                 seeds(r) + (r.seeds > 1 ? "." : "") +
                 " A line that falls beyond the dashed one uses context that training never had.",
      .left = unit_of(r, Measure::loss),
      .below = "position of the target, in tokens",
      .mark = double(r.train_length)};
  for (const Row& row : rows) {
    std::vector<const std::vector<double>*> curves;
    for (const Curve& curve : r.curves)
      if (curve.row == row) curves.push_back(&curve.loss);
    c.lines.push_back({row.printed(), palette.of(row), stretched(median_curve(curves), longest)});
  }
  std::erase_if(c.lines, [](const Chart::Line& line) { return line.points.empty(); });
  choose_axis(c);
  return c;
}

Chart keys_over_length(const Results& r, const std::vector<Row>& rows, const Palette& palette) {
  Chart c{.name = panel_name(r, "keys"),
          .title = "Effective keys by evaluation length",
          .caption = scored(r) +
                     ". Median of all heads of all seeds: how many tokens a query "
                     "spreads its attention over. Sloping dashed line: half of all tokens.",
          .left = "effective keys",
          .below = "evaluation length",
          .x = Chart::Axis::logarithmic,
          .y = Chart::Axis::logarithmic,
          .x_tics = length_tics(r),
          .mark = double(r.train_length)};
  Chart::ReferenceLine half{.label = "half of all tokens", .dashed = true};
  std::map<int, int> tokens;
  for (const AttentionScore& look : r.attention) tokens[look.length] = look.tokens;
  for (const auto& [length, all] : tokens) half.points.push_back({double(length), all / 2.0});
  double most = half.points.empty() ? 1 : half.points.back().y;
  for (const Row& row : rows) {
    Chart::Line line{row.printed(), palette.of(row), {}};
    for (const auto& [length, all] : tokens)
      if (const Spread s = over_heads(r, row, length, &HeadStatistics::keys); !s.empty())
        line.points.push_back({double(length), s.median}), most = std::max(most, s.median);
    if (!line.points.empty()) c.lines.push_back(std::move(line));
  }
  c.reference_lines.push_back(std::move(half));
  c.high = 1.04 * most;
  return c;
}

Chart over_distances(const Results& r, const std::vector<Row>& rows, const Palette& palette) {
  Chart c = distances(r, "distances", "Attention by distance",
                      "Median of all heads of all seeds. Right of the dashed line no distance was "
                      "seen in training.");
  for (const Row& row : rows) {
    std::vector<const std::vector<double>*> heads;
    for (const AttentionScore& look : r.attention)
      if (look.row == row && look.length == r.longest())
        for (const HeadStatistics& head : look.heads) heads.push_back(&head.by_distance);
    add_distances(c, row.printed(), palette.of(row), median_curve(heads));
  }
  return c;
}

Chart over_distances_by_head(const Results& r, const Row& row) {
  Chart c = distances(r, "distances-" + row.label(), row.printed() + ", attention by distance",
                      "Heads of one seed.");
  const auto look = std::ranges::find_if(r.attention, [&](const AttentionScore& l) {
    return l.row == row && l.length == r.longest();
  });
  if (look == r.attention.end()) return c;
  for (const HeadStatistics& head : look->heads)
    add_distances(c, fmt::format("layer {}, head {}", head.layer + 1, head.head + 1),
                  {.colour = head.head % Style::colours,
                   .marker = 1 + head.layer % Style::markers,
                   .dashes = head.layer % 5},
                  head.by_distance);
  return c;
}

Chart over_training(const Study& study, const std::string& task, const std::string& variant,
                    const Palette& palette) {
  Chart c{.name = "training-" + with_settings(task, variant),
          .title = "Training loss",
          .caption = with_settings(task, variant) + "; median of the seeds.",
          .left = "nats per target",
          .below = "steps"};
  std::vector<std::string> encodings;
  for (const Training& t : study.trainings) add_once(encodings, t.encoding);
  for (const std::string& encoding : encodings) {
    std::vector<const std::vector<double>*> curves;
    int steps = 0;
    for (const Training& t : study.trainings)
      if (t.encoding == encoding && t.task == task && t.variant == variant && !t.trial &&
          !t.loss.empty())
        curves.push_back(&t.loss), steps = t.steps;
    const Row row{encoding, {}};
    auto points = stretched(median_curve(curves), steps);
    if (!points.empty()) c.lines.push_back({row.printed(), palette.of(row), std::move(points)});
  }
  choose_axis(c);
  return c;
}

Chart over_steps(const Results& r, const Measure& m, int length, const Palette& palette) {
  Chart c{.name = panel_name(r, fmt::format("{}-{}-steps", m.name, length)),
          .title = fmt::format("{} at length {} ({}×), over training", m.title, length,
                               r.multiple(length)),
          .caption = scored(r) + "." + seeds(r) + seeds_drawn(r),
          .left = unit_of(r, m),
          .below = "steps"};
  if (m.percent) c.low = 0, c.high = 105;
  for (const Row& row : r.rows) {
    std::map<int, std::vector<double>> by_step;
    for (const auto* scores : {&r.learning_curve, &r.late_checkpoints, &r.scores})
      for (const EvalScore& s : *scores)
        if (s.row == row && s.length == length && std::isfinite(s.*m.value))
          by_step[scores == &r.scores ? r.train_steps : s.step].push_back(scaled(s.*m.value, m));
    Chart::Line line{row.printed(), palette.of(row), {}};
    for (const auto& [step, values] : by_step) {
      const Spread s = spread(values);
      line.points.push_back({double(step), s.median, values});
    }
    if (row.extension.empty() && line.points.size() > 1) c.lines.push_back(std::move(line));
  }
  if (!m.percent) choose_axis(c);
  return c;
}

}  // namespace yonder
