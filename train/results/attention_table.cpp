#include "train/results/attention_table.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "core/options.h"

namespace yonder {
namespace {

// Empty for NaN.
std::string cell_of(double x) { return std::isnan(x) ? "" : text_of(Value(x)); }

template <class Holds>
double share_of(const std::vector<HeadStatistics>& heads, Holds holds) {
  return double(std::ranges::count_if(heads, holds)) / double(heads.size());
}

}  // namespace

std::vector<HeadStatistics> looks(const std::vector<std::vector<HeadSums>>& layers) {
  std::vector<HeadStatistics> all;
  for (std::size_t layer = 0; layer < layers.size(); ++layer)
    for (std::size_t h = 0; h < layers[layer].size(); ++h) {
      const HeadSums& sums = layers[layer][h];
      if (sums.rows == 0) continue;
      const auto mean = [&](double sum) { return sum / double(sums.rows); };
      HeadStatistics look{.layer = int(layer),
                          .head = int(h),
                          .rows = sums.rows,
                          .entropy = mean(sums.entropy),
                          .keys = std::exp(mean(sums.entropy)),
                          .distance = mean(sums.distance),
                          .within = mean(sums.within),
                          .first = mean(sums.first),
                          .own = mean(sums.own),
                          .top = mean(sums.top),
                          .spent = mean(sums.spent),
                          .told = sums.told_rows ? sums.told / double(sums.told_rows) : NAN};
      for (const double mass : sums.by_distance) look.by_distance.push_back(mean(mass));
      look.map = sums.map;
      all.push_back(std::move(look));
    }
  return all;
}

AttentionPattern pattern(const std::vector<HeadStatistics>& heads, int tokens) {
  if (heads.empty()) return AttentionPattern::mixed;
  if (share_of(heads, [](const HeadStatistics& h) { return h.told >= 0.7; }) > 0)
    return AttentionPattern::finds;
  if (share_of(heads, [](const HeadStatistics& h) { return h.within >= 0.9; }) == 1)
    return AttentionPattern::near;
  if (share_of(heads, [&](const HeadStatistics& h) { return h.keys >= tokens / 4.0; }) >= 0.5)
    return AttentionPattern::spreads;
  const auto sharp = [&](const HeadStatistics& h) {
    return h.within < 0.25 && h.keys < tokens / 16.0;
  };
  return share_of(heads, sharp) >= 0.5 ? AttentionPattern::sharp_at_wrong : AttentionPattern::mixed;
}

const char* name_of(AttentionPattern pattern, Subject subject) {
  // singular and plural, in the order of AttentionPattern
  static constexpr const char* names[][2] = {
      {"looks near", "look near"},
      {"finds it", "find it"},
      {"spreads", "spread"},
      {"looks sharply at wrong far tokens", "look sharply at wrong far tokens"},
      {"shows no single pattern", "show no single pattern"}};
  return names[int(pattern)][int(subject)];
}

std::vector<std::string> attention_columns(int tokens) {
  std::vector<std::string> names{"layer", "head", "rows"};
  for (const HeadNumber& n : head_numbers) names.emplace_back(n.name);
  for (int least = 0; least < tokens; least = std::max(1, 2 * least))
    names.push_back("d" + std::to_string(least));
  return names;
}

std::vector<std::string> attention_cells(const HeadStatistics& h, int tokens) {
  std::vector<std::string> cells{std::to_string(h.layer), std::to_string(h.head),
                                 std::to_string(h.rows)};
  for (const HeadNumber& n : head_numbers) cells.push_back(cell_of(h.*n.value));
  const auto bins = std::size_t(std::bit_width(unsigned(tokens - 1))) + 1;
  for (std::size_t n = 0; n < bins; ++n)
    cells.push_back(cell_of(n < h.by_distance.size() ? h.by_distance[n] : 0));
  return cells;
}

}  // namespace yonder
