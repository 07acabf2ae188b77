#pragma once
#include <cassert>
#include <cstddef>
#include <span>

namespace yonder {

/// Where the tokens of one pass stand. Spans belong to the caller and outlive the pass.
struct Positions {
  std::span<const int> at;  ///< [T], shared by the batch, or [B, T]; empty: first, first + 1, …
  std::span<const int>
      lengths;  ///< [B] tokens of each sequence without its padding; empty: no padding
  /// [B, first + T] which power of ten the digit at each place of the sequences counts, 0 for the
  /// units of a number; −1 where no digit stands; empty: none does
  std::span<const int> digits;
  int batch = 1;   ///< B
  int tokens = 0;  ///< T, rows of this pass
  int first = 0;   ///< index of row 0 in its sequence, of which a pass may have the last rows alone
  int longest = 0;  ///< L: the length of the test in tokens (training: N), one for all sequences
  std::size_t next_layer = 0;  ///< how far behind `at` the next layer's stand; 0: all share them
  bool consecutive = true;  ///< at[t] = at[0] + t in every row; attention then takes its fast path

  bool shared() const { return int(at.size()) <= tokens; }  ///< by all sequences of the batch
  /// Position of row t of sequence b.
  int operator()(int b, int t) const {
    return at.empty() ? first + t : at[shared() ? t : b * tokens + t];
  }
  /// The power of ten that row t of sequence b counts; −1: no digit.
  int digit(int b, int t) const {
    return digits.empty() ? -1 : digits[b * (first + tokens) + first + t];
  }
  /// n: tokens of sequence b without padding, counted from the sequence's start.
  int length(int b) const { return lengths.empty() ? first + tokens : lengths[b]; }

  /// Where the tokens stand in a layer's attention.
  Positions in(int layer) const {
    Positions there = *this;
    if (next_layer > 0) there.at = {at.data() + std::size_t(layer) * next_layer, at.size()};
    return there;
  }

  /// The rows from `row` on of a pass whose sequences share their positions.
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
