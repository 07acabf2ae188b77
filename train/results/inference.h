#pragma once
#include <vector>

/// \file
/// Tests of predicted directions, and how many seeds they need. Everything is exact, or sampled
/// with Philox and so reproducible.
namespace yonder {

/// One-sided sign-flip test of "the mean of `differences` is below 0": the share of all sign
/// patterns, each equally likely, whose mean is as low or lower. All 2^n patterns up to n = 16,
/// else 100,000 random ones. 1 if there are no differences.
/// Fisher 1935, "The design of experiments", sec. 21.
double sign_flip_p(const std::vector<double>& differences);

/// One-sided sign test of the same: P(at least as many below 0) for fair coins; zeros don't count.
double sign_p(const std::vector<double>& differences);

/// Holm-adjusted p-values of a family of tests, in the order given: the i-th smallest of m (from 0)
/// times m − i, made monotone, at most 1.  Holm 1979, Scand. J. Statist. 6.
std::vector<double> holm(const std::vector<double>& p);

/// The fewest seeds with which one of `claims` claims can pass Holm's first step at 0.05:
/// max(5, ⌈log2 20m⌉).
int seeds_for(int claims);

/// The rank of each value, from 1 for the smallest; equal values share the mean of their ranks.
std::vector<double> tied_ranks(const std::vector<double>& values);

/// Page's test of a predicted order of rows, over seeds. Page 1963, J. Am. Stat. Assoc. 58.
struct Trend {
  double L = 0;    ///< Σ_j j R_j, R_j the sum over seeds of the ranks of the row predicted j-th
  double tau = 0;  ///< mean over seeds of Kendall's τ with the prediction
  double p = 1;    ///< share of permutations of ranks within seeds whose L is as large
};
/// values[seed][j] is of the row predicted j-th, the smallest first; ties share ranks. p is exact
/// for at most 100,000 permutations, else sampled.
Trend trend(const std::vector<std::vector<double>>& values);

/// Seeds needed to decide one of `claims` claims with power 0.8, if the observed differences are
/// real: δ = |mean|/sd, n* = max(⌈log2(m/0.05)⌉, ⌈((z + 0.842)/δ)² + z²/2⌉), z for 0.05/m. 0 if the
/// mean is not below 0 or there are fewer than two differences.
int seeds_needed(const std::vector<double>& differences, int claims);

}  // namespace yonder
