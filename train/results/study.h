#pragma once
#include <string>
#include <vector>

#include "train/config/claim.h"
#include "train/results/panel.h"

/// \file
/// A whole comparison: its panels, the training runs behind them, and its files results.csv and
/// results.json.
namespace yonder {

/// One training run: its settings and its cost.
struct Training {
  std::string cell;           ///< name of its folder under cells/
  std::string encoding;       ///< as Row::encoding
  std::string task, variant;  ///< of its panel
  int seed = 0, steps = 0;    ///< of the run
  double lr = 0;              ///< peak learning rate
  /// The other settings that must match if two models are to differ in encoding alone:
  /// {"train.batch", 32}, …, the options of the task except the path of a text. Empty in results of
  /// earlier versions.
  Overrides settings;
  double validation = unknown;  ///< validation loss, nats, if the learning rate was chosen by it
  bool trial = false;           ///< trained only to choose the learning rate, and not chosen
  double seconds = 0, tokens_per_second = 0;             ///< of training
  std::int64_t parameters = 0, position_parameters = 0;  ///< all, and positional ones
  int depth = 0;             ///< layers × loops; 0: unknown, in results of earlier versions
  std::vector<double> loss;  ///< of the batches: the mean over each of equal segments of training
};

/// A cell that failed.
struct Failure {
  std::string cell, reason;  ///< its folder; what went wrong
};

/// A comparison as a whole.
struct Study {
  std::string name;                     ///< of the preset or configuration; else the task
  std::string title;                    ///< one line
  std::string source;                   ///< papers that it reproduces
  std::string command;                  ///< that reproduces it
  std::vector<Results> panels;          ///< scores of the models
  std::vector<Training> trainings;      ///< settings and cost of each run
  std::vector<Failure> failures;        ///< runs without a result
  std::vector<Claim> claims;            ///< published orders to compare with
  std::vector<Prediction> predictions;  ///< what theory predicts for rows
};

/// Tidy data: one row per encoding × extension × task × test × variant × protocol × length × seed ×
/// step, numbers in the shortest form that reads back to the same value, NaN as an empty field.
std::string to_csv(const Study&);

/// Reads what to_csv wrote, also earlier versions, which lack the last columns: panels only, with
/// all that the CSV has. Throws FileError, naming `path`, line and column, for anything else and
/// for a duplicate line.
Study study_from_csv(const std::string& csv, const std::string& path);

/// Statistics of attention: key columns as in to_csv, then those of attention_columns(). "" if no
/// model was observed.
std::string attention_csv(const Study&);
/// Attention maps: key columns, layer, head, block of queries, one column per block of keys.
std::string attention_map_csv(const Study&);

/// The whole study as JSON, for programs; NaN as null.
std::string to_json(const Study&);
/// Throws UsageError for impossible values: shares outside 0..1, lengths below 1, duplicate rows,
/// lengths or scores, or chance levels that are not one per length.
void require_possible(const Results&);
/// Throws UsageError for a study without panels, or a panel without rows, lengths or train_length.
void require_whole(const Study&);

/// The runs that are missing from the grid of rows, tasks and seeds: "Missing: fire on copy, seeds
/// 1 and 2; t5 and rope on sort."; "" if none is. If an encoding was also run without overrides,
/// its overrides are expected only on those seeds.
std::string missing_runs(const Study&);

/// Reads what to_json wrote. Throws FileError, naming `path`, for anything else and for what
/// require_possible() or require_whole() refuses.
Study study_from_json(const std::string& json, const std::string& path);

/// What one cell adds to a study. The panels hold its scores only; rows and lengths are the
/// study's.
struct CellResult {
  Training training;            ///< settings and cost of the run
  std::vector<Results> panels;  ///< scores of the model
};
/// The content of scores.json.
std::string to_json(const CellResult&);
/// Reads what to_json wrote. Throws FileError, naming `path`, for anything else.
CellResult cell_from_json(const std::string& json, const std::string& path);

}  // namespace yonder
