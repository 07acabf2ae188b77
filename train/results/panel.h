#pragma once
#include <numbers>
#include <string>
#include <vector>

#include "train/config/eval_lengths.h"
#include "train/config/eval_score.h"
#include "train/results/attention_table.h"
#include "train/results/statistics.h"

/// \file
/// Results of a comparison of encodings: scores as tidy data, and the queries that tables, plots
/// and sentences need.
namespace yonder {

/// Converts a loss in nats per token to bits per byte.
inline double bits_per_byte(double loss, double bytes_per_token) {
  return loss / std::numbers::ln2 / bytes_per_token;
}

/// Loss by position at the longest length of a panel: the mean over each of equal segments of the
/// sequence. A loss below the windowed model's means that far context is used.
struct Curve {
  Row row;                   ///< what was evaluated
  int seed = 0;              ///< of the run
  std::vector<double> loss;  ///< [segments], nats
};
/// How many sequences of the longest length, the first, a sweep scores at all positions for a
/// Curve.
inline constexpr int scored_by_position = 128;

/// Accuracy by lag: how many tokens back the answer is found.
struct LagScore {
  Row row;                          ///< what was evaluated
  int seed = 0, length = 0;         ///< as in EvalScore
  int from = 0, to = 0;             ///< lags from ≤ lag < to, in tokens
  double token_accuracy = unknown;  ///< share of correct targets
  int count = 0;                    ///< targets
};

/// Attention statistics of one model at one length, over the scored rows of all sequences.
struct AttentionScore {
  Row row;                               ///< what was evaluated
  int seed = 0, length = 0, tokens = 0;  ///< as in EvalScore
  std::vector<HeadStatistics> heads;     ///< of all layers
};

/// One of the metrics of an EvalScore, and how it is displayed.
struct Measure {
  double EvalScore::*value;  ///< its field
  const char* name;          ///< "loss"; also names the plot's file
  const char* title;         ///< as a heading
  bool percent;  ///< a share, shown in percent, higher is better; else nats, lower is better

  static const Measure loss;            ///< nats
  static const Measure token_accuracy;  ///< share of tokens
  static const Measure bytes;           ///< token_accuracy of text
  static const Measure exact_match;     ///< share of examples
};

/// One panel of a comparison: rows × lengths × seeds, with the same task, protocol and settings.
struct Results {
  std::string task;  ///< registered name
  std::string test;  ///< task options changed for evaluation, "tiled.tile=2"; "" for none
  std::string protocol =
      "fixed-targets";   ///< which targets count: the name of a Protocol, or "answer"
  std::string variant;   ///< training settings that the sweep varies: "train.lr=0.001"; "" if none
  bool text = false;     ///< a text is modelled; else questions are answered
  int train_length = 0;  ///< N in items for tasks, in tokens for text
  int train_steps = 0;   ///< 0: unknown, in results of earlier versions
  std::string settings;  ///< checksum of all settings that its runs share; "": unknown
  std::vector<int> lengths;          ///< evaluated, ascending
  LengthBins bins;                   ///< among lengths
  int seeds = 0;                     ///< runs per row
  std::vector<Row> rows;             ///< in table order
  std::vector<double> chance;        ///< [lengths] accuracy of the best guess without the input
  double unigram_loss = unknown;     ///< text: loss of the unigram baseline, nats
  double bytes_per_token = unknown;  ///< mean bytes of text per token; unknown: no bits per byte
  std::vector<EvalScore> scores;     ///< at the end of training
  std::vector<EvalScore> late_checkpoints;  ///< before that, in the last tenth of training
  std::vector<EvalScore> learning_curve;    ///< over all of training, if a sweep asks for them
  std::vector<Curve> curves;                ///< loss by position
  std::vector<LagScore> lags;               ///< accuracy by lag
  std::vector<AttentionScore> attention;    ///< if a sweep asks for it

  /// Distinguishes panels: the task, and test, protocol and variant if they are not the default:
  /// "text, non-overlapping (train length 128)".
  std::string title() const;
  /// Adds the rows (in order of appearance), lengths and seeds of the scores to those that are
  /// already there.
  void count_scores();
  /// The measures that get a table, the most informative first.
  std::vector<Measure> measures() const;
  /// The values of the seeds that have one.
  std::vector<double> values(const Row&, int length, const Measure&) const;
  /// Their median and range.
  Spread at(const Row&, int length, const Measure&) const;
  /// Why a row has no value at a length, in a word or two: "table ends"; "" if it has one.
  std::string problem(const Row&, int length) const;
  /// Score at the training length, without overrides if that is known; for degradation().
  Spread reference(const Row&, const Measure&) const;
  /// How many times worse a row is than its reference: the ratio of the two for losses, the inverse
  /// ratio for shares. NaN if either is unknown.
  double degradation(const Row&, int length, const Measure&) const;
  /// Whether no seed reached 90 % token accuracy at the training length, so that longer lengths say
  /// nothing about extrapolation. False for text.
  bool unlearned(const Row&) const;
  /// A model has solved a task at a length from this share of correct answers on.
  static constexpr double solving = 0.9;
  /// How many of the seeds with a value solve the task at a length: by exact match, or by token
  /// accuracy where exact match is unknown.
  struct Solved {
    int seeds = 0, of = 0;  ///< that solve it, of those with a value
  };
  /// For one row at one length.
  Solved solved(const Row&, int length) const;
  /// `chance` at a length; NaN if it is not known.
  double chance_accuracy(int length) const;
  /// The longest of `lengths`, which must not be empty.
  int longest() const;
  /// Length over training length: "8", "0.5".
  std::string multiple(int length) const;
};

/// Calls f(to.x, from.x) for each list x of scores.
template <class F>
void each_list(Results& to, const Results& from, F f) {
  f(to.scores, from.scores), f(to.curves, from.curves), f(to.lags, from.lags);
  f(to.late_checkpoints, from.late_checkpoints), f(to.learning_curve, from.learning_curve);
  f(to.attention, from.attention);
}

}  // namespace yonder
