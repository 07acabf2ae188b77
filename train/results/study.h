#pragma once
#include <string>
#include <vector>

#include "train/config/claim.h"
#include "train/results/panel.h"

/// \file
/// A whole comparison: its panels, the trainings behind them, and its files results.csv and
/// results.json.
namespace yonder {

/// One trained model, and what it took.
struct Training {
  std::string cell;           ///< its folder's name under cells/
  std::string encoding;       ///< as Row::encoding
  std::string task, variant;  ///< of its panel
  int seed = 0, steps = 0;    ///< of the run
  double lr = 0;              ///< peak learning rate
  /// What else of a training has to be alike if two models are to differ by encoding alone:
  /// {"train.batch", 32}, …, the options of its task but for a text's path. Results of earlier
  /// versions have none.
  Overrides settings;
  double validation = unknown;  ///< loss on validation data, nats, where the rate was chosen by it
  bool trial = false;           ///< trained only to choose the learning rate, and not chosen
  double seconds = 0, tokens_per_second = 0;             ///< of training
  std::int64_t parameters = 0, position_parameters = 0;  ///< all, and those of positions
  int depth = 0;             ///< layers times loops; 0: results of earlier versions don't say
  std::vector<double> loss;  ///< of the batches: the mean over each of equal stretches of training
};

/// A cell whose training failed.
struct Failure {
  std::string cell, reason;  ///< its folder; what went wrong
};

/// A comparison as a whole.
struct Study {
  std::string name;                     ///< of the preset or configuration; else the task
  std::string title;                    ///< one line
  std::string source;                   ///< papers that it repeats
  std::string command;                  ///< that makes it again
  std::vector<Results> panels;          ///< what models reached
  std::vector<Training> trainings;      ///< what each run took
  std::vector<Failure> failures;        ///< runs without a result
  std::vector<Claim> claims;            ///< published orders to compare with
  std::vector<Prediction> predictions;  ///< what theory says of rows
};

/// Tidy data: one row per encoding × extension × task × test × variant × protocol × length × seed ×
/// step, numbers in the shortest form that reads back to the same value, NaN as an empty field.
std::string to_csv(const Study&);

/// Reads what to_csv wrote, also of an earlier version, of which the last columns are missing:
/// panels alone, with all that the CSV has. FileError, naming `path`, line and column, if it is
/// something else, or a line stands twice.
Study study_from_csv(const std::string& csv, const std::string& path);

/// Where attention looks: key columns as in to_csv, then those of attention_columns. "" where no
/// model was observed.
std::string attention_csv(const Study&);
/// The maps of attention: key columns, layer, head, the block of queries, a column for each block
/// of keys.
std::string attention_map_csv(const Study&);

/// The same with everything else, for programs; NaN as null.
std::string to_json(const Study&);
/// UsageError for numbers that no test has: shares beyond 0..1, lengths below 1, a row, length or
/// score twice, chance at other lengths than those of the panel.
void require_possible(const Results&);
/// UsageError for a study without a panel, or a panel without a row, a length or a trained one.
void require_whole(const Study&);

/// The runs that some row, task and seed would have beside the others, and has not: "Missing: fire
/// on copy, seeds 1 and 2; t5 and rope on sort."; "" where all are there. An override is named only
/// where its encoding was run without it.
std::string missing_runs(const Study&);

/// Reads what to_json wrote. FileError, naming `path`, if it is something else, or if it is not
/// possible or not whole.
Study study_from_json(const std::string& json, const std::string& path);

/// What one cell adds to a study. The panels have its scores alone; rows and lengths are the
/// study's.
struct CellResult {
  Training training;            ///< what the run took
  std::vector<Results> panels;  ///< what models reached
};
/// For scores.json.
std::string to_json(const CellResult&);
/// Reads what to_json wrote; FileError, naming `path`, for something else.
CellResult cell_from_json(const std::string& json, const std::string& path);

}  // namespace yonder
