#pragma once
#include <cstdint>
#include <vector>

/// \file
/// Statistics of attention weights: sums over the observed query rows of a pass, per layer and
/// head, computed in a second walk over the tiles. Without an observer, a pass is unchanged.
namespace yonder {

/// Sums over the observed rows of one head. A_ij is the weight of value j in z_i, a_i = Σ_j A_ij
/// and p = A/a; distances count tokens. With stick-breaking A_ii may be the remainder (Weights).
struct HeadSums {
  std::int64_t rows = 0;            ///< observed rows that see a key
  std::int64_t told_rows = 0;       ///< those of them that have a lag
  double entropy = 0;               ///< −Σ p ln p, in nats
  double distance = 0;              ///< Σ p |i − j|
  double within = 0;                ///< Σ p where |i − j| < N
  double first = 0;                 ///< p of token 0
  double own = 0;                   ///< p_ii
  double top = 0;                   ///< max_j p
  double spent = 0;                 ///< a_i: 1 except with sinks or stick-breaking
  double told = 0;                  ///< p of the token `lag` tokens before, in rows that have a lag
  std::vector<double> by_distance;  ///< Σ p over distances 0, 1, 2–3, 4–7, …
  /// [blocks, blocks] of the first sequence: the weight Σ_j A_ij on a block of keys, as a mean over
  /// the rows of a block of queries. Empty unless requested.
  std::vector<double> map;

  void add(const HeadSums&);  ///< adds the sums of other rows
};

/// Which rows are observed, and the results.
struct AttentionObserver {
  int trained = 0;         ///< N of HeadSums::within
  int tokens = 0;          ///< T
  std::vector<char> rows;  ///< [B, T] 1 where a row is observed
  std::vector<int> lag;    ///< [B, T] as Batch::lag; may be empty
  /// Number of nearly equal blocks of the first sequence in HeadSums::map, at most one per token;
  /// its rows must all be observed. 0: no map.
  int blocks = 0;
  /// Of the last pass, [loops · layers][heads], loop by loop. If DeBERTa's decoder runs the last
  /// layer several times, only its last run is kept.
  std::vector<std::vector<HeadSums>> layers;

  /// Whether row t of sequence b is observed.
  bool observes(int b, int t) const { return rows[std::size_t(b) * tokens + t]; }
  /// The lag of a row; −1 if it has none.
  int lag_of(int b, int t) const { return lag.empty() ? -1 : lag[std::size_t(b) * tokens + t]; }
};

}  // namespace yonder
