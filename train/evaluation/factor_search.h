#pragma once
#include <functional>
#include <vector>

#include "train/training/session.h"

/// \file
/// LongRoPE's search for the factors λ that divide rope's frequencies in tests of one length.
/// Ding et al., "LongRoPE", 2024, arXiv:2402.13753, sec. 3.3; microsoft/LongRoPE,
/// evolution/algorithms/dim_mono.py.
namespace yonder {

/// λ of each pair of columns, in hundredths.
using Factors = std::vector<int>;
/// "1,1.25,8".
std::string text_of_factors(const Factors&);

/// How long evolution takes, and where its draws come from.
struct Evolution {
  int population = 16;  ///< of which the better half stays
  int rounds = 10;      ///< of population/4 mutations and as many crossings
  int seed = 0;         ///< of the draws
};

/// One set of factors and its loss.
struct Candidate {
  Factors factors;  ///< that do not decrease from pair to pair, in [1, k]
  double loss = 0;  ///< nats; infinite where there is none
};

/// Candidates in the order of their losses, equal ones in that in which they were found: `begin`
/// and mutations of these, then by rounds. A mutation redraws each pair with chance 0.3 between its
/// neighbours, a crossing takes each from either parent until the pairs rise; none is tried twice.
/// `most` is k in hundredths. The first is never worse than any of `begin`.
std::vector<Candidate> evolve(const std::vector<Factors>& begin, int most, const Evolution&,
                              const std::function<double(const Factors&)>& loss);

/// What is searched for.
struct FactorSearch {
  int length = 0;       ///< of the tests, items; longer than training
  int examples = 32;    ///< validation sequences of each
  Evolution evolution;  ///< how
};

/// What was found.
struct FoundFactors {
  Candidate best, yarn, linear;  ///< the best of all; those that the search begins with
  int tried = 0;                 ///< sets of factors
};

/// Evolves the factors of rope in a model by the mean loss of validation sequences: from yarn's,
/// λ_m = k(1 − mask_m) + mask_m, and linear interpolation's, λ = k. Leaves the model with the best.
/// UsageError for a model without rope, or a length that is not beyond the trained one. `progress`
/// may be empty; it gets how many have been tried and the least loss.
FoundFactors search_factors(Trained&, const FactorSearch&,
                            const std::function<void(int, double)>& progress = {});

}  // namespace yonder
