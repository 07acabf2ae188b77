#pragma once
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "train/results/study.h"

/// \file
/// The records of results.json: one table of fields for each, by which it is written and read.
namespace yonder {

/// @{
/// As the file has it; NaN is null.
nlohmann::ordered_json json_of(const Row&);
nlohmann::ordered_json json_of(const EvalScore&);
nlohmann::ordered_json json_of(const Curve&);
nlohmann::ordered_json json_of(const LagScore&);
nlohmann::ordered_json json_of(const AttentionScore&);
nlohmann::ordered_json json_of(const Training&);
/// @}

/// Readers of what json_of() gives, in earlier versions too: a UsageError or one of nlohmann::json
/// for anything else.
namespace records {

double number(const nlohmann::json&);                ///< null is `unknown`
std::vector<double> numbers(const nlohmann::json&);  ///< alike
int whole(const nlohmann::json&);                    ///< without a fraction
std::vector<int> wholes(const nlohmann::json&);      ///< alike

Row row_of(const nlohmann::json&);  ///< one that has a label
EvalScore score_of(const nlohmann::json&,
                   const std::string& protocol);     ///< which the record does not say
Curve curve_of(const nlohmann::json&);               ///< loss by position
LagScore lag_of(const nlohmann::json&);              ///< accuracy by distance
AttentionScore attention_of(const nlohmann::json&);  ///< of all heads
Training training_of(const nlohmann::json&);         ///< of one run

}  // namespace records
}  // namespace yonder
