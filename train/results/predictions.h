#pragma once
#include <string>
#include <vector>

#include "train/results/study.h"

/// \file
/// Whether rows length-generalise as theory predicts. Huang et al. 2025, arXiv:2410.02140,
/// section 4: the mean at longer lengths over the models that fit the training lengths.
namespace yonder {

/// How a row generalises beyond its training length.
enum class Generalisation {
  not_learned,  ///< no seed has 99 % exact match at the training length, or the bin that ends there
  generalises,  ///< the mean of those that have is at least 90 % at the next longer length
  fails         ///< that mean is below 90 %
};

/// "not learned", "generalises", "does not generalise".
const char* name_of(Generalisation);

/// A prediction for one row, and its outcome.
struct Predicted {
  Row row;                                               ///< that is predicted
  int panel = -1;                                        ///< index of its panel; −1: none
  bool predicted = false;                                ///< to generalise
  std::string why;                                       ///< why it can't be compared; else empty
  Generalisation outcome = Generalisation::not_learned;  ///< as measured
  int fit = 0, seeds = 0;  ///< seeds that fit the training length; all seeds
  double mean = unknown;   ///< their mean exact match at the next longer length

  /// Whether theory and measurement agree.
  bool as_predicted() const {
    return why.empty() &&
           outcome == (predicted ? Generalisation::generalises : Generalisation::fails);
  }
};

/// One for each row of each prediction of the study, in their order.
std::vector<Predicted> predictions(const Study&);

/// "15 of 16 as predicted; not learned: NoPE on addition."  "" if nothing is predicted.
std::string summary(const Study&, const std::vector<Predicted>&);
/// "NoPE on majority: generalises, as predicted (5 of 5 seeds learned it; 99.1 % at 26-50)".
std::string said(const Study&, const Predicted&);

}  // namespace yonder
