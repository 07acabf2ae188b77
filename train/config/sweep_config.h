#pragma once
#include <string>
#include <vector>

#include "train/config/claim.h"
#include "train/config/eval_lengths.h"
#include "train/config/row.h"
#include "train/config/run_config.h"

/// \file
/// Configuration of a sweep, from flags of `yonder sweep`, a configuration file or a preset.
namespace yonder {

/// A key (keys.h) and the values that a sweep gives it in turn.
struct Axis {
  OptionKey key;              ///< what varies
  std::vector<Value> values;  ///< in the order of the panels
};

/// Configuration of a sweep.
struct SweepConfig {
  std::string name;           ///< of the preset, or of the folder
  std::string title, source;  ///< of a preset
  RunConfig base;             ///< what all cells share; its seed is the first of `seeds`
  std::vector<std::string> encodings =
      compared_encodings();       ///< rows; "all" and "everything" expand to many
  bool window_baseline = false;   ///< an extra row per encoding: sliding window of N tokens
  std::vector<Axis> axes;         ///< make panels; encoding options make rows, train.lr is tuned
  std::vector<int> eval_lengths;  ///< items for tasks, tokens for text; training length is added
  LengthBins bins;                ///< among eval_lengths
  std::vector<std::string> tests{""};  ///< task options for evaluation, "tiled.tile=2"
  std::vector<std::string> eval_protocols{"fixed-targets"};  ///< for text
  int seeds = 5;                                             ///< models per row
  int examples = 0;           ///< sequences at each length; 0: the task's default
  int checkpoints = 1;        ///< evaluated, evenly over the last tenth of training with its end
  int curve_points = 0;       ///< evaluated too, evenly over all of training
  bool attention = false;     ///< record where heads of the last checkpoint attend
  std::vector<Claim> claims;  ///< published orderings to compare with
  std::vector<Prediction> predictions;  ///< what theory predicts for rows

  /// The fields by name with limits and meaning: flags, and keys of [sweep].
  Options fields();
  /// The list-valued ones, not bound to fields: encodings, eval_lengths, tests, eval_protocols.
  static Options lists();
  /// Stores current names, as plan_of() needs them. Throws UsageError for an unknown protocol.
  void set_protocols(std::vector<std::string>);
};

/// A part of the sweep whose models differ only in encoding and seed.
struct Variant {
  RunConfig base;    ///< of its runs, without encoding and seed
  std::string text;  ///< "model.width=64, train.steps=100", without the task
  std::string slug;  ///< the same for folder names: "-width64-train_length128"
};

/// What a sweep consists of.
struct SweepPlan {
  std::vector<Row> rows;              ///< encodings with their overrides
  std::vector<std::string> left_out;  ///< why "all" and "everything" skip a row, for each skipped
  std::vector<Variant> variants;      ///< at least one
  std::vector<double> rates;          ///< learning rates to choose from; empty: each variant's own
  std::vector<Overrides> tests;       ///< from SweepConfig::tests
  std::vector<int> lengths;  ///< as requested, ascending; empty: multiples of each training length
};
/// Expands axes and names such as "all". Throws UsageError for anything invalid.
SweepPlan plan_of(const SweepConfig&);

/// `plan.lengths` and the training length of the variant, or 1, 2, 4 and 8 times the training
/// length if the plan has none; ascending.
std::vector<int> lengths_of(const SweepPlan&, const Variant&);

}  // namespace yonder
