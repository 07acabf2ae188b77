#pragma once
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "datasets/base/dataset.h"

namespace yonder {

/// A stream of token ids as nanoGPT keeps it: uint16, little-endian, one after the other. Either a
/// file .bin, whose last tenth is for testing and the twentieth before it for validation, or a
/// folder with train.bin and val.bin, whose first half is for validation, or with test.bin too. A
/// meta.json beside may say {"vocabulary": V, "bytes": B}, B the bytes of the text that the ids
/// stand for. github.com/karpathy/nanoGPT, data/
///
/// A window of L tokens is BOS and L − 1 of the stream; its targets are these and the one that
/// follows. A test scores the last tokens of windows whose ends are the same at every length.
class TokenStream {
 public:
  static bool is_one(const std::string& path);  ///< by its name, or what is in the folder
  /// `vocabulary` 0: that of meta.json, else one more than the largest id. FileError for an odd
  /// number of bytes, an id beyond the vocabulary, a missing file.
  TokenStream(const std::string& path, int vocabulary);

  int vocabulary() const { return vocabulary_; }               ///< ids are 0..V−1
  const std::string& checksum() const { return checksum_; }    ///< of the files
  double bytes_per_token() const { return bytes_per_token_; }  ///< NaN unless meta.json says it
  double chance_accuracy() const {
    return chance_;
  }                                ///< of the commonest id of training, in the test
  void require(int length) const;  ///< UsageError if training has no such window

  /// @{
  /// As Task has them, of windows of `length` tokens; ids become tokens from `first_symbol` on.
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
