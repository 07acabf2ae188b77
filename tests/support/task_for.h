#pragma once
#include "encodings/base/encoding.h"

namespace yonder {

/// A task that an encoding can be trained on: `task`, or one with numbers if it needs digits.
inline std::string task_for(const Entry& e, const std::string& task = "copy") {
  return e.make()->needs_digits() ? "passkey" : task;
}

}  // namespace yonder
