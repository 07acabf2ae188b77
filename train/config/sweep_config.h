#pragma once
#include <string>
#include <vector>

#include "train/config/claim.h"
#include "train/config/eval_lengths.h"
#include "train/config/row.h"
#include "train/config/run_config.h"

/// \file
/// What a sweep is asked for: flags of `yonder sweep`, a configuration file or a preset.
namespace yonder {

/// A key (keys.h) and the values that a sweep gives it, one after the other.
struct Axis {
  OptionKey key;              ///< what varies
  std::vector<Value> values;  ///< in the order of the panels
};

/// All that a sweep is asked for.
struct SweepConfig {
  std::string name;           ///< of the preset, or of the folder
  std::string title, source;  ///< of a preset
  RunConfig base;             ///< what all cells share; seed is the first of `seeds`
  std::vector<std::string> encodings =
      compared_encodings();       ///< rows; "all" and "everything" stand for many
  bool window_baseline = false;   ///< a row more for each encoding: seeing only the last N tokens
  std::vector<Axis> axes;         ///< panels; `train.lr` chooses, options of an encoding make rows
  std::vector<int> eval_lengths;  ///< items for tasks, tokens for text; the trained one is added
  LengthBins bins;                ///< among eval_lengths
  std::vector<std::string> tests{""};  ///< options of the task while testing, "tiled.tile=2"
  std::vector<std::string> eval_protocols{"fixed-targets"};  ///< of texts
  int seeds = 5;                                             ///< models per row
  int examples = 0;           ///< at each length; 0: the task's own number
  int checkpoints = 1;        ///< tested, evenly over the last tenth of training, its end included
  int curve_points = 0;       ///< tested too, evenly over all of training
  bool attention = false;     ///< tell where the attention of the last checkpoint looks
  std::vector<Claim> claims;  ///< published orders to compare with
  std::vector<Prediction> predictions;  ///< what theory says of rows

  /// The fields by name with limits and meaning: flags, and keys of [sweep].
  Options fields();
  /// The lists among them, without fields: encodings, eval_lengths, tests, eval_protocols.
  static Options lists();
  /// As plan_of() needs them. UsageError for a protocol that there is not.
  void set_protocols(std::vector<std::string>);
};

/// A part of the sweep whose models differ in encoding and seed alone.
struct Variant {
  RunConfig base;    ///< of its runs, without encoding and seed
  std::string text;  ///< "model.width=64, train.steps=100"; the task is not in it
  std::string slug;  ///< the same for a folder's name: "-width64-train_length128"
};

/// What a sweep consists of. UsageError for whatever can't be.
struct SweepPlan {
  std::vector<Row> rows;              ///< encodings with their overrides
  std::vector<std::string> left_out;  ///< why, of what "all" and "everything" don't stand for here
  std::vector<Variant> variants;      ///< one at least
  std::vector<double> rates;          ///< learning rates to choose from; empty: each variant's own
  std::vector<Overrides> tests;       ///< by SweepConfig::tests
  std::vector<int> lengths;  ///< as asked for, ascending; none: multiples of each trained length
};
/// Expands axes and names such as "all".
SweepPlan plan_of(const SweepConfig&);

/// `plan.lengths`, or else 1, 2, 4 and 8 times the trained length of a variant, with that length;
/// ascending.
std::vector<int> lengths_of(const SweepPlan&, const Variant&);

}  // namespace yonder
