#pragma once
#include <numbers>
#include <string>
#include <vector>

#include "train/config/eval_lengths.h"
#include "train/config/eval_score.h"
#include "train/results/attention_table.h"
#include "train/results/statistics.h"

/// \file
/// What a comparison of encodings found: scores as tidy data, and the questions that table, plot
/// and sentences ask of them.
namespace yonder {

/// A loss in nats per token in bits per byte, of tokens that stand for so many bytes.
inline double bits_per_byte(double loss, double bytes_per_token) {
  return loss / std::numbers::ln2 / bytes_per_token;
}

/// Loss by position, at the longest length of a panel: the mean over each of equal stretches of
/// the sequence. Falling below the windowed model's means that far context is used.
struct Curve {
  Row row;                   ///< what was evaluated
  int seed = 0;              ///< of the run
  std::vector<double> loss;  ///< [stretches], nats
};

/// Accuracy by how far back the answer stands.
struct LagScore {
  Row row;                          ///< what was evaluated
  int seed = 0, length = 0;         ///< as in EvalScore
  int from = 0, to = 0;             ///< lags from ≤ lag < to, in tokens
  double token_accuracy = unknown;  ///< share of right targets
  int count = 0;                    ///< targets
};

/// What the attention of one model did at one length, of the scored rows of all sequences.
struct AttentionScore {
  Row row;                               ///< what was evaluated
  int seed = 0, length = 0, tokens = 0;  ///< as in EvalScore
  std::vector<HeadLook> heads;           ///< of all layers
};

/// One of the numbers of an EvalScore, and how people read it.
struct Measure {
  double EvalScore::*value;  ///< where it is kept
  const char* name;          ///< "loss": names the plot's file too
  const char* title;         ///< as a heading
  bool percent;  ///< a share, read in percent, more is better; else nats, less is better

  static const Measure loss;            ///< nats
  static const Measure token_accuracy;  ///< share of tokens
  static const Measure bytes;           ///< token_accuracy of a text
  static const Measure exact_match;     ///< share of examples
};

/// One panel of a comparison: rows × lengths × seeds, with the same task, protocol and settings.
struct Results {
  std::string task;  ///< registered name
  std::string test;  ///< task options changed for the test, "tiled.copies=2"; "" for none
  std::string protocol =
      "fixed-targets";  ///< which targets count: the name of a Protocol, "answer"
  std::string
      variant;        ///< settings of training that the sweep varies: "train.lr=0.001"; "" if none
  bool text = false;  ///< a text is continued; else questions are answered
  int train_length = 0;              ///< N in items for tasks, in tokens for text
  int train_steps = 0;               ///< of training; 0: results of earlier versions don't say
  std::vector<int> lengths;          ///< evaluated, ascending
  LengthBins bins;                   ///< among lengths
  int seeds = 0;                     ///< runs per row
  std::vector<Row> rows;             ///< in the order of the tables
  std::vector<double> chance;        ///< [lengths] accuracy of the best guess that reads nothing
  double unigram_loss = unknown;     ///< text: loss of the unigram baseline, nats
  double bytes_per_token = unknown;  ///< of text that tokens stand for; unknown: no bits per byte
  std::vector<EvalScore> scores;     ///< of models at the end of their training
  std::vector<EvalScore> late_checkpoints;  ///< before it, in the last tenth of training
  std::vector<EvalScore> learning_curve;    ///< over all of training, if a sweep asks for them
  std::vector<Curve> curves;                ///< loss by position
  std::vector<LagScore> lags;               ///< accuracy by lag
  std::vector<AttentionScore> attention;    ///< where a sweep asks for them

  /// What tells panels apart: task, and test, protocol and variant where they are not the usual:
  /// "text, tiled.copies=2, non-overlapping".
  std::string title() const;
  /// Sets rows, in the order in which they come, lengths and seeds as the scores have them, beside
  /// those that are there.
  void count_scores();
  /// The measures worth a table, the most telling first.
  std::vector<Measure> measures() const;
  /// The numbers of the seeds that have one.
  std::vector<double> values(const Row&, int length, const Measure&) const;
  /// Their median and range.
  Spread at(const Row&, int length, const Measure&) const;
  /// Why a row has no number at a length, in a word or two: "table ends"; "" if it has one.
  std::string problem(const Row&, int length) const;
  /// The score of the same models, unextended, at the trained length: what a cell is judged by.
  Spread reference(const Row&, const Measure&) const;
  /// How many times worse a cell is than its reference: for nats the ratio of the two, for shares
  /// the inverse ratio. NaN where either is unknown.
  double degradation(const Row&, int length, const Measure&) const;
  /// Not one seed of a task reached 90 % at the trained length: what follows says nothing about
  /// length. False for text.
  bool unlearned(const Row&) const;
  /// Share of a test's answers from which on a model has solved the task at that length.
  static constexpr double solving = 0.9;
  /// How many of the seeds that have a number solve the task at a length: by whole answers, or by
  /// their tokens where wholes were not counted.
  struct Solved {
    int seeds = 0, of = 0;  ///< that solve it, of those with a number
  };
  /// Of one row at one length.
  Solved solved(const Row&, int length) const;
  /// `chance` at a length; NaN if it is not known.
  double chance_accuracy(int length) const;
  /// The longest of `lengths`, of which there has to be one.
  int longest() const;
  /// Length over trained length: "8", "0.5".
  std::string multiple(int length) const;
};

/// Calls f(to.x, from.x) for each list x of what models reached.
template <class F>
void each_list(Results& to, const Results& from, F f) {
  f(to.scores, from.scores), f(to.curves, from.curves), f(to.lags, from.lags);
  f(to.late_checkpoints, from.late_checkpoints), f(to.learning_curve, from.learning_curve);
  f(to.attention, from.attention);
}

}  // namespace yonder
