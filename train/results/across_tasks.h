#pragma once
#include <string>
#include <utility>
#include <vector>

#include "train/results/panel.h"

/// \file
/// Aggregates rows across tasks: Agarwal et al. 2021, "Deep reinforcement learning at the edge of
/// the statistical precipice", arXiv:2108.13264. Also the confidence interval of a solve rate.
namespace yonder {

/// Wilson's 95 % confidence interval of a proportion, k successes out of n > 0,
/// (p + z²/2n ± z √(p(1 − p)/n + z²/4n²))/(1 + z²/n).  Wilson 1927, J. Am. Stat. Assoc. 22.
std::pair<double, double> wilson(int k, int n);

/// The mean of k > 0 values without the lowest and the highest ⌊k/4⌋.
double interquartile_mean(std::vector<double> values);

/// Scores of one row, [task][seed].
using TaskScores = std::vector<std::vector<double>>;

/// For each of `rows`, one score in 0..1 per seed with a value: (x − chance)/(1 − chance) for an
/// accuracy, (unigram − x)/(unigram − the panel's best median at the training length) for a loss,
/// clipped.
TaskScores normalised(const Results&, const std::vector<Row>& rows, int length);

/// A row aggregated over tasks.
struct AcrossTasks {
  double mean = unknown;                 ///< interquartile mean over tasks and seeds
  double low = unknown, high = unknown;  ///< 95 %, seeds resampled within each task, 2000 times
  int tasks = 0, runs = 0;               ///< that have a score
};
/// Skips tasks without a score.
AcrossTasks across_tasks(const TaskScores&);

/// P(X > Y) + P(X = Y)/2 for a run X of one row and a run Y of another on the same task, averaged
/// over the tasks where both have scores: (1/M) Σ_m (1/(n_m k_m)) Σ_i Σ_j [x_mi > y_mj] + [x_mi =
/// y_mj]/2. NaN if there is no such task.
double probability_of_improvement(const TaskScores& x, const TaskScores& y);

/// The performance profile at τ: the share of runs, over tasks and seeds, whose score is above τ.
/// NaN without runs.
double share_above(double tau, const TaskScores&);

/// The name by which panels count as the same task: the task with those of its options that the
/// panel sets, "copy (unique true)".
std::string task_name(const Results&);

/// Rows across the tasks that were evaluated at one multiple of the training length.
struct AtMultiple {
  std::string multiple;                    ///< "8"
  std::vector<const Results*> panels;      ///< the first of each task, sorted by name
  std::vector<int> lengths;                ///< [task] evaluation length
  std::vector<Row> rows;                   ///< of all tasks, in order of appearance
  std::vector<TaskScores> scores;          ///< [row][task][seed], normalised()
  std::vector<std::vector<double>> ranks;  ///< [row][task], see ranks_at(); NaN: not run

  /// The mean of a row's ranks over the tasks where it has one; NaN without any.
  double mean_rank(std::size_t row) const;
  /// Indices into `rows` from the lowest mean rank to the highest, rows without one last.
  std::vector<std::size_t> by_rank() const;
  /// The first of these, at most `most`, without rows that have no rank.
  std::vector<std::size_t> best_ranked(std::size_t most) const;
};

/// The rank of each of `rows` at a length by the median of the panel's first measure, 1 for the
/// best. Medians that a table rounds to the same value share the mean of their ranks, as do rows
/// without a value, which come last. NaN for rows that were not run, and for windowed ones.
std::vector<double> ranks_at(const Results&, const std::vector<Row>& rows, int length);

/// One entry for each multiple of the training length at which two or more tasks were evaluated,
/// ascending. Entries point into `panels`.
std::vector<AtMultiple> at_multiples(const std::vector<Results>& panels);
/// The longest of the multiples that the most tasks share. The list must not be empty.
const AtMultiple& headline_of(const std::vector<AtMultiple>&);

}  // namespace yonder
