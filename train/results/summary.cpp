#include "train/results/summary.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "train/results/format.h"
#include "train/results/orderings.h"

namespace yonder {
namespace {

constexpr double holds = 1.05;  // the table's green

std::string joined(const std::vector<std::string>& parts, const std::string& between) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : between) + part;
  return text;
}

// "a", "a and b", "a, b and c".
std::string listed(const std::vector<std::string>& names) {
  if (names.size() < 2) return joined(names, "");
  return joined({names.begin(), names.end() - 1}, ", ") + " and " + names.back();
}

// Of a long list in order, both ends: more than a sentence can hold is in the table.
std::vector<std::string> both_ends(std::vector<std::string> names) {
  if (names.size() <= 9) return names;
  const std::size_t between = names.size() - 7;
  names.erase(names.begin() + 4, names.end() - 3);
  names.insert(names.begin() + 4, std::to_string(between) + " more between");
  return names;
}

// "1.02x", "3.1x", "12x".
std::string times(double x) {
  char text[32];
  std::snprintf(text, sizeof text, x < 1.5 ? "%.2fx" : x < 10 ? "%.1fx" : "%.0fx", x);
  return text;
}

std::string unit(const Measure& m) { return m.percent ? " %" : " nats"; }

std::string place(const Results& r, int length) { return r.multiple(length) + "x"; }

int longest(const Results& r) { return *std::max_element(r.lengths.begin(), r.lengths.end()); }

std::string undefined(const Results& r, int length) {
  std::vector<std::string> names;
  for (const Row& row : r.rows)
    if (!row.windowed() && !r.problem(row, length).empty()) names.push_back(row.label());
  if (names.empty()) return "";
  return listed(names) + (names.size() == 1 ? " is" : " are") + " undefined";
}

// "At 8x: kerple keeps 1.02x its loss; rope loses 3.1x, rope + yarn 1.2x; learned is undefined."
std::string losses_far_out(const Results& r) {
  const int length = longest(r);
  auto rows = ranking(r, length, Measure::loss);
  std::stable_sort(rows.begin(), rows.end(), [&](const Row& a, const Row& b) {
    return r.worse(a, length, Measure::loss) < r.worse(b, length, Measure::loss);
  });
  std::vector<std::string> kept, lost, parts;
  for (const Row& row : rows) {
    const double worse = r.worse(row, length, Measure::loss);
    if (worse <= holds)
      kept.push_back(row.label() + (kept.empty() ? " keeps " : " ") + times(worse) +
                     (kept.empty() ? " its loss" : ""));
    else lost.push_back(row.label() + (lost.empty() ? " loses " : " ") + times(worse));
  }
  for (const std::string& part :
       {joined(both_ends(kept), ", "), joined(both_ends(lost), ", "), undefined(r, length)})
    if (!part.empty()) parts.push_back(part);
  return "At " + place(r, length) + ": " + joined(parts, "; ") + ".";
}

// "At 4x: alibi gets 98.8 % of the answer's tokens right, rope 46.0 %; learned is undefined."
std::string answers_far_out(const Results& r) {
  const int length = longest(r);
  std::vector<std::string> shares, parts;
  for (const Row& row : ranking(r, length, Measure::accuracy))
    shares.push_back(row.label() + (shares.empty() ? " gets " : " ") +
                     shown(r.at(row, length, Measure::accuracy).median, Measure::accuracy) + " %" +
                     (shares.empty() ? " of the answer's tokens right" : ""));
  shares = both_ends(std::move(shares));
  if (const double share = r.guessed(length); !std::isnan(share) && !shares.empty())
    shares.push_back("guessing " + shown(share, Measure::accuracy) + " %");
  for (const std::string& part : {joined(shares, ", "), undefined(r, length)})
    if (!part.empty()) parts.push_back(part);
  return "At " + place(r, length) + ": " + joined(parts, "; ") + ".";
}

std::string at_home(const Results& r, const Measure& m) {
  const auto rows = ranking(r, r.trained, m);
  std::vector<Row> plain;
  for (const Row& row : rows)
    if (row.extension.empty()) plain.push_back(row);
  if (plain.size() < 2) return "";
  auto with = [&](const Row& row) {
    return row.label() + " with " + shown(r.at(row, r.trained, m).median, m) + unit(m);
  };
  return "At the trained length the best is " + with(plain.front()) + ", the worst " +
         with(plain.back()) + ".";
}

std::string unlearned(const Results& r) {
  std::vector<std::string> names;
  for (const Row& row : r.rows)
    if (row.extension.empty() && r.unlearned(row)) names.push_back(row.label());
  if (names.empty()) return "";
  return "Not learned at the trained length (below 90 % in every seed), so their other columns say "
         "nothing about length: " +
         listed(names) + ".";
}

// "Seeds that solve it at 4x (90 % of the answers right): alibi 3 of 3, rope 0 of 3."
std::string solve_rates(const Results& r) {
  const int length = longest(r);
  std::vector<Row> rows;
  for (const Row& row : r.rows)
    if (r.solved(row, length).of > 1 && !row.windowed()) rows.push_back(row);
  std::stable_sort(rows.begin(), rows.end(), [&](const Row& a, const Row& b) {
    return r.solved(a, length).seeds > r.solved(b, length).seeds;
  });
  std::vector<std::string> counts;
  for (const Row& row : rows) {
    const Results::Solved s = r.solved(row, length);
    counts.push_back(row.label() + " " + std::to_string(s.seeds) + " of " + std::to_string(s.of));
  }
  if (counts.empty()) return "";
  return "Seeds that solve it at " + place(r, length) + " (" +
         shown(Results::solving, Measure::exact) +
         " % of the answers right as a whole): " + joined(both_ends(counts), ", ") + ".";
}

std::string below_letters(const Results& r) {
  const int length = longest(r);
  std::vector<std::string> names;
  for (const Row& row : ranking(r, length, Measure::loss))
    if (r.at(row, length, Measure::loss).median > r.letters) names.push_back(row.label());
  if (names.empty()) return "";
  return "Worse at " + place(r, length) + " than letter frequencies alone (" +
         shown(r.letters, Measure::loss) + " nats): " + listed(names) + ".";
}

// The longest tested length up to which every tested length, from the trained one on, is within
// 5 %; 0 if the trained length itself is not.
int held(const Results& r, const Row& row, const Measure& m) {
  auto lengths = r.lengths;
  std::sort(lengths.begin(), lengths.end());
  int last = 0;
  for (int length : lengths) {
    if (length < r.trained) continue;
    if (!(r.worse(row, length, m) <= holds)) break;
    last = length;
  }
  return last;
}

// "Within 5 % of the trained length: kerple and alibi to 16x; t5 to 2x; rope not beyond it."
std::string how_far(const Results& r, const Measure& m) {
  auto lengths = r.lengths;
  std::sort(lengths.rbegin(), lengths.rend());
  std::vector<std::string> parts;
  for (int length : lengths) {
    std::vector<std::string> names;
    for (const Row& row : r.rows)
      if (!row.windowed() && !r.unlearned(row) && held(r, row, m) == length)
        names.push_back(row.label());
    if (names.empty()) continue;
    parts.push_back(listed(names) +
                    (length > r.trained ? " to " + place(r, length) : " not beyond it"));
  }
  if (parts.empty()) return "";
  return "Within 5 % of the trained length's score: " + joined(parts, "; ") + ".";
}

// "2.40 (2.21–2.41)".
std::string with_range(const Spread& s, const Measure& m) {
  if (s.count < 2) return shown(s.median, m);
  return shown(s.median, m) + " (" + shown(s.least, m) + "–" + shown(s.most, m) + ")";
}

// What the same weights gain by an extension; of many, by the best of each encoding, which is the
// best of so many only because it is chosen by the numbers that are told.
std::string extended(const Results& r, const Measure& m) {
  const int length = longest(r);
  std::vector<Row> rows = ranking(r, length, m);
  std::erase_if(rows, [&](const Row& row) {
    return row.extension.empty() || r.at({row.encoding, {}}, length, m).empty();
  });
  const bool all = rows.size() <= 4;
  std::vector<std::string> parts, seen;
  for (const Row& row : rows) {
    if (!all && std::count(seen.begin(), seen.end(), row.encoding)) continue;
    seen.push_back(row.encoding);
    const Spread plain = r.at({row.encoding, {}}, length, m), now = r.at(row, length, m);
    const auto tried = std::count_if(r.rows.begin(), r.rows.end(), [&row](const Row& other) {
      return other.encoding == row.encoding && !other.extension.empty() && !other.windowed();
    });
    parts.push_back(row.label() + (all ? "" : ", of " + std::to_string(tried) + " tried,") +
                    " turns the " + shown(plain.median, m) + " of " + row.encoding + " into " +
                    (all ? shown(now.median, m) : with_range(now, m)));
  }
  if (parts.empty()) return "";
  return std::string("Same weights at ") + place(r, length) +
         (all ? ": " : ", the best extension of each, chosen by this very test: ") +
         joined(both_ends(parts), "; ") + unit(m) + ".";
}

// The same weights with nothing but the last tokens to look at: who does not beat that makes no use
// of what lies further back.
std::string windowed(const Results& r, const Measure& m) {
  const int length = longest(r);
  std::vector<std::string> scores, better;
  for (const Row& row : r.rows) {
    const Spread plain = r.at({row.encoding, {}}, length, m), now = r.at(row, length, m);
    if (!row.windowed() || now.empty()) continue;
    scores.push_back(row.encoding + " " + shown(now.median, m));
    const double gain = now.median / plain.median;
    // Above letter frequencies, or at a guess, there is nothing to be used.
    const bool lost = m.percent ? plain.median <= r.guessed(length) : plain.median >= r.letters;
    if (!lost && (m.percent ? 1 / gain : gain) > 1.01) better.push_back(row.encoding);
  }
  if (scores.empty()) return "";
  const std::string each = scores.size() <= 9 ? ": " + listed(scores) + unit(m) + ";" : ",";
  return "Same weights at " + place(r, length) + " behind a window" + each +
         " over 1 % better without it: " + (better.empty() ? "none" : listed(better)) + ".";
}

}  // namespace

std::vector<std::string> findings(const Results& r) {
  const Measure m = r.measures().front();
  std::vector<std::string> all;
  if (longest(r) > r.trained) {
    all = {r.text ? losses_far_out(r) : answers_far_out(r), how_far(r, m), extended(r, m),
           windowed(r, m)};
    if (r.text && !std::isnan(r.letters)) all.push_back(below_letters(r));
  }
  all.push_back(at_home(r, m));
  if (!r.text) all.push_back(solve_rates(r)), all.push_back(unlearned(r));
  all.erase(std::remove(all.begin(), all.end(), ""), all.end());
  return all;
}

}  // namespace yonder
