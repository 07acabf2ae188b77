#pragma once
#include <cstdint>
#include <vector>

/// \file
/// Where attention looks: sums over the observed query rows of a pass, layer by layer and head by
/// head, made by a second walk over the tiles. Without an observer nothing of a pass changes.
namespace yonder {

/// Sums over the observed rows of one head. A_ij is the weight of value j in z_i, a_i = Σ_j A_ij
/// and p = A/a; distances count tokens. Of sticks A holds what is left to the own value.
struct HeadSums {
  std::int64_t rows = 0;       ///< observed rows that see a key
  std::int64_t told_rows = 0;  ///< of them those with a lag
  double entropy = 0;          ///< −Σ p ln p, in nats
  double distance = 0;         ///< Σ p |i − j|
  double within = 0;           ///< Σ p where |i − j| < N
  double first = 0;            ///< p of token 0
  double own = 0;              ///< p_ii
  double top = 0;              ///< max_j p
  double spent = 0;            ///< a_i: 1 but for sinks and sticks
  double told = 0;             ///< p of the token `lag` places back, of the rows that have a lag
  std::vector<double> by_distance;  ///< Σ p over distances 0, 1, 2–3, 4–7, …
  /// [blocks, blocks], of the first sequence: what the rows of a block of queries give to a block
  /// of keys, Σ_j A_ij, as a mean over these rows. Empty unless asked for.
  std::vector<double> map;

  void add(const HeadSums&);  ///< of other rows
};

/// Which rows are observed, and what is seen of them.
struct AttentionObserver {
  int trained = 0;         ///< N of HeadSums::within
  int tokens = 0;          ///< T
  std::vector<char> rows;  ///< [B, T] 1 where a row is observed
  std::vector<int> lag;    ///< [B, T] as Batch::lag; may be empty
  /// Blocks of equal size that HeadSums::map cuts the first sequence into, at most one a token; its
  /// rows must all be observed. 0: no map.
  int blocks = 0;
  /// [layers][heads] of the last pass. A layer that is run several times (DeBERTa's decoder) shows
  /// its last run.
  std::vector<std::vector<HeadSums>> layers;

  /// Whether row t of sequence b counts.
  bool observes(int b, int t) const { return rows[std::size_t(b) * tokens + t]; }
  /// The lag of a row; −1 if it has none.
  int lag_of(int b, int t) const { return lag.empty() ? -1 : lag[std::size_t(b) * tokens + t]; }
};

}  // namespace yonder
