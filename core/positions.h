#pragma once
#include <cassert>
#include <cstddef>
#include <span>

namespace yonder {

/// Positions of the tokens of one pass. Spans belong to the caller and must outlive the pass.
struct Positions {
  std::span<const int> at;  ///< [T], shared by the batch, or [B, T]; empty: first, first + 1, …
  std::span<const int> lengths;  ///< [B] tokens of each sequence without padding; empty: no padding
  /// [B, first + T] power of ten of the digit at each index of the sequences, 0 for the units of a
  /// number; −1: not a digit; empty: no digits
  std::span<const int> digits;
  int batch = 1;    ///< B
  int tokens = 0;   ///< T, rows of this pass
  int first = 0;    ///< index of row 0 in its sequence: a pass may have only the last rows
  int longest = 0;  ///< L: evaluation length in tokens (training: N), the same for all sequences
  std::size_t next_layer = 0;  ///< offset from `at` to the next layer's positions; 0: shared
  bool consecutive = true;  ///< at[t] = at[0] + t in every row; attention then takes its fast path

  bool shared() const { return int(at.size()) <= tokens; }  ///< by the sequences of the batch
  /// Position of row t of sequence b.
  int operator()(int b, int t) const {
    return at.empty() ? first + t : at[shared() ? t : b * tokens + t];
  }
  /// Power of ten of the digit in row t of sequence b; −1: not a digit.
  int digit(int b, int t) const {
    return digits.empty() ? -1 : digits[b * (first + tokens) + first + t];
  }
  /// n: tokens of sequence b without padding, counted from the sequence's start.
  int length(int b) const { return lengths.empty() ? first + tokens : lengths[b]; }

  /// Positions in a layer's attention.
  Positions in(int layer) const {
    Positions there = *this;
    if (next_layer > 0) there.at = {at.data() + std::size_t(layer) * next_layer, at.size()};
    return there;
  }

  /// The rows from `row` on; the sequences must share their positions.
  Positions from(int row) const {
    assert(shared() && row < tokens);
    Positions rest = *this;
    if (!at.empty()) rest.at = at.subspan(std::size_t(row));
    rest.first += row;
    rest.tokens -= row;
    return rest;
  }
};

}  // namespace yonder
