#pragma once
#include <vector>

/// \file
/// Tests of stated directions, and what it would take to tell. Everything is exact, or drawn from
/// Philox and so the same every time.
namespace yonder {

/// One-sided sign-flip test of "the mean of `differences` is below 0": the share of all sign
/// patterns, each difference as often kept as turned, whose mean is as low or lower. All 2^n
/// patterns up to n = 16, else 100,000 draws. 1 without differences.
/// Fisher 1935, "The design of experiments", sec. 21.
double sign_flip_p(const std::vector<double>& differences);

/// One-sided sign test of the same: P(as many below 0, or more, of fair coins); zeros don't count.
double sign_p(const std::vector<double>& differences);

/// Holm's adjustment for a family of tests, in the order given: the i-th smallest of m (from 0)
/// times m − i, made monotone, at most 1.  Holm 1979, Scand. J. Statist. 6.
std::vector<double> holm(const std::vector<double>& p);

/// Fewest seeds with which one of `claims` claims can pass Holm's first step at 0.05:
/// max(5, ⌈log2 20m⌉).
int seeds_for(int claims);

/// The rank of each value, from 1 for the smallest; equal values share the mean of their ranks.
std::vector<double> tied_ranks(const std::vector<double>& values);

/// Whether rows stand in a predicted order, over seeds. Page 1963, J. Am. Stat. Assoc. 58.
struct Trend {
  double L = 0;    ///< Σ_j j R_j, R_j the sum over seeds of the ranks of the row predicted j-th
  double tau = 0;  ///< mean over seeds of Kendall's τ with the prediction
  double p = 1;    ///< share of ranks permuted within seeds whose L is as large
};
/// values[seed][j] of the row predicted j-th, the smallest first; ties share ranks. p counts all
/// permutations where there are at most 100,000, else it is drawn.
Trend trend(const std::vector<std::vector<double>>& values);

/// Seeds that would tell one of `claims` claims with power 0.8, if the differences are what they
/// seem: δ = |mean|/sd, n* = max(⌈log2(m/0.05)⌉, ⌈((z + 0.842)/δ)² + z²/2⌉), z for 0.05/m. 0 where
/// the mean does not lie below 0 or there are fewer than two differences.
int seeds_needed(const std::vector<double>& differences, int claims);

}  // namespace yonder
