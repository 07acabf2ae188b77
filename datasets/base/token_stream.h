#pragma once
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "datasets/base/dataset.h"

namespace yonder {

/// A stream of token ids in nanoGPT's format: uint16, little-endian, without a header. Either a
/// .bin file, whose last tenth is for testing and the twentieth before it for validation, or a
/// folder with train.bin, val.bin and optionally test.bin, without which the second half of val.bin
/// is for testing. A meta.json next to it may hold {"vocabulary": V, "bytes": B}, where B is the
/// size of the text that the ids encode. github.com/karpathy/nanoGPT, data/
///
/// A window of L tokens is BOS and L − 1 of the stream; its targets are these and the next one.
/// Evaluation scores the last tokens of windows whose ends are the same at every length.
class TokenStream {
 public:
  static bool is_one(const std::string& path);  ///< by its name, or by the folder's content
  /// `vocabulary` 0: that of meta.json, else one more than the largest id. Throws FileError for an
  /// odd number of bytes, an id beyond the vocabulary, a missing file.
  TokenStream(const std::string& path, int vocabulary);

  int vocabulary() const { return vocabulary_; }               ///< ids are 0..V−1
  const std::string& checksum() const { return checksum_; }    ///< of the files
  double bytes_per_token() const { return bytes_per_token_; }  ///< NaN unless meta.json says it
  double chance_accuracy() const { return chance_; }           ///< of the commonest training id
  void require(int length) const;  ///< throws UsageError if too long to train on

  /// @{
  /// As in Task, for windows of `length` tokens; ids become tokens from `first_symbol` on.
  Batch train(std::uint64_t seed, int step, int size, int length) const;
  int sequences(const EvalSpec&) const;
  Batch test(const EvalSpec&, int first, int size) const;
  /// @}

 private:
  using Ids = std::vector<std::uint16_t>;
  std::string path_, checksum_;
  Ids train_, validation_, test_;
  int vocabulary_ = 0;
  double chance_ = 0, bytes_per_token_ = std::numeric_limits<double>::quiet_NaN();

  Ids read(const std::string& path);
  const Ids& of(Split split) const { return split == Split::test ? test_ : validation_; }
  std::vector<std::int64_t> ends(const EvalSpec&) const;
};

}  // namespace yonder
