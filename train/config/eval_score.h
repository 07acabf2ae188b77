#pragma once
#include <cstdint>
#include <limits>
#include <string>

#include "train/config/row.h"

namespace yonder {

/// A number that was not taken, or could not be.
inline constexpr double unknown = std::numeric_limits<double>::quiet_NaN();

/// What became of a test at one length.
enum class Status {
  ok,         ///< it has its numbers
  undefined,  ///< the encoding has no value at this length
  failed,     ///< the logits are no longer finite numbers
  refused     ///< the model can't be changed for the test as its row asks
};

/// All of them.
inline constexpr Status every_status[] = {Status::ok, Status::undefined, Status::failed,
                                          Status::refused};

/// As files have it.
inline const char* name_of(Status status) {
  const char* const names[] = {"ok", "undefined", "failed", "refused"};
  return names[int(status)];
}

/// What one trained model, under one row's extension, reached at one length. Measures that were not
/// taken, or could not be, are NaN.
struct EvalScore {
  Row row;                          ///< what was evaluated
  std::string protocol;             ///< which targets count, and what they see
  int length = 0;                   ///< items for tasks, tokens for text; of a bin the longest
  int tokens = 0;                   ///< longest sequence that the model saw
  int seed = 0;                     ///< of the run
  double loss = unknown;            ///< mean over targets, nats
  double token_accuracy = unknown;  ///< share of targets that are the model's first choice
  double exact_match = unknown;     ///< share of examples whose whole answer is right
  int examples = 0;                 ///< sequences evaluated
  std::int64_t targets = 0;         ///< scored tokens; 0: not known, in results of earlier versions
  double loss_low = unknown;        ///< 95 % interval of `loss` over the choice of sequences
  double loss_high = unknown;       ///< its upper end
  int step = 0;                ///< steps that the model had been trained; 0: all of its training
  Status status = Status::ok;  ///< whether there is a number
  std::string reason;   ///< why there is no number, in a word or two: "table ends"; else empty
  std::string problem;  ///< the same in one sentence
};

}  // namespace yonder
