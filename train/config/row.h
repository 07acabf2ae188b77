#pragma once
#include <string>
#include <vector>

#include "encodings/base/spec.h"

/// \file
/// A row of a comparison as people write it: `rope:rope.scaling=yarn`.
namespace yonder {

/// One row of a comparison: an encoding and what is changed about it at test time. Rows of the same
/// encoding share their trained models.
struct Row {
  /// "rope+logn"; layer by layer "rope@0-2,none@3" (encodings/base/spec.h); with options of
  /// training "deberta:deberta.decoder=0".
  std::string encoding;
  Overrides extension;  ///< {{"rope.scaling", "yarn"}}

  /// The row with one override more: of the extension, or of training, which parts it from others.
  Row with(const Override&) const;
  /// The encoding without options.
  std::string name() const;
  /// The options of training.
  Overrides training() const;
  /// "rope.scaling=yarn:rope.factor=4", or "" for the encoding as it was trained.
  std::string extension_text() const;
  /// How a model is trained on before it is tested, with the extension active: the settings
  /// finetune.length and finetune.steps. 0 steps: not at all.
  struct Finetune {
    int length = 0, steps = 0;  ///< items of training sequences; steps
  };
  /// UsageError if only one of the two is there, or is not a whole number above 0.
  Finetune finetune() const;
  /// The extension without them.
  Overrides of_test() const;
  /// For messages, in the words that were typed: "rope + yarn, factor 4".
  std::string label() const;
  /// For tables and pictures, as papers print it: "RoPE + YaRN, factor 4".
  std::string printed() const;
  /// Unchanged, but sees only a window of the trained length, size 0: the baseline to beat.
  bool windowed() const;
  /// Same encoding, same overrides in the same order.
  bool operator==(const Row&) const = default;
};

/// Reads "rope:rope.scaling=yarn:rope.factor=4". Options that a trained model may change are the
/// row's extension, others part its training. UsageError for an option without value and for layers
/// that can't be; names are not checked here.
Row parse_row(const std::string& entry);
/// The same of several. UsageError for an empty or repeated one too.
std::vector<Row> parse_rows(const std::vector<std::string>& entries);
/// The same of a list with commas between, as entries_of() parts it.
std::vector<Row> parse_rows(const std::string& list);

}  // namespace yonder
