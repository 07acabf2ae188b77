#pragma once
#include <cstdint>
#include <limits>
#include <string>

#include "train/config/row.h"

namespace yonder {

/// A measure that was not taken or is undefined.
inline constexpr double unknown = std::numeric_limits<double>::quiet_NaN();

/// Outcome of an evaluation at one length.
enum class Status {
  ok,         ///< there is a score
  undefined,  ///< the encoding is undefined at this length
  failed,     ///< the logits are no longer finite
  refused     ///< the model does not accept the inference-time overrides of its row
};

/// All of them.
inline constexpr Status every_status[] = {Status::ok, Status::undefined, Status::failed,
                                          Status::refused};

/// Its spelling in files.
inline const char* name_of(Status status) {
  const char* const names[] = {"ok", "undefined", "failed", "refused"};
  return names[int(status)];
}

/// Scores of one trained model with one row's extension at one length. Measures that were not taken
/// or are undefined are NaN.
struct EvalScore {
  Row row;                          ///< what was evaluated
  std::string protocol;             ///< which targets are scored, and with which context
  int length = 0;                   ///< items for tasks, tokens for text; the longest of a bin
  int tokens = 0;                   ///< longest sequence that the model saw
  int seed = 0;                     ///< of the run
  double loss = unknown;            ///< mean over targets, nats
  double token_accuracy = unknown;  ///< fraction of targets that are the argmax
  double exact_match = unknown;     ///< fraction of examples with a fully correct answer
  int examples = 0;                 ///< sequences evaluated
  std::int64_t targets = 0;         ///< scored tokens; 0: unknown, in results of earlier versions
  double loss_low = unknown;        ///< 95 % bootstrap interval of `loss` over sequences
  double loss_high = unknown;       ///< its upper end
  int step = 0;                     ///< training steps that the model had taken; 0: all of them
  Status status = Status::ok;       ///< whether there is a score
  std::string reason;   ///< why there is no score, in a word or two: "table ends"; else empty
  std::string problem;  ///< the same in one sentence
};

}  // namespace yonder
