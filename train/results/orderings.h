#pragma once
#include <optional>
#include <string>
#include <vector>

#include "train/results/inference.h"
#include "train/results/study.h"

/// \file
/// Which of two rows is better, on the same seeds and data; and whether a published order of rows
/// is reproduced.
namespace yonder {

/// What the seeds say about "`better` scores better than `worse`".
enum class Outcome {
  holds,     ///< the one-sided sign-flip test of the mean difference has p ≤ 0.05
  reversed,  ///< the same test of the opposite has
  open       ///< neither, or the pair can't be judged
};

/// Fewest seeds to judge a pair: four seeds that agree still give p = 0.06.
inline constexpr int fewest_seeds = 5;

/// One step of an order of rows.
struct Ordering {
  Row better, worse;                ///< as stated beforehand
  int length = 0;                   ///< evaluation length
  std::string at;                   ///< the length, or the bin that ends there: "26-50"
  Measure measure = Measure::loss;  ///< what is compared
  Paired pairs;                     ///< better's value minus worse's, on the seeds that both have
  int agree = 0;                    ///< seeds on which `better` is the better one
  double p = unknown;               ///< one-sided sign-flip test of the stated order; of two seeds
  double opposite_p = unknown;      ///< of the opposite order
  double sign_p = unknown;          ///< one-sided sign test of the stated order
  std::string doubt;           ///< why the pair can't be judged, whatever its values; else empty
  bool too_few_seeds = false;  ///< that is the only doubt
  Outcome outcome = Outcome::open;  ///< result of the test
};

/// Compares `better` with `worse` at one length. The pair can't be judged if a row was not run, has
/// no value or was not learned at the training length, if both are at chance level, or with fewer
/// than `fewest_seeds` seeds.
Ordering ordering(const Results&, const Row& better, const Row& worse, int length, const Measure&);

/// Whether a row is at chance level at `length`: an accuracy at most two points above the best
/// guess, no exact match, or a loss that is not below the unigram baseline's as tables round it.
/// The order of such rows means nothing.
bool at_chance(const Results&, const Row&, int length, const Measure&);

/// The rows that have a value at `length`, from the best median to the worst. Windowed rows are
/// left out: they are the baseline, not competitors.
std::vector<Row> ranking(const Results&, int length, const Measure&);
/// Whether a row has the best median at a length, as tables round it.
bool is_best(const Results&, const Row&, int length, const Measure&);
/// Compares each row of the ranking with the next.
std::vector<Ordering> orderings(const Results&, int length, const Measure&);

/// "t5 < rope at 1024: 5 of 5 seeds", < for losses and > for accuracies.
std::string said(const Ordering&);
/// The statistics: "median difference −0.42 nats, interval −0.50 to −0.31, p = 0.031 …".
std::string evidence(const Ordering&);
/// What would decide an undecided step, as one of `claims` claims: "17 seeds would decide, if …";
/// empty if it is decided, with fewer than two seeds, or if more seeds would not help.
std::string seeds_to_decide(const Ordering&, int claims);

/// The result of a claim.
struct Verdict {
  /// Whether the claim was reproduced.
  enum Result { reproduced, partly, not_reproduced, inconclusive };

  Claim claim;                  ///< as published
  int panel = -1;               ///< that it is compared with; −1: none
  int length = 0;               ///< evaluation length
  std::string why;              ///< why it can't be compared; else empty
  std::vector<Ordering> steps;  ///< each row against the next
  double p = 1;                 ///< largest p of its steps, as all must hold; or the trend's
  /// Smallest opposite_p of its steps, times their number; or the reversed trend's.
  double opposite_p = 1;
  double adjusted_p = 1;       ///< p adjusted by Holm over all claims of the study
  std::optional<Trend> trend;  ///< of the whole order: four or more rows, or judged by trend
  /// Reproduced if adjusted_p ≤ 0.05, no step has opposite_p ≤ 0.05 and each step holds on some
  /// seed; partly if only such a step prevents that, or if a step has p ≤ 0.05 by itself; not
  /// reproduced if opposite_p, adjusted in the same way, is ≤ 0.05; else inconclusive.
  Result result = inconclusive;
};

/// Index of the panel that a claim is about: the first that matches it; −1 if none does.
int panel_of(const Study&, const Claim&);
/// The verdict on each claim of a study, with p adjusted by Holm over all of them.
std::vector<Verdict> verdicts(const Study&);
/// "reproduced", "partly reproduced", "not reproduced", "inconclusive".
const char* name_of(Verdict::Result);

}  // namespace yonder
