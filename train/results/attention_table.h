#pragma once
#include <cmath>
#include <string>
#include <vector>

#include "core/attention/observer.h"

/// \file
/// What attention does, as numbers for files and as a sentence.
namespace yonder {

/// Means over the observed rows of one head.
struct HeadLook {
  int layer = 0, head = 0;       ///< from 0
  std::int64_t rows = 0;         ///< observed
  double entropy = 0, keys = 0;  ///< keys: e to the mean entropy
  /// @{
  /// HeadSums of the same name over its rows.
  double distance = 0, within = 0, first = 0, own = 0, top = 0, spent = 0;
  /// @}
  double told = 0;                  ///< NaN where no row has a lag
  std::vector<double> by_distance;  ///< distances 0, 1, 2–3, 4–7, …
  std::vector<double> map;          ///< [blocks(), blocks()] HeadSums::map; may be empty

  int blocks() const { return int(std::lround(std::sqrt(map.size()))); }  ///< of the map
};

/// A number of a HeadLook and its name in files.
struct HeadNumber {
  const char* name;         ///< column and key
  double HeadLook::*value;  ///< where it is kept
};
/// All numbers of a HeadLook, in the order of the columns.
inline constexpr HeadNumber head_numbers[] = {
    {"entropy", &HeadLook::entropy}, {"keys", &HeadLook::keys},   {"distance", &HeadLook::distance},
    {"within", &HeadLook::within},   {"first", &HeadLook::first}, {"own", &HeadLook::own},
    {"top", &HeadLook::top},         {"spent", &HeadLook::spent}, {"told", &HeadLook::told}};

/// Of each layer and head that saw a row.
std::vector<HeadLook> looks(const std::vector<std::vector<HeadSums>>& layers);

/// How a model looks at a length.
enum class Gaze {
  near,            ///< a mass of 0.9 or more lies within the trained length in every head
  finds,           ///< a head puts 0.7 or more on the telling token
  spreads,         ///< half of the heads spread over a quarter of all tokens or more
  sharp_at_wrong,  ///< half of the heads look at few tokens (under L/16), and those are far ones
  mixed            ///< none of these
};
/// `tokens` is L. Of several that hold, the first in the order finds, near, spreads,
/// sharp_at_wrong.
Gaze gaze(const std::vector<HeadLook>&, int tokens);
/// Who looks.
enum class Subject { one, several };
/// "looks near", "finds it", "spreads", "looks sharply at wrong far tokens", "shows no single
/// pattern"; of several "look near", ….
const char* name_of(Gaze, Subject = Subject::one);

/// Names of the columns of `csv_cells`: layer, head, rows, entropy, keys, …, d0, d1, d2, d4, … up
/// to distances below `tokens`.
std::vector<std::string> attention_columns(int tokens);
/// The cells of one head, as many; empty where it has no number.
std::vector<std::string> attention_cells(const HeadLook&, int tokens);

}  // namespace yonder
