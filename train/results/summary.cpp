#include "train/results/summary.h"

#include <fmt/core.h>
#include <algorithm>
#include <cmath>
#include <functional>
#include <map>

#include "train/results/format.h"
#include "train/results/looks.h"
#include "train/results/orderings.h"

namespace yonder {
namespace {

constexpr double holds = 1.05;  // the green of tables

// Both ends of a long ordered list: the table has the rest.
std::vector<std::string> both_ends(std::vector<std::string> names) {
  if (names.size() <= 9) return names;
  const std::size_t between = names.size() - 7;
  names.erase(names.begin() + 4, names.end() - 3);
  names.insert(names.begin() + 4, std::to_string(between) + " more between");
  return names;
}

std::string unit(const Measure& m) { return m.percent ? " %" : " nats"; }

std::string place(const Results& r, int length) { return r.multiple(length) + "×"; }

std::string undefined(const Results& r, int length) {
  std::vector<std::string> names;
  for (const Row& row : r.rows)
    if (!row.windowed() && !r.problem(row, length).empty()) names.push_back(row.printed());
  if (names.empty()) return "";
  return listed(names) + (names.size() == 1 ? " is" : " are") + " undefined";
}

std::string sentence(std::vector<std::string> parts, const std::string& undefined_rows) {
  parts = both_ends(std::move(parts));
  std::string text = joined(parts, ", ");
  if (!undefined_rows.empty()) text += (text.empty() ? "" : "; ") + undefined_rows;
  return text.empty() ? "" : text + ".";
}

// "Loss at 8× relative to length 64: KERPLE 1.02×, RoPE + YaRN 1.20×, RoPE 3.09×; learned is
// undefined."
std::string losses_far_out(const Results& r) {
  const int length = r.longest();
  auto rows = ranking(r, length, Measure::loss);
  std::ranges::stable_sort(rows, [&](const Row& a, const Row& b) {
    return r.degradation(a, length, Measure::loss) < r.degradation(b, length, Measure::loss);
  });
  std::vector<std::string> parts;
  for (const Row& row : rows)
    parts.push_back(
        fmt::format("{} {:.2f}×", row.printed(), r.degradation(row, length, Measure::loss)));
  const std::string said = sentence(parts, undefined(r, length));
  return said.empty() ? ""
                      : fmt::format("Loss at {} relative to length {}: {}", place(r, length),
                                    r.train_length, said);
}

// "Token accuracy at 4×: ALiBi 98.8 %, RoPE 46.0 %, chance 6.2 %; learned is undefined."
std::string answers_far_out(const Results& r) {
  const int length = r.longest();
  std::vector<std::string> shares;
  for (const Row& row : ranking(r, length, Measure::token_accuracy))
    shares.push_back(
        row.printed() + " " +
        shown(r.at(row, length, Measure::token_accuracy).median, Measure::token_accuracy) + " %");
  shares = both_ends(std::move(shares));
  if (const double share = r.chance_accuracy(length); !std::isnan(share) && !shares.empty())
    shares.push_back("chance " + shown(share, Measure::token_accuracy) + " %");
  const std::string said = sentence(shares, undefined(r, length));
  return said.empty() ? "" : "Token accuracy at " + place(r, length) + ": " + said;
}

std::string at_home(const Results& r, const Measure& m) {
  std::vector<Row> plain;
  for (const Row& row : ranking(r, r.train_length, m))
    if (row.extension.empty()) plain.push_back(row);
  if (plain.size() < 2) return "";
  const std::string where = "At the training length ";
  if (at_chance(r, plain.front(), r.train_length, m))
    return where + "no model is better than chance.";
  const auto median = [&](const Row& row) {
    return shown(r.at(row, r.train_length, m).median, m) + unit(m);
  };
  if (median(plain.front()) == median(plain.back())) {
    const auto all =
        std::ranges::count_if(r.rows, [](const Row& x) { return x.extension.empty(); });
    const bool each = all == std::ptrdiff_t(plain.size());
    return where + (each ? "all encodings have " : "all encodings with a result have ") +
           median(plain.front()) + ".";
  }
  const auto tied = [&](const Row& as) {
    std::vector<std::string> names;
    for (const Row& row : plain)
      if (median(row) == median(as)) names.push_back(row.printed());
    return std::pair(listed(both_ends(names)) + " (" + median(as) + ")",
                     names.size() > 1 ? "are" : "is");
  };
  const auto [best, are] = tied(plain.front());
  return where + best + " " + are + " best and " + tied(plain.back()).first + " worst.";
}

std::string unlearned(const Results& r) {
  std::vector<std::string> names;
  for (const Row& row : r.rows)
    if (row.extension.empty() && r.unlearned(row)) names.push_back(row.printed());
  if (names.empty()) return "";
  return "Not learned at the training length (token accuracy below 90 % in every seed), so other "
         "lengths say nothing about extrapolation: " +
         listed(names) + ".";
}

// "Seeds with at least 90 % exact match at 4×: ALiBi 3 of 3, RoPE 0 of 3."
std::string solve_rates(const Results& r) {
  const int length = r.longest();
  std::vector<Row> rows;
  for (const Row& row : r.rows)
    if (r.solved(row, length).of > 1 && !row.windowed()) rows.push_back(row);
  std::ranges::stable_sort(rows, [&](const Row& a, const Row& b) {
    return r.solved(a, length).seeds > r.solved(b, length).seeds;
  });
  std::vector<std::string> counts;
  for (const Row& row : rows) {
    const Results::Solved s = r.solved(row, length);
    counts.push_back(fmt::format("{} {} of {}", row.printed(), s.seeds, s.of));
  }
  if (counts.empty()) return "";
  return fmt::format("Seeds with at least {} % exact match at {}: {}.", int(100 * Results::solving),
                     place(r, length), joined(both_ends(counts), ", "));
}

std::string no_better_than_unigram(const Results& r) {
  const int length = r.longest();
  std::vector<std::string> names;
  for (const Row& row : ranking(r, length, Measure::loss))
    if (at_chance(r, row, length, Measure::loss)) names.push_back(row.printed());
  if (names.empty()) return "";
  return fmt::format("No better than a unigram byte model ({} nats) at {}: {}.",
                     shown(r.unigram_loss, Measure::loss), place(r, length), listed(names));
}

// "KERPLE and ALiBi 16×; T5 2×; RoPE 1×": for each row, the longest length such that
// keeps(row, length) holds at every evaluated length from the training length up to it. Rows
// without one are left out.
template <class Keeps>
std::string reached(const Results& r, const Keeps& keeps) {
  auto lengths = r.lengths;
  std::ranges::sort(lengths);
  std::map<int, std::vector<std::string>, std::greater<>> by_length;
  for (const Row& row : r.rows) {
    int last = 0;
    for (int length : lengths) {
      if (length < r.train_length) continue;
      if (!keeps(row, length)) break;
      last = length;
    }
    if (last && !row.windowed() && !r.unlearned(row)) by_length[last].push_back(row.printed());
  }
  std::vector<std::string> parts;
  for (const auto& [length, names] : by_length)
    parts.push_back(listed(names) + " " + place(r, length));
  return joined(parts, "; ");
}

// Within 5 % and better than chance.
std::string how_far(const Results& r, const Measure& m) {
  const std::string parts = reached(r, [&](const Row& row, int length) {
    return r.degradation(row, length, m) <= holds && !at_chance(r, row, length, m);
  });
  return parts.empty() ? "" : "Largest length with at most 5 % degradation: " + parts + ".";
}

// RULER's effective length, with a fixed threshold.  Hsieh et al. 2024, arXiv:2404.06654
std::string effective_length(const Results& r) {
  const std::string parts = reached(r, [&r](const Row& row, int length) {
    return r.at(row, length, Measure::token_accuracy).median >= Results::solving;
  });
  return fmt::format("Effective length (at least {} % token accuracy up to it): {}.",
                     int(100 * Results::solving), parts.empty() ? "none" : parts);
}

// "2.40 (2.21–2.41)".
std::string with_range(const Spread& s, const Measure& m) {
  if (s.count < 2) return shown(s.median, m);
  return fmt::format("{} ({}–{})", shown(s.median, m), shown(s.least, m), shown(s.most, m));
}

// The effect of overrides on the same checkpoints; if there are many, of the best override of each
// encoding, which is optimistic: it is chosen by the scores that are reported. Overrides that stay
// at chance level are left out.
std::string extended(const Results& r, const Measure& m) {
  const int length = r.longest();
  std::vector<Row> rows = ranking(r, length, m);
  std::erase_if(rows, [&](const Row& row) {
    return row.extension.empty() || r.at({row.encoding, {}}, length, m).empty() ||
           at_chance(r, row, length, m);
  });
  const bool all = rows.size() <= 4;
  std::vector<std::string> parts, seen;
  for (const Row& row : rows) {
    if (!all && has(seen, row.encoding)) continue;
    seen.push_back(row.encoding);
    const Spread plain = r.at({row.encoding, {}}, length, m), now = r.at(row, length, m);
    const auto tried = std::ranges::count_if(r.rows, [&row](const Row& other) {
      return other.encoding == row.encoding && !other.extension.empty() && !other.windowed();
    });
    parts.push_back(fmt::format("{} {}{} against {} without{}", row.printed(),
                                all ? shown(now.median, m) : with_range(now, m), unit(m),
                                shown(plain.median, m),
                                all ? "" : fmt::format(" ({} tried)", tried)));
  }
  if (parts.empty()) return "";
  return "Same checkpoints at " + place(r, length) +
         (all ? ": " : ", the best override of each encoding, chosen on this very test: ") +
         joined(both_ends(parts), "; ") + ".";
}

// The same weights with sliding-window attention: a model that does not beat this baseline makes no
// use of context further back. Models at chance or degraded at that length are not judged.
std::string windowed(const Results& r, const Measure& m) {
  const int length = r.longest();
  std::vector<std::string> scores, better;
  std::size_t sound = 0;
  for (const Row& row : r.rows) {
    const Row alone{row.encoding, {}};
    const Spread plain = r.at(alone, length, m), now = r.at(row, length, m);
    if (!row.windowed() || now.empty()) continue;
    scores.push_back(alone.printed() + " " + shown(now.median, m));
    if (at_chance(r, alone, length, m) || r.degradation(alone, length, m) > 1.25) continue;
    ++sound;
    const double gain = now.median / plain.median;
    if ((m.percent ? 1 / gain : gain) > 1.01) better.push_back(alone.printed());
  }
  if (scores.empty()) return "";
  const std::string by = " by more than 1 %.";
  std::string text =
      "Same checkpoints with sliding-window attention (window = training length) at " +
      place(r, length) + (scores.size() <= 9 ? ": " + listed(scores) + unit(m) : "") + ". ";
  if (sound == 0) return text + "Without it every model is at chance or degraded by over 25 %.";
  if (better.size() > 1) return text + listed(better) + " beat their windowed baselines" + by;
  if (better.size() == 1) return text + better[0] + " beats its windowed baseline" + by;
  return text + (sound == scores.size() ? "No model" : "No model that is not degraded") +
         " beats its windowed baseline" + by;
}

}  // namespace

std::vector<std::string> summarize(const Results& r) {
  const Measure m = r.measures().front();
  std::vector<std::string> all;
  if (r.longest() > r.train_length) {
    all = {r.text ? losses_far_out(r) : answers_far_out(r), how_far(r, m), extended(r, m),
           windowed(r, m), where_it_looks(r)};
    if (r.text && !std::isnan(r.unigram_loss)) all.push_back(no_better_than_unigram(r));
  }
  all.push_back(at_home(r, m));
  if (!r.text && r.longest() > r.train_length) all.push_back(effective_length(r));
  if (!r.text) all.push_back(solve_rates(r)), all.push_back(unlearned(r));
  all.erase(std::remove(all.begin(), all.end(), ""), all.end());
  return all;
}

}  // namespace yonder
