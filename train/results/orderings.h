#pragma once
#include <optional>
#include <string>
#include <vector>

#include "train/results/inference.h"
#include "train/results/study.h"

/// \file
/// Which row is better, said of pairs of rows on the same seeds and data; and what becomes of a
/// published order of rows.
namespace yonder {

/// What the seeds say of "`better` scores better than `worse`".
enum class Outcome {
  holds,     ///< the one-sided sign-flip test of the mean difference has p ≤ 0.05
  reversed,  ///< that of the opposite has
  open       ///< neither, or the pair can't be judged
};

/// Seeds below which no pair is judged: four that agree have p = 0.06.
inline constexpr int fewest_seeds = 5;

/// One step of an order of rows.
struct Ordering {
  Row better, worse;                ///< as stated beforehand
  int length = 0;                   ///< evaluation length
  std::string at;                   ///< the length, or the bin that ends there: "26-50"
  Measure measure = Measure::loss;  ///< what is compared
  Paired pairs;                     ///< better's number less worse's, on the seeds that both have
  int agree = 0;                    ///< seeds on which `better` is the better one
  double p = 1;                     ///< one-sided sign-flip test of what is stated
  double opposite_p = 1;            ///< of its opposite
  double sign_p = 1;                ///< one-sided sign test of what is stated
  std::string doubt;  ///< why the pair can't be judged whatever its numbers are; else empty
  Outcome outcome = Outcome::open;  ///< what the test says
};

/// `better` against `worse` at one length. It can't be judged where a row was not run or has no
/// number, was not learned at the trained length, where both are at chance level, or with
/// fewer than `fewest_seeds`.
Ordering ordering(const Results&, const Row& better, const Row& worse, int length, const Measure&);

/// Whether a row shows at `length` what a model without any skill may show: at most two points
/// above the best guess, no exact match, or a loss that is not better than the unigram model's as
/// tables round it. How such rows stand to each other means nothing.
bool at_chance(const Results&, const Row&, int length, const Measure&);

/// The rows that have a number at `length`, from the best median to the worst. Windowed ones are no
/// competitors but the baseline, and are left out.
std::vector<Row> ranking(const Results&, int length, const Measure&);
/// Whether a row has the best median of a length, as tables show it.
bool is_best(const Results&, const Row&, int length, const Measure&);
/// Each row of the ranking against the next.
std::vector<Ordering> orderings(const Results&, int length, const Measure&);

/// "t5 < rope at 1024: 5 of 5 seeds", < for losses and > for shares.
std::string said(const Ordering&);
/// What is behind it: "median difference −0.42 nats, interval −0.50 to −0.31, p = 0.031".
std::string evidence(const Ordering&);
/// What it would take to tell where it is open, as one of `claims` claims: "17 seeds would tell, if
/// the difference is what it seems". Empty where it is told or no seeds are there.
std::string would_tell(const Ordering&, int claims);

/// What became of a claim.
struct Verdict {
  /// What became of a claim.
  enum Result { reproduced, partly, not_reproduced, cannot_be_told };

  Claim claim;                  ///< as published
  int panel = -1;               ///< that it was held against; −1: there is none
  int length = 0;               ///< at which
  std::string why;              ///< there is nothing to hold it against; else empty
  std::vector<Ordering> steps;  ///< each row against the next
  double p = 1;           ///< the largest of its steps', as a claim needs them all; or its trend's
  double opposite_p = 1;  ///< the smallest of its steps' opposites; or of the reversed order
  double adjusted_p = 1;  ///< by Holm, among all claims of the study
  std::optional<Trend> trend;  ///< of the order as a whole, for four rows or more
  /// Reproduced if adjusted_p ≤ 0.05, no step's opposite is and some seed shows each step; partly
  /// if that is so but for such a step, or if a step has p ≤ 0.05 by itself; not reproduced if the
  /// opposite of a step passes as the claim would have to; else it is inconclusive.
  Result result = cannot_be_told;
};

/// The panel that a claim speaks of: the first that has what it names; −1 if none has.
int panel_of(const Study&, const Claim&);
/// On every claim of a study, p adjusted by Holm over all.
std::vector<Verdict> verdicts(const Study&);
/// "reproduced", "partly reproduced", "not reproduced", "inconclusive".
const char* name_of(Verdict::Result);

}  // namespace yonder
