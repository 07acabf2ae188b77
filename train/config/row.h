#pragma once
#include <string>
#include <vector>

#include "encodings/base/spec.h"

/// \file
/// A row of a comparison as users write it: `rope:rope.scaling=yarn`.
namespace yonder {

/// One row of a comparison: an encoding and its inference-time overrides. Rows of the same encoding
/// share their trained models.
struct Row {
  /// "rope+logn"; by layer "rope@0-2,none@3" (encodings/base/spec.h); with training options
  /// "deberta:deberta.decoder=0".
  std::string encoding;
  Overrides extension;  ///< {{"rope.scaling", "yarn"}}

  /// The row with one more override: of the extension, or of training, which makes another model.
  Row with(const Override&) const;
  /// The encoding without options.
  std::string name() const;
  /// The training options.
  Overrides training() const;
  /// "rope.scaling=yarn:rope.factor=4", or "" for the encoding as it was trained.
  std::string extension_text() const;
  /// Fine-tuning before evaluation, with the extension active: the settings finetune.length and
  /// finetune.steps. 0 steps: none.
  struct Finetune {
    int length = 0, steps = 0;  ///< items of training sequences; steps
  };
  /// Throws UsageError if only one of the two is set, or one is not a positive integer.
  Finetune finetune() const;
  /// The extension without the fine-tuning settings.
  Overrides of_test() const;
  /// For messages, with names as users type them: "rope + yarn, factor 4".
  std::string label() const;
  /// For tables and figures, with names as in papers: "RoPE + YaRN, factor 4".
  std::string printed() const;
  /// Whether it only adds a sliding window of the trained length (size 0): the baseline to beat.
  bool windowed() const;
  /// Same encoding, same overrides in the same order.
  bool operator==(const Row&) const = default;
};

/// Reads "rope:rope.scaling=yarn:rope.factor=4". Options that training does not fix form the row's
/// extension; the others belong to its training. Throws UsageError for an option without a value
/// and for invalid layers; names are not checked here.
Row parse_row(const std::string& entry);
/// The same for several entries. Also throws UsageError for an empty or repeated one.
std::vector<Row> parse_rows(const std::vector<std::string>& entries);
/// The same for a comma-separated list, as split by entries_of().
std::vector<Row> parse_rows(const std::string& list);

}  // namespace yonder
