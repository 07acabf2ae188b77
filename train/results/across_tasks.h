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

/// One score in 0..1 of each seed that has a number: of a share (x − chance)/(1 − chance), of a
/// loss (unigram − x)/(unigram − the panel's best median at the training length), clipped.
std::vector<double> normalised(const Results&, const Row&, int length);

/// A row over tasks at one multiple of the training length.
struct AcrossTasks {
  double mean = unknown;                 ///< interquartile mean over tasks and seeds
  double low = unknown, high = unknown;  ///< 95 %, seeds redrawn within each task, 2000 times
  int tasks = 0, runs = 0;               ///< with a score
};
/// scores[task][seed]; tasks without a score are left out.
AcrossTasks across_tasks(const std::vector<std::vector<double>>& scores);

/// Multiples of the training length at which two tasks or more were tested, ascending; the first
/// panel of each task stands for it.
std::vector<std::string> shared_multiples(const std::vector<Results>& panels);
/// A row at one of them.
AcrossTasks across_tasks(const std::vector<Results>& panels, const Row&,
                         const std::string& multiple);

}  // namespace yonder
