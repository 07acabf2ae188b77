#pragma once
#include <cmath>
#include <string>
#include <vector>

#include "core/attention/observer.h"

/// \file
/// Statistics of attention, as numbers for files and as a sentence.
namespace yonder {

/// Means over the observed query rows of one head.
struct HeadStatistics {
  int layer = 0, head = 0;       ///< from 0
  std::int64_t rows = 0;         ///< observed
  double entropy = 0, keys = 0;  ///< keys: exp(mean entropy)
  /// @{
  /// Means of the HeadSums of the same names.
  double distance = 0, within = 0, first = 0, own = 0, top = 0, spent = 0;
  /// @}
  double told = 0;                  ///< NaN if no row has a lag
  std::vector<double> by_distance;  ///< distances 0, 1, 2–3, 4–7, …
  std::vector<double> map;          ///< [blocks(), blocks()] HeadSums::map; may be empty

  int blocks() const { return int(std::lround(std::sqrt(map.size()))); }  ///< side of map
};

/// A field of HeadStatistics and its name in files.
struct HeadNumber {
  const char* name;               ///< CSV column and JSON key
  double HeadStatistics::*value;  ///< its field
};
/// All of them, in the order of the columns.
inline constexpr HeadNumber head_numbers[] = {
    {"entropy", &HeadStatistics::entropy},   {"keys", &HeadStatistics::keys},
    {"distance", &HeadStatistics::distance}, {"within", &HeadStatistics::within},
    {"first", &HeadStatistics::first},       {"own", &HeadStatistics::own},
    {"top", &HeadStatistics::top},           {"spent", &HeadStatistics::spent},
    {"told", &HeadStatistics::told}};

/// One for each layer and head with an observed row.
std::vector<HeadStatistics> looks(const std::vector<std::vector<HeadSums>>& layers);

/// Where the attention of a model goes at one evaluation length.
enum class AttentionPattern {
  near,            ///< in every head, at least 0.9 of the mass lies within the training length
  finds,           ///< a head puts at least 0.7 on the token that holds the answer
  spreads,         ///< at least half of the heads attend to L/4 keys or more
  sharp_at_wrong,  ///< at least half of the heads attend to under L/16 keys, mostly beyond N
  mixed            ///< none of these
};
/// `tokens` is L. If several hold, the first in the order finds, near, spreads, sharp_at_wrong.
AttentionPattern pattern(const std::vector<HeadStatistics>&, int tokens);
/// Grammatical number of the subject.
enum class Subject { one, several };
/// "looks near", "finds it", "spreads", "looks sharply at wrong far tokens", "shows no single
/// pattern"; plural: "look near", ….
const char* name_of(AttentionPattern, Subject = Subject::one);

/// Names of the columns of attention_cells(): layer, head, rows, entropy, keys, …, d0, d1, d2, d4,
/// … up to distances below `tokens`.
std::vector<std::string> attention_columns(int tokens);
/// The cells of one head, one per column; empty for NaN.
std::vector<std::string> attention_cells(const HeadStatistics&, int tokens);

}  // namespace yonder
