#pragma once
#include <string>
#include <vector>

#include "train/results/study.h"

/// \file
/// Whether rows generalise by length as theory predicts. Huang et al. 2025, arXiv:2410.02140,
/// section 4: of the models that fit the trained lengths, the mean at longer ones.
namespace yonder {

/// What became of a row beyond its training length.
enum class Generalisation {
  not_learned,  ///< no seed has 99 % exact match at the training length, or the bin that ends there
  generalises,  ///< the mean of those that do is at least 90 % at the next longer length
  fails         ///< or is not
};

/// "not learned", "generalises", "does not generalise".
const char* name_of(Generalisation);

/// What became of a prediction for one row.
struct Predicted {
  Row row;                 ///< of which it was
  int panel = -1;          ///< −1: there is none
  bool predicted = false;  ///< to generalise
  std::string why;         ///< there is nothing to hold it against; else empty
  Generalisation outcome = Generalisation::not_learned;  ///< as measured
  int fit = 0, seeds = 0;  ///< seeds that fit the training length, of so many
  double mean = unknown;   ///< of those at the next longer length, exact match

  /// Whether theory and measurement agree.
  bool as_predicted() const {
    return why.empty() &&
           outcome == (predicted ? Generalisation::generalises : Generalisation::fails);
  }
};

/// For every row of every prediction of the study, in their order.
std::vector<Predicted> predictions(const Study&);

/// "15 of 16 as predicted; not learned: NoPE on addition."  "" where nothing is predicted.
std::string summary(const Study&, const std::vector<Predicted>&);
/// "NoPE on majority: generalises, as predicted (5 of 5 seeds learned it; 99.1 % at 26-50)".
std::string said(const Study&, const Predicted&);

}  // namespace yonder
