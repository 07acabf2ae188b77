#pragma once
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "train/results/study.h"

/// \file
/// The records of results.json. One list of fields per record serves both writing and reading.
namespace yonder {

/// @{
/// As stored in the file; NaN is null.
nlohmann::ordered_json json_of(const Row&);
nlohmann::ordered_json json_of(const EvalScore&);
nlohmann::ordered_json json_of(const Curve&);
nlohmann::ordered_json json_of(const LagScore&);
nlohmann::ordered_json json_of(const AttentionScore&);
nlohmann::ordered_json json_of(const Training&);
/// @}

/// Readers of what json_of() writes, also in earlier versions. They throw UsageError or a
/// nlohmann::json exception for anything else.
namespace records {

double number(const nlohmann::json&);                ///< null gives `unknown`
std::vector<double> numbers(const nlohmann::json&);  ///< the same for arrays
int whole(const nlohmann::json&);                    ///< throws for a fraction
std::vector<int> wholes(const nlohmann::json&);      ///< the same for arrays

Row row_of(const nlohmann::json&);  ///< throws if it has no label
EvalScore score_of(const nlohmann::json&,
                   const std::string& protocol);     ///< not in the record
Curve curve_of(const nlohmann::json&);               ///< loss by position
LagScore lag_of(const nlohmann::json&);              ///< accuracy by distance
AttentionScore attention_of(const nlohmann::json&);  ///< for all heads
Training training_of(const nlohmann::json&);         ///< of one run

}  // namespace records
}  // namespace yonder
