#pragma once
#include <functional>
#include <vector>

#include "train/training/session.h"

/// \file
/// LongRoPE's search for the factors λ that divide rope's frequencies at one evaluation length.
/// Ding et al., "LongRoPE", 2024, arXiv:2402.13753, sec. 3.3; microsoft/LongRoPE,
/// evolution/algorithms/dim_mono.py.
namespace yonder {

/// λ of each pair of columns, in hundredths.
using Factors = std::vector<int>;
/// "1,1.25,8".
std::string text_of_factors(const Factors&);

/// Settings of an evolutionary search.
struct Evolution {
  int population = 16;  ///< of which the better half is kept
  int rounds = 10;      ///< of population/4 mutations and as many crossovers
  int seed = 0;         ///< of the random draws
};

/// One set of factors and its loss.
struct Candidate {
  Factors factors;  ///< non-decreasing from pair to pair, in [1, k]
  double loss = 0;  ///< nats; infinite if undefined
};

/// All candidates by ascending loss, equal ones in the order in which they were found: `initial`
/// and mutations of these, then by rounds. A mutation redraws each pair with probability 0.3
/// between its neighbours, a crossover takes each from either parent until pairs do not decrease;
/// none is tried twice. `most` is k in hundredths. The first is never worse than any of `initial`.
std::vector<Candidate> evolve(const std::vector<Factors>& initial, int most, const Evolution&,
                              const std::function<double(const Factors&)>& loss);

/// Settings of search_factors().
struct FactorSearch {
  int length = 0;       ///< evaluation length in items; longer than training
  int examples = 32;    ///< validation sequences per candidate
  Evolution evolution;  ///< how
};

/// What was found.
struct FoundFactors {
  Candidate best, yarn, linear;  ///< the best of all; the two starting points
  int tried = 0;                 ///< number of candidates
};

/// Evolves a model's rope factors by mean validation loss: from yarn's,
/// λ_m = k(1 − mask_m) + mask_m, and linear interpolation's, λ = k. Leaves the model with the best.
/// Throws UsageError for a model without rope, a length not beyond the trained one, or if no loss
/// is finite. `progress` may be empty; it gets the number of candidates and the lowest loss so far.
FoundFactors search_factors(Trained&, const FactorSearch&,
                            const std::function<void(int, double)>& progress = {});

}  // namespace yonder
