#pragma once
#include <string>

namespace yonder {

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

}  // namespace yonder
