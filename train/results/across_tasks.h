#pragma once
#include <string>
#include <utility>
#include <vector>

#include "train/results/panel.h"

/// \file
/// Rows over several tasks: Agarwal et al. 2021, "Deep reinforcement learning at the edge of the
/// statistical precipice", arXiv:2108.13264. And how sure a solve rate is.
namespace yonder {

/// Wilson's 95 % interval of a share of which k of n > 0 were seen,
/// (p + z²/2n ± z √(p(1 − p)/n + z²/4n²))/(1 + z²/n).  Wilson 1927, J. Am. Stat. Assoc. 22.
std::pair<double, double> wilson(int k, int n);

/// The mean without the lowest and the highest ⌊k/4⌋ of k > 0 numbers.
double interquartile_mean(std::vector<double> values);

/// Scores of one row, [task][seed].
using TaskScores = std::vector<std::vector<double>>;

/// Of each of `rows` one score in 0..1 a seed that has a number: of a share
/// (x − chance)/(1 − chance), of a loss (unigram − x)/(unigram − the panel's best median at the
/// training length), clipped.
TaskScores normalised(const Results&, const std::vector<Row>& rows, int length);

/// A row over tasks.
struct AcrossTasks {
  double mean = unknown;                 ///< interquartile mean over tasks and seeds
  double low = unknown, high = unknown;  ///< 95 %, seeds redrawn within each task, 2000 times
  int tasks = 0, runs = 0;               ///< with a score
};
/// Tasks without a score are left out.
AcrossTasks across_tasks(const TaskScores&);

/// P(X > Y) + P(X = Y)/2 of a run X of one row and a run Y of another on the same task, the mean
/// over the tasks where both have scores: (1/M) Σ_m (1/(n_m k_m)) Σ_i Σ_j [x_mi > y_mj] + [x_mi =
/// y_mj]/2. NaN without such a task.
double probability_of_improvement(const TaskScores& x, const TaskScores& y);

/// The performance profile at τ: the share of runs, over tasks and seeds, whose score is above τ.
/// NaN without runs.
double share_above(double tau, const TaskScores&);

/// What across all panels stands for a task, and is read as one: the task with those of its options
/// that its panel sets, "copy, unique=true".
std::string task_name(const Results&);

/// Rows over the tasks that were tested at one multiple of the training length.
struct AtMultiple {
  std::string multiple;                    ///< "8"
  std::vector<const Results*> panels;      ///< the first of each task, by name
  std::vector<int> lengths;                ///< [task] tested
  std::vector<Row> rows;                   ///< of all tasks, in the order in which they come
  std::vector<TaskScores> scores;          ///< [row][task][seed], normalised()
  std::vector<std::vector<double>> ranks;  ///< [row][task], see ranks_at(); NaN: was not run

  /// The mean of a row's ranks over the tasks where it has one; NaN without any.
  double mean_rank(std::size_t row) const;
  /// Numbers of `rows` from the lowest mean rank to the highest, those without one last.
  std::vector<std::size_t> by_rank() const;
};

/// The rank of each of `rows` at a length by the median of the panel's first measure, 1 for the
/// best. Medians that a table shows alike share the mean of their ranks, and so do rows without a
/// number, which come last. NaN for rows that were not run, and for windowed ones.
std::vector<double> ranks_at(const Results&, const std::vector<Row>& rows, int length);

/// At each multiple of the training length at which two tasks or more were tested, ascending.
/// It points into the panels.
std::vector<AtMultiple> at_multiples(const std::vector<Results>& panels);
/// The longest of those that most tasks have, of which there has to be one.
const AtMultiple& headline_of(const std::vector<AtMultiple>&);

}  // namespace yonder
